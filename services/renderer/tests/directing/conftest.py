"""People given by numbers only."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.survey import Survey, SurveyedShot
from clipmill.renderer.seeing.tracking import Tracker
from clipmill.renderer.shots import Span


@dataclass
class Someone:
    """A person to survey.

    Attributes:
        at: Function from a time to the middle and the size of the face; None while the person is out of sight.
        talks: Function that says whether the person talks at a time.
    """

    at: Callable[[float], tuple[float, float, float] | None]
    talks: Callable[[float], bool] = lambda time: False


@dataclass
class Eye:
    """The faults of a detector.

    Attributes:
        noise: Error of the place and size of a face, in widths of the face.
        misses: Share of detection frames in which a face is missed.
        ghosts: Share of detection frames with a false detection.
        looks_per_second: Number of detection frames in a second.
    """

    noise: float = 0.012
    misses: float = 0.05
    ghosts: float = 0.01
    looks_per_second: float = 6.0


@pytest.fixture(scope="session")
def someone():
    return Someone


@pytest.fixture(scope="session")
def surveyed():
    """Return a function that surveys people with a detector's faults.

    It returns the survey and, for each frame, whether somebody speaks.
    """

    def survey(*people, seconds=10.0, rate=25.0, size=(1920, 1080), cuts=(), seed=1, **seeing):
        chance, eye = np.random.default_rng(seed), Eye(**seeing)
        frames = round(seconds * rate)
        heard = np.array([any(one.talks(frame / rate) for one in people) for frame in range(frames)], np.bool_)
        edges = [0, *(round(cut * rate) for cut in cuts), frames]
        shots = [
            _survey_of(Span(first, after - 1), people, rate, size, eye, chance) for first, after in pairwise(edges)
        ]
        return Survey(rate, *size, tuple(shots)), heard

    return survey


def _survey_of(span, people, rate, size, eye, chance) -> SurveyedShot:
    tracker, detection_frames = Tracker(rate), []
    for frame in range(span.first, span.last + 1, max(1, round(rate / eye.looks_per_second))):
        detection_frames.append(frame)
        there = [(one, one.at(frame / rate)) for one in people]
        seen = [(one, place) for one, place in there if place is not None and chance.random() >= eye.misses]
        faces = [_seen(place, eye, chance) for _, place in seen]
        if chance.random() < eye.ghosts:
            faces.append(_seen((chance.uniform(0, size[0]), chance.uniform(0, size[1]), 90.0), eye, chance))
        tracker.update(frame, faces)
        for (one, _), face in zip(seen, faces, strict=False):
            track = next((each for each in tracker.tracks if each.last.face is face), None)
            if track is not None:
                speed = chance.uniform(0.03, 0.06) if one.talks(frame / rate) else chance.uniform(0, 0.012)
                track.motion.append((frame, speed))
    return SurveyedShot(span, tuple(detection_frames), tuple(tracker.people()))


def _seen(place, eye, chance) -> Face:
    x, y, length = place
    x, y, length = np.array([x, y, length]) + chance.normal(0, eye.noise * length, 3)
    box = Box(x - length / 2, y - length / 2, length, length)
    return Face(box, y - 0.28 * length, 0.9, (x, y + 0.25 * length))
