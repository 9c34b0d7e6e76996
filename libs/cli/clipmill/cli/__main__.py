"""The `clipmill` command."""

# ruff: noqa: PLC0415  # each command imports only what it needs: `clipmill status` starts without NATS and PyAV

import asyncio
import os
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path

import click
import msgspec
from clipmill.cli.commands.operating import dead_letters, projection
from clipmill.cli.commands.reserve import clips, more
from clipmill.cli.commands.verifying import verify
from clipmill.cli.flags import FOLDER, json_option, output_option, seconds_option, server_option, speech_options
from clipmill.cli.outcomes import ExitStatus, WrongRequest
from clipmill.contracts.options import Background, CaptionStyle, LayoutChoice, OutputFormat, Profanity
from clipmill.operations.credentials import without_credentials
from clipmill.operations.settings import (
    CommonSettings,
    LogFormat,
    LogLevel,
    SettingsError,
    data_directory,
    load_settings,
)

GEMINI_KEY_VARIABLE = "GEMINI_API_KEY"

HELP = """Turn long talking videos into ranked, captioned, vertical clips.

\b
Try it:   clipmill demo
Run it:   clipmill up
Use it:   clipmill submit talk.mp4 --output clips

\b
Exit status: 0 success, 1 the work failed, 2 the request is wrong,
3 no server answers or it is too busy, 130 interrupted.

\b
Shell completion, for ~/.bashrc (also for zsh and fish):
  eval "$(_CLIPMILL_COMPLETE=bash_source clipmill)"
"""


def _choice(*words: str) -> click.Choice[str]:
    """Return the type of an option that takes one of `words`; an enum's members stand for their values."""
    return click.Choice([str(word) for word in words], case_sensitive=False)


CAPTIONS = _choice("on", *CaptionStyle)


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("clipmill-cli"), prog_name="clipmill")
def main() -> None:
    """Turn long talking videos into clips."""


@main.command()
@click.option("--data", type=FOLDER, metavar="DIR", help="Folder that holds all data; see above for the default.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar="CLIPMILL_GATEWAY_PORT",
    default=8000,
    show_default=True,
    show_envvar=True,
    help="Port of the server; 0 takes any free port.",
)
@click.option("--verbose", is_flag=True, help="Show every log line, not only warnings and errors.")
def up(data: Path | None, port: int, *, verbose: bool) -> None:
    """Run everything on this machine: NATS, the store and the five services.

    The data folder holds everything; by default it is $XDG_DATA_HOME/clipmill or ~/.local/share/clipmill. If
    CLIPMILL_NATS_URL or CLIPMILL_STORE_URL is set, that server or store is used. All CLIPMILL_* variables reach the
    services (see `clipmill config`). The command restarts a service that dies, and stops all services at its end.
    """
    from clipmill.cli.commands.up import run_up

    _quiet_logs()
    _run(run_up(data or data_directory(), port, verbose=verbose))


@main.command()
@click.option(
    "--data",
    type=FOLDER,
    metavar="DIR",
    help="Folder that holds all data and is kept afterwards; a temporary folder by default.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary data folder.")
@click.option(
    "--output",
    type=FOLDER,
    metavar="DIR",
    default=Path("clipmill-demo"),
    show_default=True,
    help="Folder for the clips.",
)
def demo(data: Path | None, output: Path, *, keep: bool) -> None:
    """Start everything, make clips of the bundled sample video, stop everything.

    The command succeeds only if every clip is a playable 9:16 file. Its data are in a temporary folder unless --data
    names one.
    """
    from clipmill.cli.commands.demo import demo_folders, run_demo
    from clipmill.cli.local.running import Stopped

    _quiet_logs()
    folders = demo_folders(data, output, keep=keep)
    try:
        _run(run_demo(folders))
    except Stopped:
        sys.exit(ExitStatus.INTERRUPTED)


