"""Requests for subjects, as a person would ask: about the development corpus, and about the written talks.

`requests.csv` was committed before any retrieval was written, and judges it. A row without a highlight asks for a
subject that its source does not have. `talks/requests.csv` serves to develop retrieval with: a row names a voice of the
written talks and one of its highlights, counted from 0. The weights are fitted to them, to `talks/paraphrases.csv`
and to `talks/foreign_requests.csv`.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.terms import subject_stems, tokens
from clipmill.contracts.documents import (
    MediaFacts,
    Origin,
    PlannedClip,
    Scenes,
    Segment,
    Shot,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.options import JobOptions
from talks.generation import Planted

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Asked:
    """A request about a source, and the planted highlight that answers it, empty if the source has none."""

    source: str
    highlight: str
    request: str


def asked_of_corpus() -> list[Asked]:
    """Return the requests about the development corpus."""
    with (FOLDER / "requests.csv").open(encoding="utf-8", newline="") as file:
        return [Asked(**row) for row in csv.DictReader(file)]


def asked_of_talks() -> list[Asked]:
    """Return the requests about the written talks, with the voice as their source."""
    return _of_talks("requests.csv")


def paraphrases_of_talks() -> list[Asked]:
    """Return two other requests for each highlight of the written talks."""
    return _of_talks("paraphrases.csv")


def foreign_requests() -> list[str]:
    """Return requests for subjects that none of the written talks has."""
    with (FOLDER / "talks" / "foreign_requests.csv").open(encoding="utf-8", newline="") as file:
        return [row["request"] for row in csv.DictReader(file)]


def _of_talks(name: str) -> list[Asked]:
    with (FOLDER / "talks" / name).open(encoding="utf-8", newline="") as file:
        return [Asked(row["group"], row["highlight"], row["request"]) for row in csv.DictReader(file)]


def passage_in(corpus: Path, asked: Asked) -> str:
    """Return the text of the highlight that answers a request, all sentences of the source if none does."""
    truth = json.loads((corpus / f"{asked.source}.truth.json").read_text(encoding="utf-8"))
    sentences = truth["sentences"]
    for highlight in truth["highlights"]:
        if highlight["id"] == asked.highlight:
            sentences = [
                one for one in sentences if one["start"] >= highlight["start"] and one["end"] <= highlight["end"]
            ]
    return " ".join(one["text"] for one in sentences)


def shared_stems(request: str, passage: str) -> set[str]:
    """Return the stems of subject words that a request has in common with a passage."""
    return set(subject_stems(tokens(request))) & set(subject_stems(tokens(passage)))


def clips_about(corpus: Path, asked: Asked) -> tuple[PlannedClip, ...]:
    """Return the clips of a job that makes a request of its source; words are spread over the truth's sentences."""
    truth = json.loads((corpus / f"{asked.source}.truth.json").read_text(encoding="utf-8"))
    duration = truth["duration"]
    video = VideoFacts(codec="h264", width=truth["width"], height=truth["height"])
    media = MediaFacts(
        stem="a", title="A", container="mp4", duration=duration, size_bytes=1, origin=Origin.UPLOAD, video=video
    )
    transcript = Transcript(language="en", duration=duration, segments=tuple(map(_segment, truth["sentences"])))
    shots = tuple(Shot(start=shot["start"], end=shot["end"]) for shot in truth["shots"])
    scenes = Scenes(shots=shots, detector="truth", frame_rate=truth["fps"])
    return plan_of(Material(media, transcript, scenes, JobOptions(about=asked.request), bundled())).clips


def planted_in(corpus: Path, asked: Asked) -> Planted:
    """Return the highlight that answers a request."""
    truth = json.loads((corpus / f"{asked.source}.truth.json").read_text(encoding="utf-8"))
    highlight = next(each for each in truth["highlights"] if each["id"] == asked.highlight)
    return Planted(highlight["start"], highlight["end"])


def _segment(sentence: dict[str, Any]) -> Segment:
    words, start = sentence["text"].split(), sentence["start"]
    step = (sentence["end"] - start) / len(words)
    spread = tuple(
        Word(text=word, start=start + at * step, end=start + (at + 1) * step) for at, word in enumerate(words)
    )
    return Segment(text=sentence["text"], start=start, end=sentence["end"], words=spread, speaker=sentence["speaker"])
