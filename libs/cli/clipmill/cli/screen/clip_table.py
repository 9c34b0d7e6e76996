"""The table of a job's clips, and the lines about each of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from clipmill.cli.screen.display import printable
from clipmill.cli.screen.tables import new_table, print_table
from clipmill.contracts.api import ClipView
from clipmill.contracts.status import PublicClip
from rich.console import Console
from rich.text import Text

BLOCK_WIDTH = 100
"""Width in columns of the lines about a clip if the output is no terminal: readable in a pager and in a log."""

INDENT = 10
"""Width in columns of the names before the lines, and of the space below them."""


def clock(seconds: float) -> str:
    """Return a position in a video as people write it: `1:02.5`, `1:00:02.5`."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def print_clips(clips: tuple[PublicClip, ...], files: Mapping[str, Path], out: TextIO) -> None:
    """Print the table of `clips`, best first.

    Args:
        clips: Clips to list.
        files: Saved files by `video_url`; a clip without a file is listed by its URL.
        out: Stream to print to.
    """
    table = new_table("file", "title")
    for name in ("start", "end", "score"):
        table.add_column(name, justify="right", no_wrap=True)
    for clip in sorted(clips, key=lambda clip: -clip.virality_score):
        file = files.get(clip.video_url)
        table.add_row(
            Text(clip.video_url if file is None else file.name),
            Text(printable(clip.title)),
            clock(clip.start),
            clock(clip.end),
            str(clip.virality_score),
        )
    print_table(table, out)


def print_explained(clips: tuple[ClipView, ...], out: TextIO) -> None:
    """Print `clips` in the given order, with the reasons why they were chosen, or why they failed.

    A terminal gets a table, anything else a block of lines for each clip.

    Args:
        clips: Clips to list.
        out: Stream to print to.
    """
    if not out.isatty():
        out.write("\n".join(map(_block, clips)))
        return
    table = new_table()
    for name in ("clip", "state", "score", "start", "end"):
        table.add_column(name, no_wrap=True)
    for name in ("title", "reason"):
        table.add_column(name, overflow="fold")
    for clip in clips:
        table.add_row(
            str(clip.number),
            clip.state,
            f"{clip.score}{' good' if clip.good else ''}",
            clock(clip.start),
            clock(clip.end),
            Text(printable(clip.title)),
            Text(printable(clip.error.sentence if clip.error else clip.reason)),
        )
    print_table(table, out)


def _block(clip: ClipView) -> str:
    """Return the lines about a clip, of at most `BLOCK_WIDTH` columns."""
    good = " (good)" if clip.good else ""
    parts = ", ".join(f"{part.name} {part.points}" for part in clip.parts)
    failure = clip.error.sentence if clip.error else ""
    console = Console(width=BLOCK_WIDTH - INDENT)
    lines = [f"clip {clip.number}: {clip.state}, score {clip.score}{good}, {clock(clip.start)} to {clock(clip.end)}"]
    for name, text in (("title", clip.title), ("reason", clip.reason), ("parts", parts), ("error", failure)):
        if text:
            wrapped = Text(printable(text)).wrap(console, console.width)  # counts columns: wide characters take two
            heads = [f"  {name}", *[""] * len(wrapped)]
            lines += [f"{head:<{INDENT}}{line.plain}" for head, line in zip(heads, wrapped, strict=False)]
    return "\n".join(lines) + "\n"
