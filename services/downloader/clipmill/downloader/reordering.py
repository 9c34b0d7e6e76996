"""Presentation times for containers that have none: AVI numbers its frames in the order in which they are decoded.

With B-frames that is not the order in which they are shown, and the times that demuxers derive from it are wrong. Only
a decoder knows the order, so the video is decoded once, as cheaply as possible. FFmpeg's `dts2pts` filter, which would
only parse the video, was tried: it loses count at each IDR frame after the first.
"""

from __future__ import annotations  # av.Packet is generic for type checkers alone

from collections.abc import Iterator

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

REORDERED_CODECS = frozenset({"h264", "hevc"})

AVFMT_FLAG_GENPTS = 0x0001
AVFMT_FLAG_NOFILLIN = 0x0010
"""Flags of libavformat/avformat.h."""

DEEPEST_REORDERING = 16
"""Most frames by which decoding may run ahead of showing, as H.264 and HEVC allow."""

PATIENCE_PACKETS = 128
"""Number of packets after which a missing frame never comes: reordering and the decoder's threads delay it less."""


def lacks_presentation_times(container: InputContainer, stream: VideoStream) -> bool:
    """Return whether only decoding gives the presentation times of `stream`."""
    return container.format.name == "avi" and stream.codec_context.codec.canonical_name in REORDERED_CODECS


def use_raw_times(container: InputContainer) -> None:
    """Make the demuxer give the times as the file has them, not the times that it derives."""
    container.flags = (container.flags | AVFMT_FLAG_NOFILLIN) & ~AVFMT_FLAG_GENPTS


def in_display_order(packets: Iterator[Packet[Stream]], stream: VideoStream) -> Iterator[Packet[Stream]]:
    """Yield `packets`; those of `stream` get their presentation times.

    Args:
        packets: Packets of a container after `use_raw_times`; those of other streams pass unchanged.
        stream: Video stream whose codec context has not been used.
    """
    context = stream.codec_context
    context.thread_type = "AUTO"
    context.options = {"skip_loop_filter": "all"}
    order = _DisplayOrder()
    for packet in packets:
        if packet.stream is not stream:
            yield packet
            continue
        order.enter(packet)
        yield from order.shown(_frame_numbers(stream, packet))
    yield from order.shown(_frame_numbers(stream, None))


def _frame_numbers(stream: VideoStream, packet: Packet[Stream] | None) -> list[int]:
    """Return the numbers of the decoded frames: a frame has the time stamp of its packet, which is a number here."""
    try:
        return [frame.pts for frame in stream.codec_context.decode(packet) if frame.pts is not None]
    except av.FFmpegError:
        return []  # a damaged frame is not shown


class _DisplayOrder:
    """Packets by their number in decoding order, held until their presentation times are known."""

    def __init__(self) -> None:
        self._entered = 0
        self._shown = 0
        self._slots: dict[int, int] = {}
        self._waiting: dict[int, Packet[Stream]] = {}
        self._times: dict[int, int] = {}

    def enter(self, packet: Packet[Stream]) -> None:
        number = self._entered
        self._slots[number] = packet.dts if packet.dts is not None else number
        self._waiting[number] = packet
        packet.pts = packet.dts = number
        self._entered += 1

    def shown(self, numbers: list[int]) -> Iterator[Packet[Stream]]:
        """Take the numbers of the frames shown next; yield the packets whose times are known, in decoding order."""
        for number in numbers:
            # The n-th shown picture has the time that the n-th packet would have without reordering.
            self._times[number] = self._slots.pop(self._shown, self._shown)
            self._shown += 1
        while self._waiting:
            first = next(iter(self._waiting))
            if first in self._times:
                packet = self._waiting.pop(first)
                packet.pts = self._times.pop(first)
                packet.dts = first - DEEPEST_REORDERING
                yield packet
            elif self._entered - first > PATIENCE_PACKETS:
                del self._waiting[first]
            else:
                return