@main.command()
@click.argument("source", metavar="FILE|URL")
@click.option("--wait", is_flag=True, help="Follow the job to its end.")
@json_option
@output_option
@server_option
@click.option("--clips", type=int, help="Number of clips; all good moments if you leave it out.")
@seconds_option("--min-seconds", help_text="Shortest clip, in seconds.")
@seconds_option("--max-seconds", help_text="Longest clip, in seconds.")
@click.option("--about", metavar="TEXT", help="Subject that the clips should be about, in words or a sentence.")
@click.option("--exclude", metavar="TEXT", help="Subject that no clip may be about.")
@seconds_option("--start", help_text="Start of the part of the video to use, in seconds.")
@seconds_option("--end", help_text="End of the part of the video to use, in seconds.")
@speech_options
@click.option(
    "--captions", type=CAPTIONS, help="Style of the captions; on is bold, and auto is off where most words are guesses."
)
@click.option("--no-captions", "captions", type=CAPTIONS, flag_value="off", help="Short for --captions off.")
@click.option(
    "--format",
    "output_format",
    type=_choice(*OutputFormat),
    help="Shape of the clips: vertical is 1080x1920, square 1080x1080, horizontal 1920x1080.",
)
@click.option(
    "--layout",
    type=_choice(*LayoutChoice),
    help="Layout: follow the speaker (track), show the whole picture (fit) or stack two people (split); auto chooses "
    "for each shot.",
)
@click.option(
    "--background",
    type=_choice(*Background),
    help="Background of a picture that does not fill the frame.",
)
@click.option("--profanity", type=_choice(*Profanity), help="Keep swear words in captions, or mask them.")
@click.option("--hook/--no-hook", default=None, help="Show the title in the first seconds, or do not.")
@click.option("--priority", type=click.Choice(["high", "normal"]), help="Priority of the job; high goes first.")
@click.option(
    "--gemini-key", is_flag=True, help=f"Send the key in {GEMINI_KEY_VARIABLE} with this job; only this job uses it."
)
def submit(
    *,
    source: str,
    server: str,
    output: Path | None,
    clips: int | None,
    min_seconds: float | None,
    max_seconds: float | None,
    about: str | None,
    exclude: str | None,
    start: float | None,
    end: float | None,
    language: str | None,
    vocabulary: tuple[str, ...],
    model: str | None,
    transcript: Path | None,
    captions: str | None,
    output_format: str | None,
    layout: str | None,
    background: str | None,
    profanity: str | None,
    hook: bool | None,
    priority: str | None,
    wait: bool,
    as_json: bool,
    gemini_key: bool,
) -> None:
    """Submit a video file or URL.

    Options that you leave out take the server's defaults: all good moments, at most 15, as clips of 15 to 60 seconds,
    vertical, with bold captions unless most words are guesses.
    """
    from clipmill.cli.client.submission import Submission
    from clipmill.cli.commands import jobs

    reporting = jobs.ReportOptions(server=server, wait=wait or output is not None, as_json=as_json, output=output)
    options = Submission(
        target_clips=clips,
        clip_min_seconds=min_seconds,
        clip_max_seconds=max_seconds,
        about=about,
        exclude=exclude,
        start=start,
        end=end,
        language=language,
        vocabulary="\n".join(vocabulary) or None,
        model=model,
        transcript=transcript,
        captions=captions,
        output_format=output_format,
        layout=layout,
        background=background,
        profanity=profanity,
        hook=hook,
        priority=priority,
    )
    accepted: list[str] = []
    submission = jobs.submit(
        jobs.parse_source(source),
        options,
        reporting,
        gemini_key=_gemini_key() if gemini_key else None,
        accepted=accepted.append,
    )
    try:
        _run(submission)
    except KeyboardInterrupt:
        _interrupted(accepted[0] if accepted else None, server)
    if not wait and not as_json and output is None:
        click.echo(f"Job {accepted[0]} is submitted. Follow it with: {_watch_command(accepted[0], server)}")


@main.command()
@click.argument("job")
@click.option("--watch", is_flag=True, help="Follow the job to its end.")
@json_option
@output_option
@server_option
def status(job: str, server: str, output: Path | None, *, watch: bool, as_json: bool) -> None:
    """Show a job's log and clips."""
    from clipmill.cli.commands import jobs

    reporting = jobs.ReportOptions(server=server, wait=watch or output is not None, as_json=as_json, output=output)
    try:
        _run(jobs.show(job, reporting))
    except KeyboardInterrupt:
        _interrupted(job, server)


