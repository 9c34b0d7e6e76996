"""Rendering one clip, in one pass: read, frame, draw, caption, encode. Runs in a child process.

Each picture of the clip is decoded once and encoded once. Faces are looked for in the very pictures that are rendered,
which wait in a bounded window until the camera knows what is coming (see `directing`); there is no second pass over the
source and no file in between.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
from clipmill.artifacts.store import open_store
from clipmill.contracts.documents import Segment, Shot, Word
from clipmill.operations.models import locate
from clipmill.renderer import captions, lettering
from clipmill.renderer.captions import Chunk
from clipmill.renderer.directing import Director, Framed, Pace
from clipmill.renderer.encoding import VIDEO_ENCODER, Encoder, Quality
from clipmill.renderer.blazeface import BlazeFace
from clipmill.renderer.faces import FaceDetector
from clipmill.renderer.posters import PosterPicker
from clipmill.renderer.reading import Sound, Source
from clipmill.renderer.reframing import HEIGHT, WIDTH, draw
from clipmill.renderer.shots import spans
from clipmill.renderer.sound import SAMPLE_RATE, Timeline
from clipmill.renderer.subtitling import Subtitler
from msgspec import Struct

CLIP_NAME, POSTER_NAME, CAPTIONS_NAME = "clip.mp4", "poster.jpg", "captions.vtt"

FACE_MODEL = "blazeface-full-range"

Report = Callable[[float], None]


class RenderRequest(Struct, frozen=True, kw_only=True):
    """What to render, and where to.

    Attributes:
        store_url: of the artifact store.
        source_key: of the video in it.
        audio_index: the container's stream to take the sound from, None for the one that players choose.
        start: seconds of the source.
        end: seconds of the source, later than `start`.
        shots: of the source.
        segments: of the transcript, at least those that touch the clip.
        burn_captions: whether words are drawn into the picture.
        directory: for the files, existing.
        models_dir: where fetched weights are.
        quality: of the encoding.
        faces_per_second: how often faces are looked for.
        look_ahead_seconds: how far the camera sees ahead.
        look_ahead_bytes: most memory for that.
    """

    store_url: str
    source_key: str
    start: float
    end: float
    directory: str
    models_dir: str
    audio_index: int | None = None
    shots: tuple[Shot, ...] = ()
    segments: tuple[Segment, ...] = ()
    burn_captions: bool = True
    quality: Quality = Quality()
    faces_per_second: float = 5.0
    look_ahead_seconds: float = 3.0
    look_ahead_bytes: int = 128 * 2**20


class Rendered(Struct, frozen=True, kw_only=True):
    """What was rendered.

    Attributes:
        duration: seconds.
        width: pixels.
        height: pixels.
        frames: written.
        layouts: of each shot, in order.
        encoder: of the video.
        seconds: the work took, wall time.
    """

    duration: float
    width: int
    height: int
    frames: int
    layouts: tuple[str, ...]
    encoder: str
    seconds: float


def render(request: RenderRequest, report: Report) -> Rendered:
    """Render the clip, its poster and its captions into the request's directory.

    Args:
        request: what and where to.
        report: called with the percentage done.

    Raises:
        Permanent: with `unreadable_media` or `no_video` if the source is not a readable video, `missing_artifact` if
            it is not there, `model_unavailable` without the face model's weights.
    """
    cv2.setNumThreads(1)  # the encoder's threads keep the processors busy
    detector = BlazeFace(locate(FACE_MODEL, Path(request.models_dir)))
    file = open_store(request.store_url).open_media(request.source_key)
    with file, Source(file, request.audio_index, request.quality.threads) as source:
        return render_from(source, request, detector, report)


def render_from(source: Source, request: RenderRequest, detector: FaceDetector, report: Report) -> Rendered:
    """Render from an open source, with any face detector; see `render`."""
    began = time.monotonic()
    rate = source.rate
    start = source.snapped(request.start)
    frames = max(1, round((request.end - request.start) * rate))
    length = frames / float(rate)
    shown = _captions(request.segments, start, start + length)
    directory = Path(request.directory)
    (directory / CAPTIONS_NAME).write_text(captions.webvtt(shown), encoding="utf-8")
    pace = Pace(float(rate), request.faces_per_second, request.look_ahead_seconds, request.look_ahead_bytes)
    director = Director(spans(request.shots, start, float(rate), frames), pace, detector)
    poster = PosterPicker(float(rate))
    subtitler = Subtitler(shown if request.burn_captions else [], float(rate))
    timeline = Timeline(round(length * SAMPLE_RATE))
    said = 0
    with Encoder(directory / CLIP_NAME, rate, request.quality) as encoder:
        for item in source.read(start, frames):
            if isinstance(item, Sound):
                encoder.sound(timeline.lay(item.samples, item.time))
                continue
            for framed in director.push(item):
                _write(framed, encoder, poster, subtitler)
            if not source.has_sound:
                encoder.sound(timeline.advance(round(encoder.frames / float(rate) * SAMPLE_RATE)))
            percent = 100 * encoder.frames // frames
            if percent > said:
                said = percent
                report(percent)
        encoder.sound(timeline.rest())
    poster.save(directory / POSTER_NAME)
    return Rendered(
        duration=length,
        width=WIDTH,
        height=HEIGHT,
        frames=encoder.frames,
        layouts=tuple(layout.value for layout in director.layouts),
        encoder=VIDEO_ENCODER,
        seconds=time.monotonic() - began,
    )


def _write(framed: Framed, encoder: Encoder, poster: PosterPicker, subtitler: Subtitler) -> None:
    frame, canvas = encoder.canvas()
    draw(framed, canvas)
    poster.consider(encoder.frames, framed.framing, canvas)
    subtitler.draw(encoder.frames, framed.framing, canvas)
    encoder.picture(frame)


def _captions(segments: Sequence[Segment], start: float, end: float) -> list[Chunk]:
    sentences = captions.clip_words(segments, start, end)
    return captions.chunks([list(_legible(words)) for words in sentences], lettering.fits, end - start)


def _legible(words: Sequence[Word]) -> Iterator[Word]:
    for word in words:
        text = lettering.legible(word.text)
        if text:
            yield Word(text=text, start=word.start, end=word.end, score=word.score)
