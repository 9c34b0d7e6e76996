"""Learn what audiences react to, and write the data file that the analyzer reads.

Run: `.venv/bin/python tools/moments/learn.py REACTIONS [--kind KIND] [--without FOLD] [--output FILE]`. REACTIONS is
the folder with `talks.jsonl.gz` and `conversations.jsonl.gz`. README.md beside this file says where they come from,
under which licence, and how good the learned model is. `folds.csv` says which transcript is in which fold.
"""

import argparse
import bisect
import csv
import gzip
import json
import sys
from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
from clipmill.analyzer.talk import audience
from clipmill.analyzer.talk.sentences import Sentence, sentences_of, words_of
from clipmill.contracts.documents import Transcript
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

FOLDS = Path(__file__).parent / "folds.csv"
KINDS = ("talks", "conversations")
BUNDLED = Path(audience.__file__).parent / audience.BUNDLED

SECONDS_A_LETTER = 60 / 155 / 5.7
"""Seconds of speech for a letter or blank, at 155 words a minute: talks come without times."""

LEAST_OCCURRENCES = 3
"""Transcripts that a feature must occur in: rarer ones name a person or a case."""

INVERSE_PENALTY = 0.75
"""scikit-learn's C, for sentences of conversations, the best of several from 0.5 to 16, held out."""

KIND_WEIGHTS = {"talks": 4.0, "conversations": 1.0}
"""Weight of a sentence by kind. Conversations have four times as many sentences, most of them without a reaction. With
equal weights they would decide what moves the audience of a talk."""

MOST_FEATURES = 40_000
"""Features that are kept, those with the greatest weights: 20,000, 40,000, 80,000 and all are equally good."""

EARLIEST, LATEST = 0.3, 0.6
"""Seconds after a sentence's start, and after its end, between which a reaction is one to this sentence."""


@dataclass(frozen=True)
class Recording:
    """A transcript with the reactions of its audience.

    Attributes:
        name: Name of the transcript in `folds.csv`.
        kind: `talks` or `conversations`.
        transcript: Transcript without the marks of reactions.
        reactions: Times of the reactions, in seconds, ascending.
    """

    name: str
    kind: str
    transcript: Transcript
    reactions: Sequence[float]

    @property
    def sentences(self) -> list[Sentence]:
        """Sentences as the analyzer divides the transcript."""
        return sentences_of(words_of(self.transcript, self.transcript.duration))

    def reacted(self, sentences: Sequence[Sentence]) -> list[bool]:
        """Return whether the audience reacted to each of `sentences`."""
        marks = self.reactions
        return [
            bisect.bisect_right(marks, sentence.end + LATEST) > bisect.bisect_right(marks, sentence.start + EARLIEST)
            for sentence in sentences
        ]


