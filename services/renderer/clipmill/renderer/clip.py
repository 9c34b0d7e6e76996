"""Rendering of one clip, in a child process: survey, direct, render.

`survey` first examines the whole clip cheaply: who is where, who speaks, how loud it is. Then `directing` decides what
each frame shows. At last each picture is decoded, drawn and encoded once. Reading, drawing and encoding run side by
side, and only the sound is written to a temporary file.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import cv2
from clipmill.artifacts.store import open_store
from clipmill.artifacts.subtitles import srt, webvtt
from clipmill.contracts.options import Profanity
from clipmill.operations.models import locate
from clipmill.renderer.allocation import keep_freed_memory
from clipmill.renderer.audio.sound import SAMPLE_RATE
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.clip_request import (
    CLIP_NAME,
    POSTER_NAME,
    SUBRIP_NAME,
    WEBVTT_NAME,
    Rendered,
    RenderRequest,
)
from clipmill.renderer.directing.direction import Direction, direct
from clipmill.renderer.drawing.posters import PosterPicker
from clipmill.renderer.encoding.encoder import Encoder
from clipmill.renderer.frames import Drawing
from clipmill.renderer.pictures import Picture
from clipmill.renderer.pipeline import Prefetch
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.blazeface import BlazeFace
from clipmill.renderer.seeing.faces import FaceDetector
from clipmill.renderer.seeing.speaking import voiced
from clipmill.renderer.seeing.survey import survey
from clipmill.renderer.shots import spans
from clipmill.renderer.text.captions import clip_words, cues, masked_segments
from clipmill.renderer.text.hook import Hook
from clipmill.renderer.text.subtitling import Subtitler, caption

FACE_MODEL = "blazeface-full-range"

SURVEY_PERCENT = 8.0
"""The survey's part of a clip's work."""

PICTURES_READ, PICTURES_DRAWN = 3, 2
"""Most pictures that wait to be drawn, and to be encoded. They even out varying costs, and take 20 MB at 1080p and 45
MB at 4K."""

BLOCK_SECONDS = 0.25
"""Length of the sound that is written at a time, and the longest time by which it is ahead of the pictures."""

BLOCKS_READY = 8

LONGEST_LAG_SECONDS = 5.0
"""Time by which the pictures may be ahead of the sound while it is mastered. The muxer holds their packets until their
sound comes, but for 10 s at most."""

Report = Callable[[float], None]


def render(request: RenderRequest, report: Report) -> Rendered:
    """Render the clip, its poster and its captions into the request's directory.

    Args:
        request: The clip, its options and the directory.
        report: Function that receives the percentage done.

    Raises:
        Permanent: The source is not a readable video (`unreadable_media`, `no_video`) or is not stored
            (`missing_artifact`), or the face model's weights are missing (`model_unavailable`).
    """
    keep_freed_memory()
    cv2.setNumThreads(1)  # the codecs' threads keep the processors busy
    detector = BlazeFace(locate(FACE_MODEL, Path(request.models_dir)))
    file = open_store(request.store_url).open_media(request.source_key, Path(request.directory))
    threads, rate = request.quality.threads, request.frame_rate
    with file, Source(file, request.audio_index, threads, request.start, frame_rate=rate) as source:
        return render_from(source, request, detector, report)


def render_from(source: Source, request: RenderRequest, detector: FaceDetector, report: Report) -> Rendered:
    """Render from an open source, with any face detector; see `render`."""
    began = time.monotonic()
    options, directory = request.options, Path(request.directory)
    canvas, rate = CANVASES[options.output_format], float(source.rate)
    start = source.snapped(request.start)
    frames = max(1, round((request.end - request.start) * source.rate))
    length = frames / rate
    segments = request.segments
    if options.profanity is Profanity.MASK:
        segments = tuple(masked_segments(segments, request.language))
    captioning = caption(segments, start, start + length, options.captions, canvas)
    with Soundtrack(
        directory,
        round(length * SAMPLE_RATE),
        request.quality.audio_bitrate,
        fade_in=request.fade_in,
        fade_out=request.fade_out,
    ) as soundtrack:
        progress = _Progress(report, frames)
        direction = _directed(source, request, detector, frames, soundtrack=soundtrack, progress=progress)
        surveyed = time.monotonic()
        subtitler = Subtitler(captioning.chunks, options.captions, canvas, rate, direction.framing)
        hook = None
        if options.hook:
            occupied = subtitler.occupied
            hook = Hook(request.title, canvas, rate, direction.framing, frames=frames, captions=occupied)
            subtitler.make_way(hook.occupied)
        poster = PosterPicker(rate)
        drawing = Drawing(direction.framing, options.background, subtitler, hook, poster)
        with Encoder(directory / CLIP_NAME, source.rate, canvas, request.quality, request.title) as encoder:
            _write(source.pictures(start, frames), drawing, soundtrack, encoder, progress)
    poster.save(directory / POSTER_NAME)
    (directory / WEBVTT_NAME).write_text(webvtt(cues(captioning.chunks)), encoding="utf-8")
    (directory / SUBRIP_NAME).write_text(srt(cues(captioning.chunks)), encoding="utf-8")
    return Rendered(
        duration=length,
        width=canvas.width,
        height=canvas.height,
        frames=encoder.frames,
        shots=direction.shots,
        encoder=encoder.name,
        loudness_lufs=soundtrack.loudness.lufs,
        true_peak_dbtp=soundtrack.loudness.true_peak_dbtp,
        missing_letters="".join(dict.fromkeys(captioning.missing + (hook.missing if hook else ""))),
        sound_reduced=source.sound_reduced,
        unshaped=captioning.unshaped or (hook is not None and hook.unshaped),
        seconds=time.monotonic() - began,
        survey_seconds=surveyed - began,
    )


def _directed(
    source: Source,
    request: RenderRequest,
    detector: FaceDetector,
    frames: int,
    *,
    soundtrack: Soundtrack,
    progress: "_Progress",
) -> Direction:
    """Survey the clip, fill the soundtrack, and decide what each frame shows."""
    start, rate = source.snapped(request.start), float(source.rate)
    seen = survey(
        source,
        start,
        frames,
        spans(request.shots, start, rate, frames),
        detector,
        soundtrack=soundtrack,
        report=progress.surveyed,
        faces_per_second=request.faces_per_second,
    )
    words = list(chain.from_iterable(clip_words(request.segments, start, start + frames / rate)))
    spoken = voiced(words, soundtrack.levels_db, rate, frames)
    options = request.options
    return direct(seen, spoken, CANVASES[options.output_format], options.layout)


def _write(
    pictures: Iterable[Picture], drawing: Drawing, soundtrack: Soundtrack, encoder: Encoder, progress: "_Progress"
) -> None:
    """Draw and encode the pictures, and write the sound between them."""
    sounding = 0.0
    with (
        Prefetch(_mastered(soundtrack), BLOCKS_READY, "mastering") as mastered,
        Prefetch(pictures, PICTURES_READ, "reading") as read,
        Prefetch(drawing.frames(read, encoder.canvas), PICTURES_DRAWN, "drawing") as drawn,
    ):
        blocks = iter(mastered)
        for frame in drawn:
            while sounding <= encoder.seconds and (mastered.ready or encoder.seconds > sounding + LONGEST_LAG_SECONDS):
                encoder.sound(next(blocks, ()))
                sounding += BLOCK_SECONDS
            encoder.picture(frame)
            progress.written(encoder.frames)
        for block in blocks:
            encoder.sound(block)


def _mastered(soundtrack: Soundtrack) -> Iterator[Sequence[bytes]]:
    """Master the sound and yield it as blocks of packets; runs while pictures are drawn."""
    soundtrack.master()
    yield from soundtrack.blocks(BLOCK_SECONDS)


class _Progress:
    """Reports each whole percentage once.

    Args:
        report: Function that receives the percentage.
        frames: Number of frames in the clip.
    """

    def __init__(self, report: Report, frames: int) -> None:
        self._report = report
        self._frames = frames
        self._reported = 0

    def surveyed(self, share: float) -> None:
        """Report that a share of the survey, 0 to 1, is done."""
        self._report_once(SURVEY_PERCENT * share)

    def written(self, frames: int) -> None:
        """Report that this many frames are written."""
        self._report_once(SURVEY_PERCENT + (100 - SURVEY_PERCENT) * frames / self._frames)

    def _report_once(self, percent: float) -> None:
        if int(percent) > self._reported:
            self._reported = int(percent)
            self._report(self._reported)
