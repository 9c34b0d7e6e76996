"""The texts of talks, read from the files in this folder.

A file is a list of passages: a line `[kind]`, then a sentence a line, then an empty line. `opening`, `closing`,
`filler` and `hard` (filler that looks like more: anecdotes without a point, questions to the room, numbers of the day)
are no highlights; every other kind is the form of a highlight. `A: ` and `B: ` before a sentence say who speaks.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
OTHERS = ("voice", "opening", "closing", "filler", "hard")


@dataclass(frozen=True)
class Said:
    """One sentence with its speaker, who is empty in a talk of one person."""

    text: str
    speaker: str = ""


@dataclass(frozen=True)
class Passage:
    """Sentences that belong together, and the kind of their passage."""

    kind: str
    sentences: tuple[Said, ...]


@dataclass(frozen=True)
class Group:
    """All passages of one voice."""

    name: str
    passages: tuple[Passage, ...]

    @property
    def highlights(self) -> list[Passage]:
        """Return the passages that are worth a clip."""
        return [passage for passage in self.passages if passage.kind not in OTHERS]

    def of(self, kind: str) -> list[Passage]:
        """Return the passages of one kind."""
        return [passage for passage in self.passages if passage.kind == kind]


@cache
def groups() -> tuple[Group, ...]:
    """Return all groups, in order of their names."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.txt")))


def _read(path: Path) -> Group:
    passages = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        heading, *lines = block.splitlines()
        passages.append(Passage(heading.strip("[]"), tuple(_said(line) for line in lines)))
    return Group(path.stem, tuple(passages))


def _said(line: str) -> Said:
    speaker, mark, text = line.partition(": ")
    return Said(text, speaker) if mark and len(speaker) == 1 else Said(line)