def main() -> None:
    """Learn from the transcripts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reactions", type=Path, help="Folder of the transcripts.")
    parser.add_argument("--kind", choices=(*KINDS, "both"), default="both", help="Transcripts to learn from.")
    parser.add_argument("--without", type=int, default=None, metavar="FOLD", help="Fold that is held out.")
    parser.add_argument("--output", type=Path, default=BUNDLED, help="Data file to write.")
    options = parser.parse_args()
    fold = folds()
    kinds = KINDS if options.kind == "both" else (options.kind,)
    known = [one for kind in kinds for one in recordings(options.reactions, kind) if fold[one.name] != options.without]
    options.output.write_bytes(Table(known).learned({one.name for one in known}))
    size = options.output.stat().st_size / 1e6
    sys.stdout.write(f"{options.output}: learned from {len(known)} transcripts, {size:.2f} MB\n")


def folds() -> dict[str, int]:
    """Return the fold of each transcript; near-duplicates share one."""
    with FOLDS.open(encoding="utf-8") as table:
        return {row["transcript"]: int(row["fold"]) for row in csv.DictReader(table)}


def recordings(folder: Path, kind: str) -> Iterator[Recording]:
    """Yield the transcripts of a kind.

    Args:
        folder: Folder with `<kind>.jsonl.gz`.
        kind: One of `KINDS`.
    """
    with gzip.open(folder / f"{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            segments, marks = _talk(row) if kind == "talks" else _conversation(row)
            length = segments[-1]["end"] + 1
            transcript = msgspec.convert({"language": "en", "duration": length, "segments": segments}, Transcript)
            yield Recording(row["id"], kind, transcript, sorted(marks))


def _talk(row: dict) -> tuple[list[dict], list[float]]:
    words, starts, at = [], [], 0.0
    for text in row["words"]:
        seconds = max(len(text) + 1, 3) * SECONDS_A_LETTER
        words.append({"text": text, "start": round(at, 3), "end": round(at + seconds * 0.92, 3)})
        starts.append(at)
        at += seconds
    starts.append(at)
    return [_segment(words, "")], [starts[min(index, len(words))] for index, _ in row["reactions"]]


def _conversation(row: dict) -> tuple[list[dict], list[float]]:
    segments, last = [], 0.0
    for start, end, speaker, text in row["turns"]:
        letters = sum(len(word) + 1 for word in text.split())
        if start < last or end <= start or not letters:
            continue
        step, at, words = (end - start) / letters, start, []
        for word in text.split():
            words.append({"text": word, "start": at, "end": at + (len(word) + 1) * step * 0.95})
            at += (len(word) + 1) * step
        segments.append(_segment(words, speaker))
        last = words[-1]["end"]
    return segments, row["reactions"]


def _segment(words: list[dict], speaker: str) -> dict:
    text = " ".join(word["text"] for word in words)
    return {"text": text, "start": words[0]["start"], "end": words[-1]["end"], "words": words, "speaker": speaker}


class Table:
    """The features of sentences, made once, from which models of any of their transcripts are learned.

    Args:
        recordings: Transcripts with reactions.
    """

    def __init__(self, recordings: Iterable[Recording]) -> None:
        places: dict[str, int] = {}
        columns, values, ends = array("i"), array("f"), [0]
        numbers: list[np.ndarray] = []
        reacted: list[bool] = []
        lengths: list[int] = []
        self._names: list[str] = []
        self._kinds: list[str] = []
        for one in recordings:
            sentences = one.sentences
            texts = [sentence.text for sentence in sentences]
            for features in audience.word_features(texts):
                counts = Counter(features)
                length = sum(count * count for count in counts.values()) ** 0.5
                columns.extend([places.setdefault(name, len(places)) for name in counts])
                values.extend([count / length for count in counts.values()])
                ends.append(len(columns))
            numbers.append(audience.numbers_of(texts))
            reacted += one.reacted(sentences)
            lengths.append(len(sentences))
            self._names.append(one.name)
            self._kinds.append(one.kind)
        shape = (len(ends) - 1, len(places))
        self._words = csr_matrix((np.frombuffer(values, np.float32), np.frombuffer(columns, np.int32), ends), shape)
        self._numbers = np.concatenate(numbers).astype(np.float32)
        self._reacted = np.array(reacted)
        self._transcripts = np.repeat(np.arange(len(lengths)), lengths)
        self._features = np.array(list(places), dtype=object)

    def learned(self, chosen: Container[str]) -> bytes:
        """Return the data file of the model that is learned from the `chosen` transcripts, given by their names."""
        wanted = np.array([name in chosen for name in self._names])[self._transcripts]
        transcripts = self._transcripts[wanted]
        words = self._words[wanted]
        frequent = np.flatnonzero(_occurrences(words, transcripts) >= LEAST_OCCURRENCES)
        order = frequent[np.argsort(self._features[frequent])]
        rows = hstack([words[:, order], csr_matrix(self._numbers[wanted])]).tocsr()
        weights_of = np.array([KIND_WEIGHTS[kind] for kind in self._kinds])[transcripts]
        model = LogisticRegression(C=INVERSE_PENALTY, max_iter=200)
        model.fit(rows, self._reacted[wanted], sample_weight=weights_of)
        return _stored(self._features[order], model)


def _occurrences(words: csr_matrix, transcripts: np.ndarray) -> np.ndarray:
    """Return the number of transcripts in which each feature occurs."""
    member = csr_matrix((np.ones(len(transcripts), np.float32), (transcripts, np.arange(len(transcripts)))))
    together = (member @ words).tocsr()
    return np.bincount(together.indices, minlength=words.shape[1])


def _stored(names: np.ndarray, model: LogisticRegression) -> bytes:
    """Return the data file of a model: its greatest weights in 8 bits, and the features that they belong to."""
    weights = model.coef_[0][: len(names)]
    kept = np.sort(np.argsort(-np.abs(weights), kind="stable")[:MOST_FEATURES])
    scale = float(np.abs(weights).max()) / 127
    data = BytesIO()
    np.savez_compressed(
        data,
        vocabulary=np.frombuffer("\n".join(names[kept]).encode(), dtype=np.uint8),
        weights=np.round(weights[kept] / scale).astype(np.int8),
        scale=np.float64(scale),
        numbers=model.coef_[0][len(names) :].astype(np.float32),
        bias=np.float64(model.intercept_[0]),
    )
    return data.getvalue()


if __name__ == "__main__":
    main()
