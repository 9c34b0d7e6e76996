"""Chunks of a long video: they are planned, measured in parallel, and their measures joined.

The measures of a frame depend only on that frame and the one before, while decisions depend on the whole sequence. So
processes decode and measure the chunks in parallel, each from a keyframe on, and one process decides on the joined
sequence. The result is the one a single process would find, provided that all decoders saw the same pictures. This is
verified: each chunk is decoded some frames into the next one, and both chunks must agree there to the last bit. Where
they do not (pictures that need frames before their keyframe, damaged packets, time stamps that restart), the video is
measured in one pass.
"""

from collections.abc import Sequence
from itertools import islice
from typing import BinaryIO

import av
import numpy as np
from clipmill.analyzer.scenes.chunk_request import WHOLE, Chunk, Measures

MOST_CHUNKS = 8
"""Largest number of chunks: more of them would decode faster than a store delivers."""

PROCESS_BYTES = 200 * 2**20
"""Memory of a process that measures a chunk, without its pictures: the interpreter and its libraries."""

PICTURES = 24
"""Largest number of pictures that a decoder holds: 16 for reference (H.264, A.3.1), and those its threads work on."""

PIXEL_BYTES = 3
"""Bytes per pixel of a 10-bit picture whose colour planes have a quarter of its size."""

PACKETS_SEARCHED = 300
"""Number of packets searched for a keyframe after a seek; containers land on a keyframe or just before one."""


class ChunksDisagreeError(Exception):
    """The decoders of two neighbouring chunks saw different pictures; the message says what differs."""


def part_of(file: BinaryIO, start: float, end: float) -> Chunk:
    """Return the part of a video that begins with the last keyframe before `start` and reaches `end`, as one chunk.

    Args:
        file: Seekable bytes of a container.
        start: Start of the part, in seconds from the first frame.
        end: End of the part, in seconds from the first frame.

    Returns:
        The chunk. It begins at the first frame if no keyframe before `start` can be found, and is the whole video if
        the container cannot be read or lacks the times to cut it by.
    """
    try:
        with av.open(file, mode="r") as container:
            stream = container.streams.video[0]
            if stream.start_time is None or stream.time_base is None:
                return WHOLE
            last = stream.start_time + int(end / stream.time_base)
            sought = stream.start_time + int(start / stream.time_base)
            first = _keyframe_at(container, stream, sought) if start > 0 else None
            if first is None or first > sought:
                return Chunk(last=last)
            return Chunk(sought=sought, first=first, last=last)
    except (av.FFmpegError, IndexError):
        return WHOLE


def planned(
    file: BinaryIO,
    end: float,
    shortest: float,
    most: int,
    memory_bytes: int,
    *,
    start: float = 0.0,
    part: Chunk = WHOLE,
) -> tuple[Chunk, ...]:
    """Return the chunks, about equally long, into which a video or a part of it may be cut.

    Args:
        file: Seekable bytes of a container.
        end: End of the part, in seconds; for the whole video its length.
        shortest: Length of the shortest chunk, in seconds.
        most: Largest number of chunks.
        memory_bytes: Memory that all measuring processes may use together, in bytes.
        start: Start of the part, in seconds.
        part: Part that is cut, the whole video by default.

    Returns:
        The chunks in order. The only chunk is all of `part` if it is short, has too few keyframes, or lacks the times
        to cut it by. An unreadable container is no error here: the process that reads it reports it.
    """
    count = min(most, MOST_CHUNKS, int((end - start) / shortest)) if shortest > 0 else 1
    if count < 2:
        return (part,)
    try:
        with av.open(file, mode="r") as container:
            # One more process, the parent, waits for all.
            count = min(count, memory_bytes // _bytes_needed(container.streams.video[0]) - 1)
            starts = _keyframes(container, (start, end), shortest, count)
    except (av.FFmpegError, IndexError):
        return (part,)
    edges: list[tuple[int | None, int | None]] = [(part.sought, part.first), *starts]
    following = [first for _, first in starts]
    return tuple(
        Chunk(sought=sought, first=first, next=beyond, last=part.last if beyond is None else None)
        for (sought, first), beyond in zip(edges, [*following, None], strict=True)
    )


def _bytes_needed(stream: av.VideoStream) -> int:
    """Return the memory that a separate process needs to decode a chunk, in bytes."""
    return PROCESS_BYTES + PICTURES * PIXEL_BYTES * stream.codec_context.width * stream.codec_context.height


def _keyframes(
    container: av.container.InputContainer, span: tuple[float, float], shortest: float, count: int
) -> list[tuple[int, int]]:
    """Return the places where later chunks may begin: the time to seek to, and the keyframe found there."""
    stream = container.streams.video[0]
    if stream.start_time is None or stream.time_base is None:
        return []
    second = 1 / stream.time_base
    least = float(shortest * second) / 2  # a keyframe may be far from where it is wanted
    start, end = (stream.start_time + float(edge * second) for edge in span)
    found: list[tuple[int, int]] = []
    for number in range(1, count):
        sought = int(start + (end - start) * number / count)
        first = _keyframe_at(container, stream, sought)
        before = found[-1][1] if found else start
        if first is not None and first - before >= least and end - first >= least:
            found.append((sought, first))
    return found


def _keyframe_at(container: av.container.InputContainer, stream: av.VideoStream, sought: int) -> int | None:
    """Return the time of the first keyframe that comes after a seek, None if there is none or it has no time."""
    container.seek(sought, stream=stream)
    packets = islice(container.demux(stream), PACKETS_SEARCHED)
    return next((packet.pts for packet in packets if packet.is_keyframe and packet.pts is not None), None)


def joined(chunks: Sequence[Chunk], parts: Sequence[Measures]) -> Measures:
    """Return the measures of the whole video, or of the part that was cut.

    Args:
        chunks: Planned chunks, more than one.
        parts: Measures of each chunk.

    Raises:
        ChunksDisagreeError: if the decoders of two chunks saw different pictures where they overlap.
    """
    kept: list[Measures] = []
    for index, (chunk, part) in enumerate(zip(chunks, parts, strict=True)):
        ticks = np.frombuffer(part.ticks, dtype="<i8")
        begin = min(index, 1)  # the chunk before has measured the first frame
        end = len(ticks) if chunk.next is None else int(np.searchsorted(ticks, chunk.next - part.origin, side="right"))
        if chunk.next is not None:
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
    """Raise an error if the end of a chunk differs from the beginning of the next one, which overlaps it."""
    head = following.part(0, len(tail))
    if len(tail) == 0 or (tail.ticks, tail.origin, tail.time_base) != (head.ticks, head.origin, head.time_base):
        raise ChunksDisagreeError("the frames of two parts have different times")
    if tail.thumbnails != head.thumbnails or tail.scores[8:] != head.scores[8:]:
        raise ChunksDisagreeError("the frames of two parts have different pictures")
