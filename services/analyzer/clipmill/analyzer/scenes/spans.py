"""Long videos in parts: where they may be cut for decoding, and how the parts' measures become the whole's again.

A frame's measures depend on the frame and the one before alone, decisions on the whole sequence. So decoding and
measuring are done in parallel, from keyframes on, and the decisions once, on the joined sequence: the result is that of
one process by construction, provided that the decoders saw the same pictures. This is looked at, not believed: a span
is decoded some frames into the next one, and what both have seen there must be the same to the last bit. Where it is
not (pictures that need what lies before their keyframe, damaged packets there, time stamps that start anew), the video
is measured in one go.
"""

from collections.abc import Sequence
from itertools import islice
from typing import BinaryIO

import av
import numpy as np
from clipmill.analyzer.scenes.span_request import WHOLE, Measures, Span

MOST_SPANS = 8
"""More would be decoded faster than a store is read."""

PROCESS_BYTES = 200 * 2**20
"""What a process that measures a span needs besides pictures: the interpreter and its libraries."""

PICTURES = 24
"""Pictures that a decoder holds at most: 16 for reference (H.264, A.3.1), and those that its threads work on."""

PIXEL_BYTES = 3
"""Of a picture of 10 bits, its colours a quarter of its size."""

PACKETS_SEARCHED = 300
"""How far behind a seek's landing a keyframe is looked for; containers land on one or just before."""


class SpansDisagreeError(Exception):
    """Two neighbouring spans did not see the same pictures; the sentence says where."""


def planned(file: BinaryIO, duration: float, shortest: float, most: int, memory_bytes: int) -> tuple[Span, ...]:
    """Return the spans, about equally long, into which a video may be cut.

    Args:
        file: seekable bytes of a container.
        duration: seconds of picture.
        shortest: the least length of a span, seconds.
        most: how many there may be.
        memory_bytes: what the processes that measure them may need together.

    Returns:
        The spans in order; one, the whole, where the video is short, has too few keyframes or says too little of its
        times. What is wrong with a container is not told here: reading it does.
    """
    count = min(most, MOST_SPANS, int(duration / shortest)) if shortest > 0 else 1
    if count < 2:
        return (WHOLE,)
    try:
        with av.open(file, mode="r") as container:
            count = min(
                count, memory_bytes // _bytes_needed(container.streams.video[0]) - 1
            )  # one process waits for all
            starts = _keyframes(container, duration, shortest, count)
    except (av.FFmpegError, IndexError):
        return (WHOLE,)
    edges: list[tuple[int | None, int | None]] = [(None, None), *starts]
    following = [first for _, first in starts]
    return tuple(
        Span(sought=sought, first=first, next=beyond)
        for (sought, first), beyond in zip(edges, [*following, None], strict=True)
    )


def _bytes_needed(stream: av.VideoStream) -> int:
    """What decoding a span in a process of its own takes, bytes."""
    return PROCESS_BYTES + PICTURES * PIXEL_BYTES * stream.codec_context.width * stream.codec_context.height


def _keyframes(
    container: av.container.InputContainer, duration: float, shortest: float, count: int
) -> list[tuple[int, int]]:
    """Return where spans after the first may begin: what to seek, and the keyframe that is found there."""
    stream = container.streams.video[0]
    if stream.start_time is None or stream.time_base is None:
        return []
    second = 1 / stream.time_base
    least = float(shortest * second) / 2  # keyframes need not lie where they are wanted
    end = stream.start_time + float(duration * second)
    found: list[tuple[int, int]] = []
    for number in range(1, count):
        sought = stream.start_time + int(duration * number / count * second)
        container.seek(sought, stream=stream)
        packets = islice(container.demux(stream), PACKETS_SEARCHED)
        first = next((packet.pts for packet in packets if packet.is_keyframe and packet.pts is not None), None)
        before = found[-1][1] if found else stream.start_time
        if first is not None and first - before >= least and end - first >= least:
            found.append((sought, first))
    return found


def joined(spans: Sequence[Span], parts: Sequence[Measures]) -> Measures:
    """Return the measures of the whole video.

    Args:
        spans: as planned, more than one.
        parts: the measures of each.

    Raises:
        SpansDisagreeError: if two spans saw different pictures where they overlap.
    """
    kept: list[Measures] = []
    for index, (span, part) in enumerate(zip(spans, parts, strict=True)):
        ticks = np.frombuffer(part.ticks, dtype="<i8")
        begin = 0 if span.first is None else 1  # its first frame was measured against the one before by the last span
        end = len(ticks) if span.next is None else int(np.searchsorted(ticks, span.next - part.origin, side="right"))
        if span.next is not None:
            _compare(part.part(end - 1, len(part)), parts[index + 1])
        kept.append(part.part(begin, end))
    first = parts[0]
    return Measures(
        ticks=b"".join(part.ticks for part in kept),
        scores=b"".join(part.scores for part in kept),
        thumbnails=b"".join(part.thumbnails for part in kept),
        origin=first.origin,
        time_base=first.time_base,
        frame_rate=first.frame_rate,
        skipped=sum(part.skipped for part in parts),
    )


def _compare(tail: Measures, following: Measures) -> None:
    """Compare a span's frames from the next one's keyframe on with those of that next one."""
    head = following.part(0, len(tail))
    if len(tail) == 0 or (tail.ticks, tail.origin, tail.time_base) != (head.ticks, head.origin, head.time_base):
        raise SpansDisagreeError("frames have other times")
    if tail.thumbnails != head.thumbnails or tail.scores[8:] != head.scores[8:]:
        raise SpansDisagreeError("frames have other pictures")
