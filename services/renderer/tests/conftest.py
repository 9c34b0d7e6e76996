import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clipmill.artifacts import documents, layout
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import (
    AudioFacts,
    MediaFacts,
    Origin,
    Plan,
    PlannedClip,
    Scenes,
    Segment,
    Shot,
    Transcript,
    VideoFacts,
    Word,
)
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import CaptionStyle, JobOptions
from clipmill.operations.models import locate
from clipmill.operations.settings import CommonSettings
from clipmill.renderer.clip_request import Rendered, RenderRequest
from clipmill.renderer.pictures import Picture
from clipmill.renderer.quality import EncoderChoice, Quality
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.blazeface import BlazeFace
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.settings import Preset, RendererSettings
from PIL import Image


@dataclass
class Media:
    """A small video to make: a grey picture whose light shows its time, a white square, a beep."""

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


@pytest.fixture(scope="session")
def write_media():
    """Return a function that writes a small video with the facts of `Media` into a folder."""

    def write(folder: Path, name="source.mp4", **facts) -> Path:
        media = Media(**facts)
        path = folder / name
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

    return write


@pytest.fixture
def make_media(write_media, tmp_path):
    return partial(write_media, tmp_path)


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


@pytest.fixture(scope="session")
def render_into():
    """Return a function that renders part of a file below a folder and returns the clip's path and facts."""
    from clipmill.renderer.clip import render_from

    def run(
        folder: Path,
        source: Path,
        start=0.0,
        end=2.0,
        *,
        shots=(),
        words=(),
        captions=CaptionStyle.BOLD,
        report=None,
        **chosen,
    ) -> tuple[Path, Rendered]:
        """Render a clip; `chosen` holds its title, its fades and its options."""
        directory = folder / "out"
        directory.mkdir(exist_ok=True)
        segments = (
            (Segment(text=" ".join(word.text for word in words), start=words[0].start, end=words[-1].end, words=words),)
            if words
            else ()
        )
        request = RenderRequest(
            store_url=folder.as_uri(),
            source_key=source.name,
            start=start,
            end=end,
            directory=str(directory),
            models_dir="",
            shots=tuple(Shot(start=first, end=last) for first, last in shots),
            segments=segments,
            title=chosen.pop("title", ""),
            fade_in=chosen.pop("fade_in", 0.0),
            fade_out=chosen.pop("fade_out", 0.0),
            options=JobOptions(captions=captions, **chosen),
            quality=Quality(preset="ultrafast", crf=16, threads=2),
        )
        with source.open("rb") as file, Source(file) as opened:
            rendered = render_from(opened, request, SquareDetector(), report or (lambda percent: None))
        return directory / "clip.mp4", rendered

    return run


@pytest.fixture
def render_clip(render_into, tmp_path):
    return partial(render_into, tmp_path)


@pytest.fixture
def spoken():
    """Return a function that spaces words evenly in time."""

    def say(text: str, start: float, end: float) -> tuple[Word, ...]:
        texts = text.split()
        step = (end - start) / len(texts)
        return tuple(
            Word(text=word, start=start + index * step, end=start + (index + 1) * step)
            for index, word in enumerate(texts)
        )

    return say


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean structural similarity of two pictures (Wang et al., 2004), 1 if they are equal."""
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
    """Return a function that compares a picture (rows by columns by RGB) with an image beside the test, in `golden`.

    With CLIPMILL_RENEW_GOLDEN=1 it writes the images again: look at each before committing it.
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


@pytest.fixture(scope="session")
def blazeface():
    return BlazeFace(locate("blazeface-full-range"))


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "store").mkdir()
    common = CommonSettings(store_url=(tmp_path / "store").as_uri())
    return RendererSettings(common=common, preset=Preset.ULTRAFAST, encoder=EncoderChoice.X264, codec_threads=2)


def tone(times):
    return 0.1 * np.sin(2 * np.pi * 440 * times)


@pytest.fixture
def job_with(settings, make_media):
    """Return a function that stores a job whose analysis is done."""

    async def prepare(content=None, *, captions=None, fade_in=0.0, fade_out=0.0, **facts):
        store, job = open_store(settings.common.store_url), new_job_id()
        if content is None:
            await store.put_file(layout.source(job), make_media(sound=tone, **facts))
        else:
            await store.put_bytes(layout.source(job), content)
        media = MediaFacts(
            stem="a_talk",
            title="A talk",
            container="mp4",
            duration=4.0,
            size_bytes=1,
            origin=Origin.UPLOAD,
            video=VideoFacts(codec="h264", width=320, height=180, frame_rate=29.97),
            audio=AudioFacts(codec="aac", sample_rate=48000, channels=2),
        )
        texts = {"title": "T", "tiktok": "tt", "instagram": "ig", "youtube": "yt"}
        fades = {"fade_in": fade_in, "fade_out": fade_out}
        clip = PlannedClip(number=1, start=0.5, end=2.5, score=80, **texts, **fades)
        said = Transcript(language="en", duration=4.0, segments=(Segment(text="Good day.", start=1, end=2),))
        await documents.save_once(store, layout.media(job), media)
        await documents.save_once(store, layout.plan(job), Plan(clips=(clip,), picker="local", captions=captions))
        scenes = Scenes(shots=(Shot(start=0, end=4),), detector="d", frame_rate=25)
        await documents.save_once(store, layout.scenes(job), scenes)
        await documents.save_once(store, layout.transcript(job), said)
        return store, job

    return prepare
