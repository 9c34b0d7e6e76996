"""Figures that are printed and kept in RESULTS.md; each section is written by the script that measures it."""

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
HEADING = "## "


@dataclass(frozen=True)
class Figure:
    """A measurement.

    Attributes:
        what: Question that the measurement answers.
        seen: Answer, with its unit.
        wanted: Answer that is required.
        met: True if the answer is as required, None if nothing is required.
    """

    what: str
    seen: str
    wanted: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        verdict = {True: "pass", False: "FAIL", None: "    "}[self.met]
        return f"{verdict}  {self.what}: {self.seen}" + (f"  (wanted {self.wanted})" if self.wanted else "")


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that a `share` (0 to 1) of them does not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def milliseconds(seconds: float) -> str:
    """Return a duration as text."""
    return f"{seconds * 1000:.1f} ms"


def load() -> str:
    """Return how busy the machine was during the last minute, and how many cores it has."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def machine() -> str:
    """Return a description of the machine."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def write_section(title: str, facts: str, figures: Sequence[Figure]) -> None:
    """Write `figures` into RESULTS.md as the section `title`, in place of the old one or at the end."""
    rows = [f"| {each.what} | {each.seen} | {_verdict(each)} |" for each in figures]
    section = "\n".join([f"{HEADING}{title}", "", facts, "", "| what | seen | wanted |", "|---|---|---|", *rows, ""])
    head, *sections = RESULTS.read_text(encoding="utf-8").split(f"\n{HEADING}")
    kept = [f"{HEADING}{each.rstrip()}\n" for each in sections]
    place = next((number for number, each in enumerate(kept) if each.startswith(f"{HEADING}{title}\n")), len(kept))
    kept[place : place + 1] = [section]
    RESULTS.write_text("\n".join([f"{head.rstrip()}\n", *kept]), encoding="utf-8")


def _verdict(figure: Figure) -> str:
    return figure.wanted + ("" if figure.met is not False else " **(missed)**")
