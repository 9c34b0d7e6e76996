"""Probing of a media file from a stranger: its streams, whether it decodes, and when its picture begins.

This code runs in a child process, because a crafted file may crash a decoder.
"""

from __future__ import annotations  # av.Packet is generic for type checkers alone

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from clipmill.contracts.documents import AudioFacts
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.downloader.reordering import lacks_presentation_times

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,ogg,mxf,wtv,dv,nut,rm,gif,ivf,"
    "mp3,aac,flac,wav,aiff,ac3,eac3,amr,caf,h264,hevc,m4v,mpegvideo"
)
"""The demuxers that may read a source: those of self-contained files. Playlists and scripts (hls, dash, concat, sdp,
image2, …) are left out because they open other files and addresses, so an upload could read files of this machine."""

LONGEST_SIDE = 16384
"""Largest width and height, in pixels: a single larger frame could exhaust the memory."""

UNDAMAGED = "submit a file that plays to its end"
"""Remedy for a damaged file."""

CONVERTED = "convert it to MP4 with H.264"
"""Remedy for a file that may play elsewhere but cannot be decoded or repacked here."""

PACKETS_TRIED = 1000
"""Number of video packets in which a frame must decode: more than the longest usual distance of two key frames."""


@dataclass(frozen=True)
class Picture:
    """The first picture of a video, as shown.

    Attributes:
        start: Presentation time by the container's clock, in seconds.
        width: Width of the upright picture, in square pixels.
        height: Height of the upright picture, in square pixels.
        rotation: Degrees by which a player turns the coded picture clockwise: 0, 90, 180 or 270.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of the pixel format.
    """

    start: Fraction
    width: int
    height: int
    rotation: int
    codec: str
    pixel_format: str


def open_source(path: Path) -> InputContainer:
    """Open a media file for reading, but no other file or address that it may refer to.

    Raises:
        Permanent: with `unreadable_media`.
    """
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        return av.open(str(path), "r", container_options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise unreadable("it is not a video file or its end is missing") from error


def video_stream(container: InputContainer) -> VideoStream:
    """Return the first video stream of a file that is not a cover or another still picture.

    Raises:
        Permanent: with `no_video` or `unreadable_media`.
    """
    covers = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    moving = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not moving:
        content = "only sound" if container.streams.audio else "neither picture nor sound"
        raise Permanent(ErrorCode.NO_VIDEO, f"The file has {content}; submit a video.")
    for stream in moving:
        if stream.codec_context is not None:
            return stream
    raise unreadable("its video codec is unknown", CONVERTED)


def audio_stream(container: InputContainer) -> AudioStream | None:
    """Return the sound that players choose: the default track or else the first; None if none can be decoded."""
    known = [stream for stream in container.streams.audio if stream.codec_context and stream.codec_context.sample_rate]
    default = [stream for stream in known if stream.disposition & Disposition.default]
    return next(iter(default or known), None)


def audio_facts(stream: AudioStream, index: int) -> AudioFacts:
    """Return the facts of a sound track that will have `index` in its container."""
    context = stream.codec_context
    return AudioFacts(
        codec=context.codec.canonical_name, sample_rate=context.sample_rate, channels=context.channels, index=index
    )


def first_picture(container: InputContainer, stream: VideoStream) -> Picture:
    """Return the first picture, decoded; the next packets that the container gives are those after it.

    Raises:
        Permanent: with `unreadable_media` if nothing decodes, as in an encrypted or broken file.
    """
    context = stream.codec_context
    _check_size(context.width, context.height)
    frame = _first_frame(container, stream)
    _check_size(frame.width, frame.height)
    start = Fraction(0)
    if frame.pts is not None and not lacks_presentation_times(container, stream):
        start = frame.pts * (frame.time_base or Fraction(1))
    rotation = round(-frame.rotation / 90) * 90 % 360
    width, height = frame.width, frame.height
    aspect = stream.sample_aspect_ratio
    if aspect:
        width = max(1, round(width * aspect))
    if rotation in (90, 270):
        width, height = height, width
    return Picture(start, width, height, rotation, context.codec.canonical_name, frame.format.name)


def packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """Yield the packets of `streams` in the order of the file, without the empty ones that PyAV adds at the end.

    Raises:
        Permanent: with `unreadable_media` if the file is damaged or its end is missing.
    """
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        raise unreadable("it is damaged or its end is missing") from error


def unreadable(reason: str, remedy: str = UNDAMAGED) -> Permanent:
    """Return the failure of a file that cannot be made a source.

    Args:
        reason: Clause that follows "because".
        remedy: Clause that tells the person what to do about this reason.
    """
    return Permanent(ErrorCode.UNREADABLE_MEDIA, f"The video cannot be read because {reason}; {remedy}.")


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    encrypted = "enc_key_id" in stream.metadata
    for packet in islice(packets(container, stream), PACKETS_TRIED):
        encrypted = encrypted or packet.has_sidedata("encryption_info")
        if encrypted:
            break
        frames = _decoded(stream, packet)
        if frames:
            return frames[0]
    if encrypted:
        raise unreadable("it is encrypted (DRM)", "submit one that is not copy-protected")
    frames = _decoded(stream, None)
    if not frames:
        raise unreadable("no picture in it can be decoded", CONVERTED)
    return frames[0]


def _decoded(stream: VideoStream, packet: Packet[Stream] | None) -> list[VideoFrame]:
    """Return the decoded frames, none for damage: a recording may begin in the middle of a group of pictures."""
    try:
        return list(stream.codec_context.decode(packet))
    except av.FFmpegError:
        return []


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LONGEST_SIDE:
        remedy = f"submit one of at most {LONGEST_SIDE} pixels a side"
        raise unreadable(f"its picture of {width}x{height} pixels is too large", remedy)
