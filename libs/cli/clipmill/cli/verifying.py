"""`clipmill verify`: the renderer's check of a rendered file."""

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="FILE...")
def verify(arguments: tuple[str, ...]) -> None:
    """Check clips: whether they are what platforms take.

    Codecs and profiles, size, length, sync, loudness, key frames and where the index stands. The exit status is 1 if
    anything is wrong. Takes the options of `python -m clipmill.renderer verify`, such as --seconds N for how long a
    clip should be.
    """
    from clipmill.cli import service_command  # noqa: PLC0415  # the other commands need nothing of it

    service_command.run("renderer", "verify", *arguments)
