"""The display of a running job: bars on a terminal, plain lines anywhere else."""

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TextIO

import click
from clipmill.cli.client.following import Snapshot
from clipmill.contracts.api import JobView
from clipmill.contracts.stages import Stage
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

PERCENT_STEP = 10
"""Step between two plain lines about percent."""


def printable(text: str) -> str:
    """Return `text` without control characters, because titles and log lines come from strangers' videos."""
    return "".join(character if character.isprintable() else " " for character in text)


class Display(Protocol):
    """A display of one job, used as a context manager; inside, every method may be called at any time."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def uploading(self, sent: int, total: int) -> None:
        """Show that `sent` of `total` bytes were sent; may be called from any thread."""

    def show(self, snapshot: Snapshot) -> None:
        """Show the job's present state."""

    def saved(self, path: Path) -> None:
        """Show that a clip's file is complete."""

    def notice(self, sentence: str) -> None:
        """Show a sentence that is no log line of the job."""


class PlainDisplay:
    """A display that prints new log lines, without bars.

    Args:
        out: Stream to print to.
        percent: True to print also the job's stage and percent, in steps of ten.
    """

    def __init__(self, out: TextIO, *, percent: bool = False) -> None:
        self._out = out
        self._percent = percent
        self._seen = 0
        self._progress: tuple[str | None, int] | None = None

    def __enter__(self) -> Self:
        """Return the display."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""

    def uploading(self, sent: int, total: int) -> None:
        """Print nothing about the upload."""

    def show(self, snapshot: Snapshot) -> None:
        """Print the log lines that are new."""
        for line in snapshot.status.logs[self._seen :]:
            self._print(line)
        self._seen = len(snapshot.status.logs)
        view = snapshot.view
        if self._percent and view is not None and not snapshot.status.status.terminal:
            progress = (view.stage, view.percent // PERCENT_STEP)
            if progress != self._progress:
                self._progress = progress
                self._print(f"[{view.percent:3} %] {view.stage or 'waiting'}")

    def saved(self, path: Path) -> None:
        """Print the path."""
        self._print(f"Saved {path}")

    def notice(self, sentence: str) -> None:
        """Print the sentence on standard error."""
        click.echo(sentence, err=True)

    def _print(self, line: str) -> None:
        click.echo(printable(line), file=self._out)
        self._out.flush()


class LiveDisplay:
    """A bar for the job and one for each stage, below the log lines, which scroll by."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen = 0
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._uploads = Progress(
            TextColumn("Uploading"), BarColumn(), DownloadColumn(), console=console, transient=True
        )
        self._upload: TaskID | None = None
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Return the display; it draws nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bars; printed lines stay."""
        self._uploads.stop()
        self._progress.stop()

    def uploading(self, sent: int, total: int) -> None:
        """Move the upload's bar."""
        if self._upload is None:
            self._upload = self._uploads.add_task("", total=total)
            self._uploads.start()
        self._uploads.update(self._upload, completed=sent, total=total)

    def show(self, snapshot: Snapshot) -> None:
        """Print the log lines that are new and move the bars."""
        if not self._progress.live.is_started:
            self._uploads.stop()
            self._progress.start()
        for line in snapshot.status.logs[self._seen :]:
            self._console.print(Text(printable(line)))
        self._seen = len(snapshot.status.logs)
        if snapshot.view is None:
            self._bar("job", str(snapshot.status.status), None, "")
            return
        self._show_view(snapshot.view)

    def _show_view(self, view: JobView) -> None:
        for name, stage in view.stages.items():
            if stage.state != "waiting":
                self._bar(name, name, stage.percent, _amount(name, stage.percent, view))
        self._bar("job", "whole job", view.percent, f"{view.percent:3} %")

    def _bar(self, key: str, description: str, percent: int | None, amount: str) -> None:
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(description, total=None, amount="")
        self._progress.update(
            self._bars[key],
            description=f"{description:<11}",
            total=None if percent is None else 100,
            completed=percent or 0,
            amount=amount,
        )

    def saved(self, path: Path) -> None:
        """Print the path."""
        self._console.print(Text(f"Saved {path}"))

    def notice(self, sentence: str) -> None:
        """Print the sentence."""
        self._console.print(Text(sentence, style="yellow"))


def _amount(stage: str, percent: int, view: JobView) -> str:
    """Return the progress of a stage: clips for the renderer, percent for the others."""
    if stage == Stage.RENDER and view.clips_planned:
        return f"{view.clips_ready}/{view.clips_planned} clips"
    return f"{percent:3} %"


def choose_display(out: TextIO, *, percent: bool = False) -> Display:
    """Return bars if `out` is a terminal, plain lines otherwise."""
    console = Console(file=out)
    return (
        LiveDisplay(console)
        if console.is_terminal and not console.is_dumb_terminal
        else PlainDisplay(out, percent=percent)
    )
