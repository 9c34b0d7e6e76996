"""`clipmill verify`: the renderer's check of a rendered file."""

import click
from clipmill.contracts.options import OutputFormat


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--seconds", type=float, help="How long they should be.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice([shape.value for shape in OutputFormat], case_sensitive=False),
    help="Their shape; any if not given.",
)
@click.option("--captions", is_flag=True, help="Caption files must lie beside them.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON document a file and line.")
def verify(
    files: tuple[str, ...], seconds: float | None, output_format: str | None, *, captions: bool, as_json: bool
) -> None:
    """Check whether rendered clips are what platforms take.

    Codecs and profiles, size, bit rates, length, sync, loudness, key frames, where the index stands, and what else is
    in the file. The exit status is 1 if anything is wrong.
    """
    from clipmill.cli.local import service_command  # noqa: PLC0415  # the other commands need nothing of it

    words = ["verify"]
    if seconds is not None:
        words += ["--seconds", str(seconds)]
    if output_format is not None:
        words += ["--format", output_format]
    words += ["--captions"] if captions else []
    words += ["--json"] if as_json else []
    service_command.run("renderer", *words, "--", *files)
