"""The table of a job's clips."""

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from clipmill.cli.screen.display import printable
from clipmill.cli.screen.tables import new_table, print_table
from clipmill.contracts.api import ClipView
from clipmill.contracts.status import PublicClip
from rich.text import Text


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
    """Print the table of `clips` in the given order, with the reasons why they were chosen.

    Args:
        clips: Clips to list.
        out: Stream to print to.
    """
    table = new_table("clip", "state", "score", "start", "end", "title", "reason")
    for clip in clips:
        table.add_row(
            str(clip.number),
            clip.state,
            str(clip.score),
            clock(clip.start),
            clock(clip.end),
            Text(printable(clip.title)),
            Text(printable(clip.reason)),
        )
    print_table(table, out)
