"""The sources of a campaign: tiny silent videos, texts with a video's name, and a server to fetch both from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from aiohttp import web

RATE = 4
"""Frames a second, as few as still look like a video, because a render costs by the frame."""

SIZE = (160, 96)
SHOT_SECONDS = 3


class Source(StrEnum):
    """The sources of submissions; the value is the file's name."""

    ONE_CLIP = "one.mp4"
    TWO_CLIPS = "two.mp4"
    THREE_CLIPS = "three.mp4"
    NO_VIDEO = "text.mp4"

    @property
    def broken(self) -> bool:
        """Return whether no clip can be made of the source."""
        return self is Source.NO_VIDEO


SECONDS = {Source.ONE_CLIP: 6, Source.TWO_CLIPS: 12, Source.THREE_CLIPS: 18}
"""Length of each source, which decides the number of clips of five to six seconds."""

CLIP_OPTIONS = {"clip_min_seconds": "5", "clip_max_seconds": "6", "target_clips": "3", "captions": "off"}


def write_sources(folder: Path) -> None:
    """Write every source below `folder`."""
    for source, seconds in SECONDS.items():
        write_video(folder / source, seconds)
    (folder / Source.NO_VIDEO).write_bytes(b"this is no video, whatever its name says\n" * 500)


def write_video(path: Path, seconds: int) -> None:
    """Write a silent video whose colour jumps at each shot, so that it has cuts and needs no speech model."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for number in range(seconds * RATE):
            shot = number // (RATE * SHOT_SECONDS)
            pixels = np.full((SIZE[1], SIZE[0], 3), (shot * 90 + number) % 256, np.uint8)
            pixels[:, : SIZE[0] // 2, shot % 3] = 255 - number % 256
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame.time_base, frame.pts = Fraction(1, RATE), number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """Serve `folder` over HTTP on loopback; yield the address."""
    application = web.Application()
    application.router.add_static("/", folder)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
