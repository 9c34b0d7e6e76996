"""Bring the words of the table of meanings nearer to what a dictionary says about them.

Run after `learn.py`: `.venv/bin/python tools/subjects/retrofit.py WORDNET`, with the folder of WordNet's data files.
Each stem moves halfway towards the mean of its synonyms, broader terms, derived forms and the words that define it,
which is retrofitting (Faruqui and others 2015, "Retrofitting word vectors to semantic lexicons") in a single step.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clipmill.analyzer.searching.meanings import TABLE, Meanings, english
from clipmill.analyzer.searching.stems import stems_in
from msgspec import Struct
from quantising import quantised

STEP = 0.5
"""Share of the neighbours' mean that a direction gains. With 1, 0.67 of the development requests have their highlight
first, with 0.5 0.69, and with nothing 0.68."""

SENSES = 3
"""Senses of a word that count, the most usual first; the n-th counts 1/n."""

SYNONYM = 1.0
DEFINED = 0.6
"""Weight that the words of a definition have together."""

RELATIONS = {"+": 0.7, "@": 0.5, "&": 0.5, "*": 0.5, "~": 0.15}
"""Weights of derived forms, broader terms, similar adjectives, what an act entails, and narrower terms, of which there
are many."""

USUAL_INFORMATION = 6.0
"""Information from which a word of a definition counts fully; words like `person` say little."""

_PARTS_OF_SPEECH = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}

Key = tuple[str, str]


class Sense(Struct, frozen=True):
    """A set of synonyms.

    Attributes:
        words: The synonyms.
        related: Relation and key of each related sense.
        definition: Its definition, without examples.
    """

    words: tuple[str, ...]
    related: tuple[tuple[str, Key], ...]
    definition: str


def main() -> None:
    """Retrofit the table and write it."""
    parser = argparse.ArgumentParser(description="Retrofit the table of word meanings to WordNet.")
    parser.add_argument("wordnet", type=Path, help="folder with index.noun, data.noun and so on")
    parser.add_argument("--output", type=Path, default=TABLE, help="data file to write")
    given = parser.parse_args()
    with np.load(TABLE) as table:
        kept = {name: table[name] for name in ("stems", "ranks", "weights")}
    meanings = english()
    stems = bytes(kept["stems"]).decode().split("\n")
    before = np.array([meanings.direction(stem) for stem in stems])
    codes, parts = quantised(_retrofitted(before, stems, _neighbours(given.wordnet, meanings)))
    np.savez_compressed(given.output, codes=codes, parts=parts, **kept)
    sys.stdout.write(f"{len(stems)} stems, {given.output.stat().st_size} bytes\n")


def _retrofitted(
    before: npt.NDArray[np.float32], stems: Sequence[str], neighbours: dict[str, Counter[str]]
) -> npt.NDArray[np.float32]:
    """Return the directions of `stems`, each moved towards its neighbours'."""
    places = {stem: place for place, stem in enumerate(stems)}
    sums = np.zeros_like(before)
    for stem, others in neighbours.items():
        for other, weight in others.items():
            near = np.log1p(weight)
            sums[places[stem]] += near * before[places[other]]
            sums[places[other]] += near * before[places[stem]]
    moved = before + STEP * _unit(sums)
    return _unit(moved)


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def _neighbours(folder: Path, meanings: Meanings) -> dict[str, Counter[str]]:
    """Return the weights of the stems that WordNet connects with each stem."""
    senses = {key: sense for name, code in _PARTS_OF_SPEECH.items() for key, sense in _senses(folder / name, code)}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, code in _PARTS_OF_SPEECH.items():
        for line in _lines(folder / f"index.{name}"):
            fields = line.split()
            stem = _single(fields[0], meanings)
            if stem is None:
                continue
            for place, offset in enumerate(fields[-int(fields[2]) :][:SENSES]):
                for other, weight in _connected(senses[code, offset], senses, meanings):
                    if other != stem:
                        found[stem][other] += weight / (place + 1)
    return found


def _connected(sense: Sense, senses: dict[Key, Sense], meanings: Meanings) -> Iterator[tuple[str, float]]:
    """Yield the stems that a sense is connected with, and their weights."""
    listed = [(word, SYNONYM) for word in sense.words]
    for relation, key in sense.related:
        listed += [(word, RELATIONS[relation]) for word in senses[key].words]
    for word, weight in listed:
        stem = _single(word, meanings)
        if stem is not None:
            yield stem, weight
    defining = [stem for stem in stems_in(sense.definition, "en") if meanings.knows(stem)]
    for stem in defining:
        yield stem, DEFINED / len(defining) * min(meanings.information(stem) / USUAL_INFORMATION, 1.0)


def _single(word: str, meanings: Meanings) -> str | None:
    """Return the stem of a word, None for terms of several words and for unknown words."""
    stems = stems_in(word.lower().replace("_", " "), "en")
    return stems[0] if len(stems) == 1 and meanings.knows(stems[0]) else None


def _senses(path: Path, code: str) -> Iterator[tuple[Key, Sense]]:
    for line in _lines(path.with_name(f"data.{path.name}")):
        head, _, explained = line.partition("|")
        fields = head.split()
        count = int(fields[3], 16)
        words = tuple(fields[4 : 4 + 2 * count : 2])
        pointers = fields[5 + 2 * count : 5 + 2 * count + 4 * int(fields[4 + 2 * count])]
        related = tuple(
            (relation, ("a" if part == "s" else part, offset))
            for relation, offset, part in zip(pointers[::4], pointers[1::4], pointers[2::4], strict=True)
            if relation in RELATIONS
        )
        yield (code, fields[0]), Sense(words, related, explained.split('"')[0])


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file of WordNet, without its licence."""
    with path.open(encoding="utf-8") as lines:
        yield from (line for line in lines if not line.startswith("  "))


if __name__ == "__main__":
    main()
