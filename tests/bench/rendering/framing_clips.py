"""Clips of the development corpus with their truth, surveyed as for a render."""

import json
import os
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clipmill.contracts.documents import Shot, Word
from clipmill.operations.models import locate
from clipmill.renderer.audio.sound import SAMPLE_RATE
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.clip import FACE_MODEL
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.blazeface import BlazeFace
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.speaking import voiced
from clipmill.renderer.seeing.survey import Survey, survey
from clipmill.renderer.shots import spans

ROOT = Path(__file__).parents[3]
CORPUS = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
CLIP_SECONDS = 20.0
CLIPS_A_FILE = 4
SEED = 4


@dataclass(frozen=True)
class Seen:
    """A face of the truth in a frame of the clip."""

    box: Box
    person: str
    speaking: bool


@dataclass
class Clip:
    """A part of a corpus file with its truth, in frames of the clip, and the results of survey and sound."""

    name: str
    whole: bool
    start: float
    rate: float
    frames: int
    width: float
    height: float
    faces: dict[int, list[Seen]]
    kinds: list[str]
    survey: Survey
    voiced: np.ndarray
    survey_seconds: float


def taken(name: str) -> list[Clip]:
    """Return a file's clips: the whole file, and some parts at random."""
    truth = json.loads((CORPUS / f"{name}.truth.json").read_text())
    chance = random.Random(SEED)
    parts = [(0.0, truth["duration"])]
    if truth["duration"] > 2 * CLIP_SECONDS:
        begins = (chance.uniform(0, truth["duration"] - CLIP_SECONDS) for _ in range(CLIPS_A_FILE))
        parts += [(begin, begin + CLIP_SECONDS) for begin in begins]
    return [surveyed(name, truth, start, end) for start, end in parts]


def surveyed(name: str, truth: dict, start: float, end: float) -> Clip:
    """Survey one clip as a render does."""
    shots = [Shot(start=each["start"], end=each["end"]) for each in truth["shots"]]
    with tempfile.TemporaryDirectory() as folder, (CORPUS / f"{name}.mp4").open("rb") as file:
        source = Source(file)
        start, rate = source.snapped(start), float(source.rate)
        frames = round((end - start) * rate)
        found = spans(shots, start, rate, frames)
        detector = BlazeFace(locate(FACE_MODEL))
        with Soundtrack(Path(folder), round(frames / rate * SAMPLE_RATE)) as soundtrack:
            began = time.monotonic()
            seen = survey(source, start, frames, found, detector, soundtrack=soundtrack, report=lambda share: None)
            took = time.monotonic() - began
            spoken = voiced(words(truth, start), soundtrack.levels_db, rate, frames)
    middles = [start + (span.first + span.last) / 2 / rate for span in found]
    kinds = [next(each["kind"] for each in truth["shots"] if each["start"] <= at < each["end"]) for at in middles]
    whole = frames >= round(truth["duration"] * rate) - 1
    faces = known(truth, start, rate, frames)
    size = (truth["width"], truth["height"])
    return Clip(name, whole, start, rate, frames, *size, faces, kinds, seen, spoken, took)


def words(truth: dict, start: float) -> list[Word]:
    """Return the truth's words in the clip's time, spread evenly over their sentences."""
    said = []
    for sentence in truth.get("sentences", []):
        texts = sentence["text"].split()
        edges = np.linspace(sentence["start"], sentence["end"], len(texts) + 1) - start
        said += [Word(text=text, start=a, end=b) for text, a, b in zip(texts, edges, edges[1:], strict=False)]
    return said


def known(truth: dict, start: float, rate: float, frames: int) -> dict[int, list[Seen]]:
    """Return the truth's faces by frame of the clip; frames inside cross-fades are left out."""
    rows = {}
    for row in truth["faces"]:
        frame = round((row["t"] - start) * rate)
        if 0 <= frame < frames and "fade" not in row:
            boxes = row["boxes"]
            rows[frame] = [
                Seen(Box(box["x"], box["y"], box["w"], box["h"]), box["person"], box.get("speaking", False))
                for box in boxes
            ]
    return rows
