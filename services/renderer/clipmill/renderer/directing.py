"""From pictures to framings: what is shown of each picture, decided a few seconds ahead.

Every picture is decoded once. It waits in a window of bounded length and size (3 s or 128 MiB by default, whichever is
less: 43 pictures of 1080p) while faces are looked for in every few of those behind it; then its framing is
settled and it goes on to be drawn. Layout and subject of a shot are chosen when its first picture leaves the window,
from what the window shows of the shot, and only then, unless the subject is gone for good.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from clipmill.renderer.camera import AxisCamera, Course, Floats
from clipmill.renderer.faces import Box, FaceDetector
from clipmill.renderer.layouts import Choice, Layout, choose
from clipmill.renderer.pictures import Picture
from clipmill.renderer.shots import Span
from clipmill.renderer.tracking import Sighting, Track, Tracker

ASPECT = 9 / 16
"""Width over height of the frame that is filled."""

EYE_LINE = 0.4
"""Where the eyes stand in the frame when the crop leaves room above and below, from the top."""

BRIDGED_SECONDS = 1.0
"""Between two sightings no farther apart, the face is taken to have moved evenly."""

LINGERING_SECONDS = 0.3
"""How long a face counts as seen before its first and after its last sighting."""

GONE_SECONDS = 2.5
"""A subject unseen for this long, with nobody in view ahead either, has left: the shot falls back to `fit`."""


@dataclass(frozen=True, slots=True)
class Framing:
    """What is shown of a picture.

    Attributes:
        layout: how.
        crop: the part of the picture that fills the frame, shown pixels; for `fit` the whole picture.
        subject: where the subject's face is, shown pixels; None if nobody is seen.
    """

    layout: Layout
    crop: Box
    subject: Box | None = None


@dataclass(frozen=True, slots=True)
class Framed:
    """A picture with its framing."""

    picture: Picture
    framing: Framing


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how far ahead faces are looked for.

    Attributes:
        rate: frames a second of the clip.
        faces_per_second: searches a second.
        look_ahead_seconds: length of the window.
        look_ahead_bytes: most memory for its pictures.
    """

    rate: float
    faces_per_second: float = 5.0
    look_ahead_seconds: float = 3.0
    look_ahead_bytes: int = 128 * 2**20

    @property
    def stride(self) -> int:
        """Frames from one search to the next."""
        return max(1, round(self.rate / self.faces_per_second))

    def window(self, picture: Picture) -> int:
        """Return how many frames to look ahead with pictures like `picture`."""
        size = sum(plane.nbytes for plane in picture.planes)
        wanted = min(round(self.look_ahead_seconds * self.rate), self.look_ahead_bytes // max(1, size))
        return max(self.stride, wanted - self.stride)


class Director:
    """Takes pictures in order and returns them framed, late by the look-ahead.

    Args:
        shots: the clip's shots, all its frames.
        pace: of the search for faces.
        detector: what finds faces.
    """

    def __init__(self, shots: Sequence[Span], pace: Pace, detector: FaceDetector) -> None:
        self._shots = [_ShotDirector(span, pace) for span in shots]
        self._pace = pace
        self._detector = detector
        self._waiting: deque[Picture] = deque()
        self._taken = 0
        self._given = 0
        self._current = 0
        self._window = 0

    @property
    def layouts(self) -> list[Layout]:
        """The layout with which each shot begins, of those decided so far."""
        return [shot.first_layout for shot in self._shots if shot.first_layout is not None]

    def push(self, picture: Picture) -> Iterator[Framed]:
        """Take the next picture and yield those that are settled by it."""
        if not self._window:
            self._window = self._pace.window(picture)
        shot = next(shot for shot in self._shots if shot.span.last >= self._taken)
        if (self._taken - shot.span.first) % self._pace.stride == 0:
            shot.tracker.update(self._taken, self._detector.detect(picture))
        self._waiting.append(picture)
        self._taken += 1
        while (settled := self._settled()) is not None:
            yield from self._release(settled)

    def _settled(self) -> "_ShotDirector | None":
        """The shot of the next picture to give, once enough is known of what follows."""
        if self._current == len(self._shots):
            return None
        shot = self._shots[self._current]
        known = self._taken - 1 >= min(self._given + self._window, shot.span.last)
        return shot if self._waiting and known else None

    def _release(self, shot: "_ShotDirector") -> Iterator[Framed]:
        before = self._shots[self._current - 1].layout if self._current else None
        count = min(self._pace.stride, shot.span.last - self._given + 1)
        horizon = min(self._taken - 1, shot.span.last)
        for framing in shot.frame(self._waiting[0], self._given, count, horizon, before):
            yield Framed(self._waiting.popleft(), framing)
        self._given += count
        if self._given > shot.span.last:
            self._current += 1


class _ShotDirector:
    """Layout, subject and camera of one shot."""

    def __init__(self, span: Span, pace: Pace) -> None:
        self.span = span
        self.tracker = Tracker(pace.rate)
        self.layout: Layout | None = None
        self.first_layout: Layout | None = None
        self._pace = pace
        self._subject: tuple[Track, ...] = ()
        self._cameras: tuple[AxisCamera, AxisCamera] | None = None

    def frame(self, picture: Picture, first: int, count: int, horizon: int, before: Layout | None) -> list[Framing]:
        """Return the framings of `count` frames from `first` on, `horizon` being the last frame known of the shot."""
        whole = Box(0, 0, picture.shown_width, picture.height)
        crop = largest_crop(whole)
        self._decide(first, horizon, crop, whole, before)
        if self.layout is Layout.FIT or self.layout is None:
            self._cameras = None
            return [Framing(Layout.FIT, whole)] * count
        if self._cameras is None:
            rate = self._pace.rate
            self._cameras = (AxisCamera(crop.width, whole.width, rate), AxisCamera(crop.height, whole.height, rate))
        across, down = self._courses(first, horizon, crop)
        xs, ys = self._cameras[0].plan(across, count), self._cameras[1].plan(down, count)
        return [
            Framing(
                Layout.TRACK,
                Box(float(x) - crop.width / 2, float(y) - crop.height / 2, crop.width, crop.height),
                self._seen_at(first + offset),
            )
            for offset, (x, y) in enumerate(zip(xs, ys, strict=True))
        ]

    def _decide(self, first: int, horizon: int, crop: Box, whole: Box, before: Layout | None) -> None:
        samples = len(range(first, horizon + 1, self._pace.stride))
        choice = choose(self.tracker.tracks, first, horizon, samples, crop=crop, width=whole.width)
        if self.layout is None:
            brief = self.span.brief(self._pace.rate) and before is not None
            self.layout = self.first_layout = before if brief else choice.layout
            self._subject = choice.subject
        elif self.layout is Layout.FIT:
            if self._worth_following(choice, first, horizon):
                self.layout, self._subject = Layout.TRACK, choice.subject
        elif not any(track.within(first, horizon) for track in self._subject):
            last = max((track.last.frame for track in self._subject), default=self.span.first)
            if choice.subject:
                self._subject = choice.subject
            elif choice.layout is Layout.FIT and first - last > GONE_SECONDS * self._pace.rate:
                self.layout = Layout.FIT

    def _worth_following(self, choice: Choice, first: int, horizon: int) -> bool:
        """Whether somebody has come to stay in a shot that was laid out without a subject."""
        if choice.layout is not Layout.TRACK or not choice.subject or self.span.brief(self._pace.rate):
            return False
        whole_window = horizon - first >= self._pace.rate
        seen = choice.subject[0].within(first, horizon)
        return whole_window and len(seen) * self._pace.stride >= 0.9 * (horizon - first)

    def _courses(self, first: int, horizon: int, crop: Box) -> tuple[Course, Course]:
        frames = np.arange(first, horizon + 1)
        edges = [self._edges(track, frames) for track in self._subject]
        if not edges:
            nothing = np.full(len(frames), np.nan)
            return Course(nothing, nothing), Course(nothing, nothing)
        with np.errstate(invalid="ignore"):
            left, top = np.fmin.reduce([edge[0] for edge in edges]), np.fmin.reduce([edge[1] for edge in edges])
            right, bottom = np.fmax.reduce([edge[2] for edge in edges]), np.fmax.reduce([edge[3] for edge in edges])
            eyes = np.fmin.reduce([edge[4] for edge in edges])
        line = eyes + (0.5 - EYE_LINE) * crop.height
        return Course((left + right) / 2, (right - left) / 2), Course(line, (bottom - top) / 2)

    def _edges(self, track: Track, frames: npt.NDArray[np.int64]) -> Floats:
        """Left, top, right, bottom and eyes at each frame, by rows; NaN where the face is not seen."""
        rate = self._pace.rate
        known = track.sightings
        at = np.array([sighting.frame for sighting in known])
        values = _steadied(np.array([_numbers(sighting) for sighting in known]))
        rows = np.stack([np.interp(frames, at, column) for column in values.T])
        following = np.searchsorted(at, frames)
        ahead = np.where(following < len(at), at[np.minimum(following, len(at) - 1)], np.iinfo(np.int64).max // 2)
        behind = np.where(following > 0, at[np.maximum(following - 1, 0)], -np.iinfo(np.int64).max // 2)
        near = np.minimum(ahead - frames, frames - behind) <= LINGERING_SECONDS * rate
        bridged = ahead - behind <= BRIDGED_SECONDS * rate
        rows[:, ~(near | bridged)] = np.nan
        return rows

    def _seen_at(self, frame: int) -> Box | None:
        """The face of the foremost subject where it was found nearest to `frame`."""
        if not self._subject:
            return None
        near = min(self._subject[0].sightings, key=lambda sighting: abs(sighting.frame - frame))
        return near.face.box if abs(near.frame - frame) <= self._pace.stride else None


def largest_crop(whole: Box) -> Box:
    """Return the largest crop of the frame's shape inside a picture, centred."""
    width = min(whole.width, whole.height * ASPECT)
    height = width / ASPECT
    return Box((whole.width - width) / 2, (whole.height - height) / 2, width, height)


def _numbers(sighting: Sighting) -> tuple[float, float, float, float, float]:
    box = sighting.face.box
    return box.left, box.top, box.right, box.bottom, sighting.face.eyes


def _steadied(values: Floats) -> Floats:
    """Medians of three in time: a single wrong box moves nothing."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0), np.float64)