@main.command("jobs")
@click.option("--status", help="Only jobs with this status, such as processing, failed or cancelled.")
@click.option("--limit", type=int, help="Number of jobs to list, at most 200.")
@click.option(
    "--before",
    metavar="CURSOR",
    help="Continue an earlier list with older jobs; CURSOR is what that list printed last.",
)
@json_option
@server_option
def list_jobs(server: str, status: str | None, limit: int | None, before: str | None, *, as_json: bool) -> None:
    """List the server's jobs, newest first."""
    from clipmill.cli.client.connection import JobQuery
    from clipmill.cli.commands import jobs

    _run(jobs.list_jobs(JobQuery(status=status, limit=limit, before=before), server, as_json=as_json))


@main.command()
@click.argument("job")
@json_option
@server_option
def cancel(job: str, server: str, *, as_json: bool) -> None:
    """Cancel a job that has not ended, and remove its files."""
    from clipmill.cli.commands import jobs
    from clipmill.contracts.api import Only

    _run(jobs.end(job, Only.CANCEL, server, as_json=as_json))


@main.command()
@click.argument("job")
@json_option
@server_option
def delete(job: str, server: str, *, as_json: bool) -> None:
    """Delete a job that has ended, with its clips and all its data."""
    from clipmill.cli.commands import jobs
    from clipmill.contracts.api import Only

    _run(jobs.end(job, Only.DELETE, server, as_json=as_json))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def config(*, as_json: bool) -> None:
    """List every setting of every service with its value, default, source and purpose."""
    from clipmill.cli.commands.settings_table import ask_all, print_settings, require_answers

    configs = asyncio.run(ask_all())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(configs), indent=2))
    else:
        print_settings(configs, sys.stdout)
    require_answers(configs)


@main.group()
def models() -> None:
    """List and fetch the model weights that the services use."""


@models.command("list")
def list_models() -> None:
    """List every model with its purpose, its licence and the place of its files."""
    from clipmill.cli.commands.models import print_models

    print_models(sys.stdout)


@models.command("fetch")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def fetch_models(names: tuple[str, ...]) -> None:
    """Fetch and verify the named models, or all models."""
    from clipmill.cli.commands import models as model_weights

    model_weights.fetch_models(names, sys.stdout)


@main.group()
def topology() -> None:
    """Manage the streams and buckets on your NATS server."""


@topology.command("apply")
def apply_topology() -> None:
    """Create or update the streams, consumers and buckets on the NATS server of CLIPMILL_NATS_URL."""
    from clipmill.cli.local.topology import apply_topology as apply

    _quiet_logs()
    try:
        common = load_settings(CommonSettings, "", os.environ)
    except SettingsError as error:
        raise WrongRequest(str(error)) from error
    _run(apply(common))
    click.echo(f"The streams, consumers and buckets are in place on {without_credentials(common.nats_url)}.")


main.add_command(clips)
main.add_command(more)
main.add_command(dead_letters)
main.add_command(projection)
main.add_command(verify)


def _run(work: Coroutine[None, None, None]) -> None:
    """Run `work`; click shows its errors to the user."""
    asyncio.run(work)


def _quiet_logs() -> None:
    """Send warnings and errors of libraries in this process to standard error."""
    from clipmill.operations import logs

    logs.configure("cli", LogFormat.HUMAN, LogLevel.WARNING)


def _gemini_key() -> str:
    key = os.environ.get(GEMINI_KEY_VARIABLE, "").strip()
    if not key:
        raise WrongRequest(f"{GEMINI_KEY_VARIABLE} is not set; set it to the key that --gemini-key should send.")
    return key


def _watch_command(job: str, server: str) -> str:
    from clipmill.cli.client.connection import DEFAULT_SERVER

    return f"clipmill status {job} --watch" + ("" if server == DEFAULT_SERVER else f" --server {server}")


def _interrupted(job: str | None, server: str) -> None:
    """Say what the interruption means for the job, and exit."""
    if job is None:
        click.echo("Interrupted before the server accepted the job; submit the video again.", err=True)
    else:
        click.echo(f"Job {job} continues on the server. Follow it with: {_watch_command(job, server)}", err=True)
    sys.exit(ExitStatus.INTERRUPTED)


if __name__ == "__main__":
    main()
