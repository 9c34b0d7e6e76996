import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clipmill.contracts.documents import Segment, Shot, Word
from clipmill.contracts.failures import Permanent
from clipmill.contracts.options import CaptionStyle, JobOptions
from clipmill.operations.models import locate
from clipmill.renderer.encoding.quality import Quality
from clipmill.renderer.pictures import Picture
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.blazeface import BlazeFace
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.survey import Survey, SurveyedShot
from clipmill.renderer.seeing.tracking import Tracker
from clipmill.renderer.shots import Span
from PIL import Image


@dataclass
class Media:
    """A small video to make: a grey picture whose light tells its time, a white square, a beep."""

    seconds: float = 2.0
    rate: int = 25
    size: tuple[int, int] = (320, 180)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    times: Sequence[float] | None = None
    square: Callable[[float], tuple[float, float] | None] = lambda time: None
    light: Callable[[float], int] = lambda time: 60
    sound: Callable[[np.ndarray], np.ndarray] | None = None
    sound_from: float = 0.0
    sound_to: float | None = None
    group: int = 25
    pixel_aspect: Fraction = Fraction(1)
    options: dict[str, str] = field(default_factory=dict)


SQUARE = 40


def _picture(media: Media, time: float) -> np.ndarray:
    width, height = media.size
    gray = np.full((height, width), media.light(time), np.uint8)
    place = media.square(time)
    if place is not None:
        left, top = round(place[0] - SQUARE / 2), round(place[1] - SQUARE / 2)
        gray[max(0, top) : max(0, top + SQUARE), max(0, left) : max(0, left + SQUARE)] = 235
    return gray


def _write_video(container, stream, media: Media) -> None:
    times = media.times if media.times is not None else np.arange(round(media.seconds * media.rate)) / media.rate
    base = Fraction(1, 12800)
    for time in times:
        gray = _picture(media, float(time))
        frame = av.VideoFrame(*media.size, "yuv420p")
        for plane, samples in zip(frame.planes, (gray, None, None), strict=True):
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            rows[: plane.height, : plane.width] = 128 if samples is None else samples
        frame.color_range, frame.colorspace = 1, 1
        frame = frame.reformat(format=media.pixel_format)
        frame.pts, frame.time_base = round(time / base), base
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _write_sound(container, stream, media: Media) -> None:
    end = media.seconds if media.sound_to is None else media.sound_to
    times = np.arange(round(media.sound_from * 48000), round(end * 48000)) / 48000
    samples = media.sound(times).astype(np.float32)
    for begin in range(0, len(samples), 1024):
        part = np.stack([samples[begin : begin + 1024]] * 2)
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
        frame.pts = round(media.sound_from * 48000) + begin
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@pytest.fixture
def make_media(tmp_path):
    def make(name="source.mp4", **facts) -> Path:
        media = Media(**facts)
        path = tmp_path / name
        with av.open(path, "w") as container:
            video = container.add_stream(media.codec, rate=media.rate, options=media.options)
            video.width, video.height = media.size
            video.pix_fmt = media.pixel_format
            video.codec_context.time_base = Fraction(1, 12800)
            video.codec_context.gop_size = media.group
            video.codec_context.sample_aspect_ratio = media.pixel_aspect
            video.codec_context.colorspace = video.codec_context.color_range = 1
            audio = container.add_stream("aac", rate=48000, layout="stereo") if media.sound else None
            _write_video(container, video, media)
            if audio is not None:
                _write_sound(container, audio, media)
        return path

    return make


class SquareDetector:
    """Takes the white square for a face."""

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, picture: Picture) -> list[Face]:
        self.calls += 1
        rows, columns = np.nonzero(picture.luma > 200)
        if len(rows) < 20:
            return []
        scale = picture.pixel_aspect
        left, right = columns.min() * scale, (columns.max() + 1) * scale
        box = Box(float(left), float(rows.min()), float(right - left), float(np.ptp(rows) + 1))
        middle = box.left + box.width / 2
        return [Face(box, box.top + 0.4 * box.height, 0.9, (middle, box.top + 0.8 * box.height))]


