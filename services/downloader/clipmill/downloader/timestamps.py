"""Time stamps as a muxer needs them: two on every packet, rising decoding times, time zero at the first picture.

The two are the decoding time and the presentation time.
"""

from __future__ import annotations  # av.Packet is generic for type checkers alone

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

LEADING_PACKETS = 64
"""Most packets without a decoding time at a stream's start, which is more than frames can be reordered."""

FORWARD_JUMP = 10.0
"""Longest step forward, in seconds, between two packets; a longer one means that the clock was reset."""

BACKWARD_JUMP = 0.1
"""Longest step backward, in seconds, between two packets; a longer one means that the clock was reset."""


@dataclass
class Clock:
    """The timeline of one file, shared by its streams.

    Attributes:
        offset: Time to subtract from each time stamp, in seconds.
        resets: True if the container's clock may be reset in the middle, as in transport and programme streams, which
            can be cut and joined anywhere.
    """

    offset: Fraction
    resets: bool = False


class StreamTimes:
    """The repair of one stream's time stamps, packet by packet, in the stream's own time base.

    Missing time stamps are filled in, those that do not rise move one tick past the last, and times after a reset of
    the clock continue those before it.

    Args:
        time_base: Time base of the stream, in seconds per tick.
        clock: Clock of the stream's file.

    Attributes:
        tick: Length of a tick, in seconds.
    """

    def __init__(self, time_base: Fraction, clock: Clock) -> None:
        self.tick = float(time_base)
        self._time_base = time_base
        self._clock = clock
        self._offset = clock.offset
        self._offset_ticks = round(clock.offset / time_base)
        self._leading: list[Packet[Stream]] = []
        self._last: int | None = None
        self._expected = 0

    def repair(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        """Take one packet and yield the packets whose times are final, in order."""
        if self._last is None and packet.dts is None and len(self._leading) < LEADING_PACKETS:
            self._leading.append(packet)  # its decoding time follows from the first that is known
            return
        yield from self._lead(packet)
        yield self._settled(packet)

    def flush(self) -> Iterator[Packet[Stream]]:
        """Yield the packets held back, at the end of the stream."""
        leading, self._leading = self._leading, []
        if leading:
            yield from self._counted_back(leading, min(packet.pts or 0 for packet in leading) + _ticks(leading[-1]))

    def _lead(self, packet: Packet[Stream]) -> Iterator[Packet[Stream]]:
        leading, self._leading = self._leading, []
        if leading:
            known = packet.dts if packet.dts is not None else packet.pts or 0
            yield from self._counted_back(leading, known)

    def _counted_back(self, leading: list[Packet[Stream]], end: int) -> Iterator[Packet[Stream]]:
        for place, packet in enumerate(leading):
            packet.dts = end - sum(_ticks(each) for each in leading[place:])
            yield self._settled(packet)

    def _settled(self, packet: Packet[Stream]) -> Packet[Stream]:
        pts, dts = packet.pts, packet.dts
        if dts is None:
            dts = self._expected + self._offset_ticks if self._last is not None else pts or 0
            dts = dts if pts is None else min(dts, pts)
        if pts is None:
            pts = dts
        if self._clock.resets and self._last is not None:
            leap = self._shifted(dts) - self._expected
            if not -BACKWARD_JUMP < leap * self.tick < FORWARD_JUMP:
                self._clock.offset += leap * self._time_base
        dts, pts = self._shifted(dts), self._shifted(pts)
        if self._last is not None:
            dts = max(dts, self._last + 1)
        packet.dts, packet.pts = dts, max(pts, dts)
        self._last, self._expected = dts, dts + _ticks(packet)
        return packet

    def _shifted(self, ticks: int) -> int:
        if self._offset is not self._clock.offset:
            self._offset = self._clock.offset
            self._offset_ticks = round(self._offset / self._time_base)
        return ticks - self._offset_ticks


def _ticks(packet: Packet[Stream]) -> int:
    """Return the duration of a packet, at least one tick."""
    return max(1, packet.duration or 1)
