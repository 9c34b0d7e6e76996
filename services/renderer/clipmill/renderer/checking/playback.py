"""Plays a file from start to end and records what a player would see and hear."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from clipmill.renderer.audio.levels import MILLISECOND, PerMillisecond, levels_db, power
from clipmill.renderer.audio.loudness import Floats, Loudness, Meter
from clipmill.renderer.audio.sound import Converter
from clipmill.renderer.reading.orientation import Orientation


@dataclass(slots=True)
class Playback:
    """The notes of playing a file. Times are in seconds.

    Attributes:
        pictures: Times of the pictures in the order in which they are shown.
        keys: Times of the pictures from which a player can start.
        picture_seconds: Time for which the last picture is shown.
        rotation: Degrees by which a player turns the first picture, counter-clockwise.
        mirrored: True if a player also mirrors it.
        sound_start: Time of the first sample, None without any.
        sound_end: Time after the last sample.
        damaged: Number of packets and frames that could not be decoded in full.
        picture_bytes: Size of all pictures' packets.
        sound_bytes: Size of all the sound's packets.
        max_interleave_gap: Most time by which one track is ahead of the other in the file.
        loudness: Loudness of the sound.
        levels: Level of the sound in each 10 ms, in dB of full scale.
    """

    pictures: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    picture_seconds: float = 0.0
    rotation: int = 0
    mirrored: bool = False
    sound_start: float | None = None
    sound_end: float = 0.0
    damaged: int = 0
    picture_bytes: int = 0
    sound_bytes: int = 0
    max_interleave_gap: float = 0.0
    loudness: Loudness = field(default_factory=lambda: Loudness(lufs=None, true_peak_dbtp=None))
    levels: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def picture_end(self) -> float:
        """Return the time at which the last picture ends."""
        return self.pictures[-1] + self.picture_seconds if self.pictures else 0.0

    @property
    def longest_group(self) -> float:
        """Return the longest time between two pictures from which a player can start."""
        return max((later - earlier for earlier, later in pairwise([*self.keys, self.picture_end])), default=0.0)

    @property
    def intervals(self) -> Sequence[float]:
        """Return the times between one picture and the next."""
        return [later - earlier for earlier, later in pairwise(self.pictures)]


def play(container: InputContainer, video: VideoStream, audio: AudioStream) -> Playback:
    """Decode both streams from start to end; only a few numbers are kept of each packet, never the media."""
    played, converter, meter = Playback(), Converter(), Meter()
    powers = PerMillisecond(MILLISECOND, power)
    if video.average_rate:
        played.picture_seconds = float(1 / video.average_rate)
    order: list[tuple[int, bool, float]] = []
    for packet in container.demux(video, audio):
        if packet.size:
            _weigh(packet, video, played)
            order.append((packet.pos or 0, packet.stream is video, float((packet.dts or 0) * (packet.time_base or 0))))
        for frame in _decoded(packet, played):
            played.damaged += frame.is_corrupt
            if isinstance(frame, av.VideoFrame):
                _see(frame, played)
            else:
                _hear(frame, played)
                samples = converter.convert(frame)
                meter.push(samples)
                powers.push(samples)
    played.pictures.sort()
    played.max_interleave_gap = _max_interleave_gap(order)
    played.loudness = meter.finish()
    played.levels = levels_db(powers.values())
    return played


def _weigh(packet: "av.Packet[av.stream.Stream]", video: VideoStream, played: Playback) -> None:
    if packet.stream is video:
        played.picture_bytes += packet.size
    else:
        played.sound_bytes += packet.size


def _decoded(packet: "av.Packet[av.stream.Stream]", played: Playback) -> Iterator[av.VideoFrame | av.AudioFrame]:
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        played.damaged += 1
        return
    for frame in frames:
        if isinstance(frame, av.VideoFrame | av.AudioFrame):
            yield frame


def _see(frame: av.VideoFrame, played: Playback) -> None:
    time = frame.time or 0.0
    if not played.pictures:
        played.rotation, played.mirrored = frame.rotation, Orientation.of(frame).mirrored
    played.pictures.append(time)
    if frame.key_frame:
        played.keys.append(time)


def _hear(frame: av.AudioFrame, played: Playback) -> None:
    time = frame.time or 0.0
    if played.sound_start is None:
        played.sound_start = time
    played.sound_end = max(played.sound_end, time + frame.samples / frame.sample_rate)


def _max_interleave_gap(order: list[tuple[int, bool, float]]) -> float:
    """Return the most time by which one track is ahead of the other where packets are read in order of position."""
    reached = {True: 0.0, False: 0.0}
    most = 0.0
    for _, picture, time in sorted(order):
        reached[picture] = time
        most = max(most, time - reached[not picture])
    return most
