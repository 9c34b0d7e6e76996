"""Repacking of a video without encoding it again: one picture, one sound, seekable, time zero at the first picture.

The output is MP4 if the codecs fit into it, otherwise Matroska; either has its index in front. Memory holds only the
packets that the muxer needs to interleave.

If sound begins before the picture, MP4 keeps one packet before time zero, which decoders need to start cleanly, and
hides it by an edit list. Matroska has no negative times, so all sound before time zero is dropped. Sound that begins
late stays late. The display matrix, the pixel aspect and the colour are kept.
"""

from __future__ import annotations  # av.Packet is generic for type checkers alone

import errno
import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream
from clipmill.downloader.probing import CONVERTED, packets, unreadable
from clipmill.downloader.reordering import in_display_order, lacks_presentation_times, use_raw_times
from clipmill.downloader.timestamps import Clock, StreamTimes

MP4_VIDEO = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
MP4_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})
"""Codecs that have a registered mapping for MP4 and that FFmpeg reads back everywhere; all others need Matroska."""

OPTIONS = {"mp4": {"movflags": "+faststart"}, "matroska": {"cues_to_front": "1"}}

NAMES = {"mp4": "mp4", "matroska": "mkv"}
"""Name of the container in `MediaFacts`, by FFmpeg's name of the muxer."""

JOINED_FORMATS = frozenset({"mpegts", "mpeg"})
"""Containers whose clock may be reset in the middle."""

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

if TYPE_CHECKING:
    Timed = tuple[float, float, Packet[Stream]]
    """A decoding time and the length of a tick of the stream, both in seconds, and the packet."""


@dataclass(frozen=True)
class Track:
    """One stream of an open file that is repacked."""

    container: InputContainer
    stream: Stream


@dataclass
class Written:
    """The contents of the new file so far.

    Attributes:
        frames: Number of video packets.
        video_end: End of the last shown picture, in seconds.
        audio_end: End of the sound, in seconds.
        video_last: Start of the last shown picture, in seconds.
    """

    frames: int = 0
    video_end: float = 0.0
    audio_end: float = 0.0
    video_last: float = 0.0

    @property
    def frame_rate(self) -> float:
        """Average number of frames per second, 0 if there are too few frames."""
        return (self.frames - 1) / self.video_last if self.frames > 1 and self.video_last else 0.0

    @property
    def duration(self) -> float:
        """Duration of the picture, in seconds; a last frame without a duration lasts as long as the average frame."""
        if self.video_end > self.video_last or not self.frame_rate:
            return self.video_end
        return self.video_last + 1 / self.frame_rate


def muxer_for(video_codec: str, audio_codec: str | None) -> str:
    """Return FFmpeg's name of the container for two codecs."""
    fits = video_codec in MP4_VIDEO and (audio_codec is None or audio_codec in MP4_AUDIO)
    return "mp4" if fits else "matroska"


class Remux:
    """One repacking, done by iterating over it: each step writes a packet and gives the contents so far.

    Args:
        video: Track of the picture.
        audio: Track of the sound, from the file of the picture or another, None for no sound.
        start: Time of the first shown picture by the clock of the video's file, in seconds.
        output: Path of the new file, which replaces an existing one.
        muxer: Name that `muxer_for` returns.
    """

    def __init__(self, video: Track, audio: Track | None, *, start: Fraction, output: Path, muxer: str) -> None:
        self._tracks = [video] if audio is None else [video, audio]
        self._start = start
        self._output = output
        self._muxer = muxer
        self.written = Written()

    def __iter__(self) -> Iterator[Written]:
        """Write the file.

        Raises:
            Permanent: with `unreadable_media` if a track breaks off or the codecs cannot be repacked.
            OSError: if the disk is full.
        """
        try:
            with av.open(str(self._output), "w", format=self._muxer, options=OPTIONS[self._muxer]) as target:
                yield from self._write(target)
        except (av.FFmpegError, ValueError) as error:
            number = getattr(error, "errno", None)
            if number in DISK_ERRORS:
                raise OSError(number, os.strerror(number)) from error
            raise unreadable(f"its streams cannot be repacked ({_words(error)})", CONVERTED) from error

    def _write(self, target: OutputContainer) -> Iterator[Written]:
        streams: dict[int, Stream] = {}
        for track in self._tracks:
            streams[id(track.stream)] = target.add_stream_from_template(track.stream, opaque=True)
        picture = self._tracks[0].stream
        for _, tick, packet in heapq.merge(*self._sources(), key=itemgetter(0)):
            stream = packet.stream
            if stream is not picture and not self._kept(packet):
                continue
            self._record(packet, tick, video=stream is picture)
            packet.stream = streams[id(stream)]
            target.mux(packet)
            yield self.written

    def _sources(self) -> Iterator[Iterator[Timed]]:
        """Yield the repaired packets of each file; one pass reads both streams of a file."""
        files: dict[int, list[Track]] = {}
        for track in self._tracks:
            files.setdefault(id(track.container), []).append(track)
        for tracks in files.values():
            resets = tracks[0].container.format.name in JOINED_FORMATS
            # The two files of one download start with one clock, but each handles its own resets.
            yield _repaired(tracks, Clock(self._start, resets))

    def _kept(self, packet: Packet[Stream]) -> bool:
        if packet.pts is None or packet.pts >= 0:
            return True
        return self._muxer == "mp4" and packet.pts + 2 * (packet.duration or 0) > 0

    def _record(self, packet: Packet[Stream], tick: float, *, video: bool) -> None:
        shown = (packet.pts or 0) * tick
        end = shown + (packet.duration or 0) * tick
        written = self.written
        if not video:
            written.audio_end = max(written.audio_end, end)
        elif shown >= 0:
            written.frames += 1
            written.video_last = max(written.video_last, shown)
            written.video_end = max(written.video_end, end)


def _repaired(tracks: list[Track], clock: Clock) -> Iterator[Timed]:
    container, main = tracks[0].container, tracks[0].stream
    times = {track.stream.index: StreamTimes(_time_base(track.stream), clock) for track in tracks}
    found = packets(container, *(track.stream for track in tracks))
    if isinstance(main, VideoStream) and lacks_presentation_times(container, main):
        use_raw_times(container)
        found = in_display_order(found, main)
    started = False
    for packet in found:
        if packet.stream is main and main.type == "video" and not started:
            if not packet.is_keyframe:
                continue  # nothing before the first key frame can be shown
            started = True
        each = times[packet.stream.index]
        for settled in each.repair(packet):
            yield (settled.dts or 0) * each.tick, each.tick, settled
    for each in times.values():
        for settled in each.flush():
            yield (settled.dts or 0) * each.tick, each.tick, settled


def _time_base(stream: Stream) -> Fraction:
    return stream.time_base or Fraction(1, 1000)


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip().rstrip(".")
