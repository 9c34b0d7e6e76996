"""`clipmill verify`: the renderer's check of a rendered file."""

import click
from clipmill.contracts.options import OutputFormat


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--seconds", type=float, help="Expected length, in seconds.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice([shape.value for shape in OutputFormat], case_sensitive=False),
    help="Expected shape; any shape by default.",
)
@click.option("--captions", is_flag=True, help="Require caption files beside the clips.")
@click.option("--json", "as_json", is_flag=True, help="Print one line for each file, a JSON document.")
def verify(
    files: tuple[str, ...], seconds: float | None, output_format: str | None, *, captions: bool, as_json: bool
) -> None:
    """Check that platforms will accept rendered clips.

    The check covers codecs and profiles, size, bit rates, length, sync, loudness, key frames, the position of the
    index, and other streams and data. The exit status is 1 if anything is wrong.
    """
    from clipmill.cli.local import service_command  # noqa: PLC0415  # other commands do not need it

    words = ["verify"]
    if seconds is not None:
        words += ["--seconds", str(seconds)]
    if output_format is not None:
        words += ["--format", output_format]
    words += ["--captions"] if captions else []
    words += ["--json"] if as_json else []
    service_command.run("renderer", *words, "--", *files)
