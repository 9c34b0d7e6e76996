"""Clips rendered as the service renders them, in a child process that waits ready, and measured from outside."""

import asyncio
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from clipmill.contracts.documents import Segment, Shot, Word
from clipmill.contracts.options import JobOptions
from clipmill.operations.child import Child, Limits
from clipmill.operations.settings import default_models_dir
from clipmill.renderer.clip_request import CLIP_NAME, RENDER_TARGET, Rendered, RenderRequest
from clipmill.renderer.settings import RendererSettings

from rendering.ffmpeg_renders import Cut

LONGEST = Limits(seconds=1800.0)
"""Limits that end a render that hangs."""

LOOKS_A_SECOND = 20
"""Readings of the child's peak memory a second; the kernel keeps the peak, so only the last reading counts."""


@dataclass(frozen=True)
class Known:
    """The results of earlier stages for a source."""

    shots: tuple[Shot, ...] = ()
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The result of a render.

    Attributes:
        clip: File of the clip.
        rendered: Facts that the renderer returns.
        seconds: Wall time from the request to the answer, after the child is ready.
        starting_seconds: Seconds that the child took to start.
        peak_bytes: Peak resident memory of the child.
    """

    clip: Path
    rendered: Rendered
    seconds: float
    starting_seconds: float
    peak_bytes: int


def request(cut: Cut, folder: Path, known: Known, options: JobOptions) -> RenderRequest:
    """Return the request of a service with default settings that renders one clip at a time on this machine."""
    settings = RendererSettings(slots=1)
    folder.mkdir(exist_ok=True)
    return RenderRequest(
        store_url=cut.source.parent.resolve().as_uri(),
        source_key=cut.source.name,
        start=cut.start,
        end=cut.start + cut.seconds,
        directory=str(folder),
        models_dir=str(default_models_dir()),
        shots=known.shots,
        segments=known.segments,
        title="What nobody tells you about the first thousand days",
        options=options,
        quality=settings.encoding(),
        faces_per_second=settings.faces_per_second,
    )


def render(wanted: RenderRequest) -> Outcome:
    """Render in a child process.

    Raises:
        Permanent: If the renderer raises it.
        Transient: If the renderer raises it.
    """
    return asyncio.run(_render(wanted))


async def _render(wanted: RenderRequest) -> Outcome:
    async with Child(RENDER_TARGET, LONGEST) as child:
        begun = time.monotonic()
        await child.prepare()
        ready = time.monotonic()
        with _Peak(child) as peak:
            rendered = await child.call(wanted, Rendered)
        answered = time.monotonic()
    return Outcome(Path(wanted.directory) / CLIP_NAME, rendered, answered - ready, ready - begun, peak.peak_bytes)


class _Peak:
    """A context in which a thread reads the child's peak memory (VmHWM) from time to time."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peak_bytes = 0

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._left.wait(1 / LOOKS_A_SECOND):
            if (pid := self._child.pid) is not None:
                self.peak_bytes = max(self.peak_bytes, _peak_bytes(pid))


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def known(truth: Path) -> Known:
    """Return the results of earlier stages for a corpus video, with words spread evenly over each sentence."""
    facts = msgspec.json.decode(truth.read_bytes())
    return Known(
        tuple(Shot(start=each["start"], end=each["end"]) for each in facts["shots"]),
        tuple(_segment(each["text"], each["start"], each["end"]) for each in facts["sentences"]),
    )


def _segment(text: str, start: float, end: float) -> Segment:
    texts = text.split()
    step = (end - start) / max(1, len(texts))
    words = tuple(
        Word(text=word, start=start + index * step, end=start + (index + 1) * step, score=1.0)
        for index, word in enumerate(texts)
    )
    return Segment(text=text, start=start, end=end, words=words)