@pytest.fixture
def square_detector():
    return SquareDetector()


@pytest.fixture
def render_clip(tmp_path, square_detector):
    """Render part of a file and return the clip's path and what the renderer said of it."""
    from clipmill.renderer.clip import Rendered, RenderRequest, render_from

    def run(
        source: Path, start=0.0, end=2.0, *, shots=(), words=(), captions=CaptionStyle.BOLD, report=None, **wishes
    ) -> tuple[Path, Rendered]:
        """Render; `wishes` are the request's options, but for `title`."""
        directory = tmp_path / "out"
        directory.mkdir(exist_ok=True)
        segments = (
            (Segment(text=" ".join(word.text for word in words), start=words[0].start, end=words[-1].end, words=words),)
            if words
            else ()
        )
        request = RenderRequest(
            store_url=tmp_path.as_uri(),
            source_key=source.name,
            start=start,
            end=end,
            directory=str(directory),
            models_dir="",
            shots=tuple(Shot(start=first, end=last) for first, last in shots),
            segments=segments,
            title=wishes.pop("title", ""),
            options=JobOptions(captions=captions, **wishes),
            quality=Quality(preset="ultrafast", crf=16, threads=2),
        )
        with source.open("rb") as file, Source(file) as opened:
            rendered = render_from(opened, request, square_detector, report or (lambda percent: None))
        return directory / "clip.mp4", rendered

    return run


@pytest.fixture
def spoken():
    """Words evenly in time."""

    def say(text: str, start: float, end: float) -> tuple[Word, ...]:
        texts = text.split()
        step = (end - start) / len(texts)
        return tuple(
            Word(text=word, start=start + index * step, end=start + (index + 1) * step)
            for index, word in enumerate(texts)
        )

    return say


@pytest.fixture
def corpus() -> Path:
    named = os.environ.get("CLIPMILL_CORPUS")
    folder = Path(named) if named else Path(__file__).parents[4] / "shared" / "corpus"
    if not (folder / "edge" / "expect.json").is_file():
        pytest.skip("the development corpus is not there; CLIPMILL_CORPUS may name its folder")
    return folder


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """The mean structural similarity of two pictures (Wang et al., 2004), 1 if they are the same."""
    a, b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (one, other))

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_a, mean_b = mean(a), mean(b)
    spread = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    common = mean(a * b) - mean_a * mean_b
    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = (2 * mean_a * mean_b + small) * (2 * common + smaller)
    return float((index / ((mean_a**2 + mean_b**2 + small) * (spread + smaller))).mean())


@pytest.fixture
def golden(request, tmp_path):
    """Compare a picture (rows by columns by RGB) with an image in the folder `golden` beside the test, by its name.

    With CLIPMILL_RENEW_GOLDEN=1 the images are written again: look at each before committing it.
    """

    def compare(name: str, picture: np.ndarray) -> None:
        path = request.path.parent / "golden" / f"{name}.png"
        if os.environ.get("CLIPMILL_RENEW_GOLDEN") == "1":
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(picture).save(path, optimize=True)
            return
        Image.fromarray(picture).save(tmp_path / path.name)
        with Image.open(path) as image:
            wanted = np.asarray(image.convert("RGB"))
        assert wanted.shape == picture.shape
        off = np.abs(wanted.astype(int) - picture).mean()
        alike = similarity(wanted, picture)
        assert off < 1.5, f"{path.name} is off by {off:.2f} of 255 on average; see {tmp_path / path.name}"
        assert alike > 0.98, f"{path.name} is alike by {alike:.3f} only; see {tmp_path / path.name}"

    return compare


@dataclass
class Someone:
    """A person to be surveyed: where the face's middle is and how large it is at a time, or None; and when it talks."""

    at: Callable[[float], tuple[float, float, float] | None]
    talks: Callable[[float], bool] = lambda time: False


