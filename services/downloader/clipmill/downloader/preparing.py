"""The child process that makes a source of a media file: probe it, refuse it early, repack it, measure it."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from av.video.stream import VideoStream
from clipmill.contracts.documents import VideoFacts
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.downloader.durations import plain, rounded_apart
from clipmill.downloader.prepare_request import Prepared, PrepareRequest
from clipmill.downloader.probing import (
    Picture,
    audio_facts,
    audio_stream,
    first_picture,
    open_source,
    unreadable,
    video_stream,
)
from clipmill.downloader.refusals import longer_than, too_long
from clipmill.downloader.remuxing import NAMES, Remux, Track, Written, muxer_for

INDEXED_FORMATS = ("mov", "matroska", "flv")
"""Containers that state their duration; the durations of the others are FFmpeg's estimates."""

MISSING_SHARE = 0.1
MISSING_SECONDS = 5.0
"""A file that ends this much before its stated end, by both measures, is incomplete or states a wrong duration."""

MISSING_PICTURE_SECONDS = 0.5
"""Longest time by which an MP4's picture may end before its index says; a truncated MP4 reports no error."""

PROGRESS_FRAMES = 500
"""Number of packets between two reports of progress."""

MICROSECONDS = 1_000_000
"""Units of a container's duration in a second."""


def prepare(request: PrepareRequest, report: Callable[[float], None]) -> Prepared:
    """Make a source.

    Args:
        request: Files and limits.
        report: Callback for the percentage of the seconds repacked.

    Raises:
        Permanent: with `no_video`, `too_short`, `too_long` or `unreadable_media`.
        OSError: if the disk is full.
    """
    with open_source(Path(request.video)) as container:
        stated = _stated_duration(container.format.name, container.duration)
        _check_stated(stated, request)
        stream = video_stream(container)
        indexed = _indexed_duration(container.format.name, stream)
        picture = first_picture(container, stream)
    output = Path(request.output)
    with ExitStack() as files:
        # Opened again to read from the first packet, because not every container can seek.
        main = files.enter_context(open_source(Path(request.video)))
        video = Track(main, video_stream(main))
        other = main if request.audio is None else files.enter_context(open_source(Path(request.audio)))
        sound = audio_stream(other)
        facts = None if sound is None else audio_facts(sound, index=1)
        muxer = muxer_for(picture.codec, None if facts is None else facts.codec)
        audio = None if sound is None else Track(other, sound)
        written = _repack(Remux(video, audio, start=picture.start, output=output, muxer=muxer), stated, request, report)
    _check_whole(written, stated, indexed)
    _check_duration(written.duration, request)
    return Prepared(
        container=NAMES[muxer],
        duration=written.duration,
        size_bytes=output.stat().st_size,
        video=_video_facts(picture, written),
        audio=facts,
    )


def _repack(remux: Remux, stated: float | None, request: PrepareRequest, report: Callable[[float], None]) -> Written:
    expected = stated or request.max_duration
    for number, written in enumerate(remux):
        if number % PROGRESS_FRAMES == 0:
            report(min(100.0, 100 * written.video_last / expected))
            if written.video_last > request.max_duration:
                raise longer_than(request.max_duration)
    return remux.written


def _video_facts(picture: Picture, written: Written) -> VideoFacts:
    return VideoFacts(
        codec=picture.codec,
        width=picture.width,
        height=picture.height,
        rotation=picture.rotation,
        frame_rate=round(written.frame_rate, 3),
        pixel_format=picture.pixel_format,
    )


def _stated_duration(format_name: str, duration: int | None) -> float | None:
    """Return the duration that the container states, in seconds; None if it states none or FFmpeg has guessed it."""
    if not duration or duration < 0 or not any(name in format_name.split(",") for name in INDEXED_FORMATS):
        return None
    return duration / MICROSECONDS


def _indexed_duration(format_name: str, stream: VideoStream) -> float | None:
    """Return the duration of the picture by the index of an MP4, in seconds; None for other containers."""
    if "mp4" not in format_name.split(",") or not stream.duration or not stream.time_base:
        return None
    return float(stream.duration * stream.time_base)


def _check_stated(stated: float | None, request: PrepareRequest) -> None:
    """Raise before the work if the container states a duration that is too long or too short."""
    if stated is not None:
        _check_duration(stated, request)


def _check_whole(written: Written, stated: float | None, indexed: float | None) -> None:
    """Raise if the file ends much earlier than it stated."""
    end = max(written.duration, written.audio_end)
    if stated is not None and stated - end > max(MISSING_SECONDS, MISSING_SHARE * stated):
        raise _incomplete(stated, end)
    if indexed is not None and indexed - written.duration > MISSING_PICTURE_SECONDS:
        raise _incomplete(indexed, written.duration)


def _check_duration(duration: float, request: PrepareRequest) -> None:
    if duration > request.max_duration:
        raise too_long(duration, request.max_duration)
    if duration < request.min_duration:
        raise _too_short(duration, request.min_duration)


def _incomplete(stated: float, end: float) -> Permanent:
    whole, part = map(plain, rounded_apart(stated, end, decimals=1))
    return unreadable(f"it should last {whole} s but ends after {part} s")


def _too_short(duration: float, limit: float) -> Permanent:
    lasts, least = map(plain, rounded_apart(duration, limit, decimals=1))
    return Permanent(ErrorCode.TOO_SHORT, f"The video lasts {lasts} s; submit one of at least {least} s.")
