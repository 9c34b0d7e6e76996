"""Presentation times for containers that know none: AVI numbers its frames in the order in which they are decoded.

With B-frames that is not the order in which they are shown, and what demuxers make of it is wrong. Only a decoder
knows the order, so the video is decoded once, as cheaply as it goes. FFmpeg's `dts2pts` filter, which would only parse,
was tried: it loses count at each IDR frame after the first.
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
"""From libavformat/avformat.h."""

DEEPEST_REORDERING = 16
"""Frames by which decoding may run ahead of showing: the most that H.264 and HEVC allow."""

PATIENCE_PACKETS = 128
"""After so many packets a frame that has not come out never will (reordering, and the decoder's threads)."""


def lacks_presentation_times(container: InputContainer, stream: VideoStream) -> bool:
    """Return whether the times of the pictures in `stream` have to be found by decoding it."""
    return container.format.name == "avi" and stream.codec_context.codec.canonical_name in REORDERED_CODECS


def use_raw_times(container: InputContainer) -> None:
    """Have the demuxer give the times that the file holds, not those that it makes of them."""
    container.flags = (container.flags | AVFMT_FLAG_NOFILLIN) & ~AVFMT_FLAG_GENPTS


def in_display_order(packets: Iterator[Packet[Stream]], stream: VideoStream) -> Iterator[Packet[Stream]]:
    """Yield `packets`, those of `stream` with the times at which they are shown.

    Args:
        packets: of a container that was opened `use_raw_times`; of other streams too, which pass unchanged.
        stream: the video; its codec context must not have been used.
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
    """Decode; a frame bears the time stamp of the packet it was in, which is its number here."""
    try:
        return [frame.pts for frame in stream.codec_context.decode(packet) if frame.pts is not None]
    except av.FFmpegError:
        return []  # a damaged frame is not shown


class _DisplayOrder:
    """Packets by their number in decoding order, until it is known when each is shown."""

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
        """Take the numbers of the frames that are shown next; yield the packets that are settled, as they came."""
        for number in numbers:
            # The n-th picture shown is shown when the n-th packet would be if nothing were reordered.
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