@dataclass
class Eye:
    """How a detector sees: sizes in faces, shares of looks."""

    noise: float = 0.012
    misses: float = 0.05
    ghosts: float = 0.01
    looks_per_second: float = 6.0


@pytest.fixture(scope="session")
def someone():
    return Someone


@pytest.fixture(scope="session")
def surveyed():
    """Survey people who are nothing but numbers, with a detector's noise; return the survey and who is heard when."""

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
    tracker, looks = Tracker(rate), []
    for frame in range(span.first, span.last + 1, max(1, round(rate / eye.looks_per_second))):
        looks.append(frame)
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
    return SurveyedShot(span, tuple(looks), tuple(tracker.people()))


def _seen(place, eye, chance) -> Face:
    x, y, length = place
    x, y, length = np.array([x, y, length]) + chance.normal(0, eye.noise * length, 3)
    box = Box(x - length / 2, y - length / 2, length, length)
    return Face(box, y - 0.28 * length, 0.9, (x, y + 0.25 * length))


@pytest.fixture(scope="session")
def blazeface():
    try:
        return BlazeFace(locate("blazeface-full-range"))
    except Permanent as missing:
        pytest.skip(f"the face model's weights are not there: {missing.sentence}")


def _head(mouth: float) -> np.ndarray:
    """A drawn head with shoulders, luma, 400 pixels wide at the hair; 600 by 500. `mouth` is how far open, 0 to 1."""
    drawn = np.full((600, 500), 90, np.float32)

    def oval(x, y, width, height, light, turn=0):
        centre, axes = (round(x * 4.8), round(y * 4.3)), (round(width * 4.8), round(height * 4.3))
        cv2.ellipse(drawn, centre, axes, turn, 0, 360, light, -1, cv2.LINE_AA)

    oval(52, 55, 42, 54, 40)  # hair
    oval(52, 140, 50, 32, 60)  # shoulders
    oval(52, 105, 16, 26, 150)  # neck
    oval(52, 65, 34, 46, 185)  # face
    oval(52, 33, 30, 14, 190)  # forehead
    for side in (-1, 1):
        oval(52 + side * 14, 51, 9, 2.2, 60, side * 6)  # brow
        oval(52 + side * 14, 61, 7, 4, 120)  # lids
        oval(52 + side * 14, 61, 6, 3, 235)
        oval(52 + side * 14, 61, 2.8, 2.8, 30)
        oval(52 + side * 18, 77, 9, 7, 178)  # cheek
    oval(52, 73, 3.5, 9, 165)  # nose
    oval(52, 81, 6, 3, 140)
    oval(52, 95, 12, 4.5 + 3 * mouth, 110)  # lips
    oval(52, 95, 10, 1 + 4 * mouth, 45)
    return cv2.GaussianBlur(drawn, (0, 0), 5)


@pytest.fixture(scope="session")
def drawn_heads():
    """Draw a picture with heads that BlazeFace takes for people's.

    A head is x and y of its middle, its width, all shown pixels, and optionally how far its mouth is open.
    """
    cache: dict[float, np.ndarray] = {}

    def draw(size: tuple[int, int], *heads, aspect: float = 1.0) -> Picture:
        width, height = round(size[0] / aspect), size[1]
        luma = np.full((height, width), 90, np.uint8)
        for x, y, across, *mouth in heads:
            opening = mouth[0] if mouth else 0.2
            head = cache.setdefault(opening, _head(opening))
            scale = across / 400
            place = np.float64([[scale / aspect, 0, (x - 250 * scale) / aspect], [0, scale, y - 285 * scale]])
            small = cv2.GaussianBlur(head, (0, 0), max(0.1, 0.4 / scale))
            laid = cv2.warpAffine(small, place, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=90)
            luma = np.where(np.abs(laid - 90) > 1, laid, luma).astype(np.uint8)
        chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
        return Picture(luma, chroma, chroma.copy(), aspect)

    return draw
