"""`clipmill demo`: start everything, make clips of the bundled sample over HTTP, and check each clip."""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

import click
from clipmill.cli.client.connection import Client
from clipmill.cli.client.following import Snapshot
from clipmill.cli.client.submission import Submission
from clipmill.cli.commands.jobs import ReportOptions, failure_sentence, hand_over, watch
from clipmill.cli.local.data_folder import DataFolder
from clipmill.cli.local.machine import SERVICES, Machine
from clipmill.cli.local.running import Stopped, run
from clipmill.cli.local.service_logs import LogLines
from clipmill.cli.outcomes import WorkFailed
from clipmill.cli.screen.clip_table import print_clips
from clipmill.cli.screen.display import choose_display
from clipmill.cli.screen.playable import Unplayable, check_clip
from clipmill.contracts.status import JobState
from msgspec import Struct

SAMPLE = files("clipmill.cli") / "sample" / "sample.mp4"

CLIPS = 3
"""Number of clips that the demo asks for: enough to compare, soon rendered."""


MODEL = {"CLIPMILL_TRANSCRIBER_MODEL": "whisper-tiny.en"}
"""Setting of the demo unless the environment says otherwise: the sample is English, and this model is the quickest."""


class DemoFolders(Struct, frozen=True, kw_only=True):
    """The folders of a demo.

    Attributes:
        data: Data folder of the machine.
        output: Folder for the clips.
        temporary: True to remove `data` after success.
    """

    data: Path
    output: Path
    temporary: bool

    def remove(self) -> None:
        """Remove the data folder if it is temporary."""
        if self.temporary:
            shutil.rmtree(self.data, ignore_errors=True)


def demo_folders(data: Path | None, output: Path, *, keep: bool) -> DemoFolders:
    """Return the folders of a demo: `data`, or a new temporary folder.

    Raises:
        WorkFailed: if no temporary folder can be created.
    """
    if data is not None:
        return DemoFolders(data=data, output=output, temporary=False)
    try:
        temporary = Path(tempfile.mkdtemp(prefix="clipmill-demo-"))
    except OSError as error:
        sentence = f"No temporary folder can be created ({error.strerror or error}); name a data folder with --data."
        raise WorkFailed(sentence) from error
    return DemoFolders(data=temporary, output=output, temporary=not keep)


async def make_clips(server: str, output: Path) -> None:
    """Submit the sample to `server`, wait for its clips and check each.

    Args:
        server: Address of a server that is ready for work.
        output: Folder for the clips.

    Raises:
        WorkFailed: if the job fails or a clip is not a playable 9:16 file.
    """
    began = time.monotonic()
    reporting = ReportOptions(server=server, wait=True, output=output)
    async with Client(server) as client:
        with as_file(SAMPLE) as sample, choose_display(sys.stdout, percent=True) as display:
            job = await hand_over(client, sample, Submission(target_clips=CLIPS), display)
            end, saved = await watch(client, job, reporting, display)
    if end.status.status is not JobState.COMPLETED:
        raise WorkFailed(f"The demo's job failed. {failure_sentence(end)}")
    await _judge(end, saved)
    where = await asyncio.to_thread(output.absolute)
    click.echo(f"{len(end.clips)} clips in {time.monotonic() - began:.0f} s; they are in {where}")


async def _judge(end: Snapshot, saved: dict[str, Path]) -> None:
    planned = len(end.clips) if end.view is None else end.view.clips_planned
    problems = []
    if not end.clips:
        problems.append("no clip was rendered")
    elif len(end.clips) != planned:
        problems.append(f"only {len(end.clips)} of {planned} clips were rendered")
    for path in saved.values():
        try:
            await asyncio.to_thread(check_clip, path)
        except Unplayable as reason:
            problems.append(f"{path.name}: {reason}")
    print_clips(end.clips, saved, sys.stdout)
    if problems:
        raise WorkFailed("The demo's clips failed the check: " + "; ".join(problems) + ".")


async def run_demo(folders: DemoFolders) -> None:
    """Start a machine in `folders`, run the demo on it and stop it; after success, remove temporary data.

    Raises:
        Stopped: if a signal ended the demo.
        WorkFailed: if the demo failed; the message names the folder of the logs.
    """
    folder = DataFolder(folders.data)
    lines = LogLines(sys.stderr, verbose=False)
    machine = Machine(folder, 0, {**MODEL, **os.environ}, on_line=lines.show, on_event=lines.report)
    began = time.monotonic()
    click.echo(f"Starting NATS and the services ({', '.join(SERVICES)})...")

    async def work() -> None:
        click.echo(f"Ready in {time.monotonic() - began:.1f} s at {machine.url}")
        await make_clips(machine.url, folders.output)

    def stopping() -> None:
        click.echo("Stopping...", err=True)
        if folders.temporary:
            machine.kill()  # the folder is removed, so no service needs to finish anything

    try:
        await run(machine, work, stopping=stopping)
    except click.ClickException as failure:
        raise WorkFailed(f"{failure.message}\nThe services' logs are in {folder.logs}.") from failure
    except Stopped:
        folders.remove()
        raise
    folders.remove()
    if folders.data.exists():
        click.echo(f"The data folder is kept: {folders.data.absolute()}")
