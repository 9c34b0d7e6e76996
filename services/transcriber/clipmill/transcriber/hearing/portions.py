"""Sound of any length, divided into portions that are recognised one by one and never cut a word."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.speech_regions import SpeechRegion

UNFINISHED_SECONDS = 1.0
"""Speech that ends this close to the end of the sound read so far may continue in the next block."""

TAIL_SECONDS = 0.5
"""Length of a silent end that is kept for the next portion, as the detector misses a voice that just begins."""


class Portion(NamedTuple):
    """Sound with no speech across its edges.

    Attributes:
        start: Start of the portion in the source, in seconds.
        samples: Mono sound at `RATE`.
        speech_regions: Regions in which somebody speaks, in seconds from the portion's start.
    """

    start: float
    samples: Samples
    speech_regions: list[SpeechRegion]


def portions(blocks: Iterable[Samples], find_speech: Callable[[Samples], list[SpeechRegion]]) -> Iterator[Portion]:
    """Divide sound between speech regions, near the ends of its blocks.

    Sound after the last region that is surely complete waits for the next block. The last block is not divided, so it
    is one portion with what waits for it: a short portion at the end would keep one processor alone busy.

    Args:
        blocks: Consecutive blocks of mono sound at `RATE`.
        find_speech: Function that returns the speech regions of some sound, in order.
    """
    begin = 0
    rest = np.zeros(0, np.float32)
    for block, last in _with_last(blocks):
        samples = np.concatenate((rest, block))
        regions = find_speech(samples)
        seam = len(samples) if last else _seam(regions, len(samples))
        if seam:
            yield Portion(begin / RATE, samples[:seam], [each for each in regions if each.end * RATE <= seam])
        begin, rest = begin + seam, samples[seam:]


def _with_last(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, bool]]:
    """Yield each block, and whether it is the last one."""
    coming = iter(blocks)
    block = next(coming, None)
    while block is not None:
        following = next(coming, None)
        yield block, following is None
        block = following


def _seam(regions: list[SpeechRegion], length: int) -> int:
    """Return the sample at which a portion of `length` samples ends; `length` if speech never pauses."""
    if not regions or regions[-1].end < length / RATE - UNFINISHED_SECONDS:
        return length - min(length, int(TAIL_SECONDS * RATE))
    before = regions[-2].end if len(regions) > 1 else 0.0
    seam = int((before + regions[-1].start) / 2 * RATE)
    return seam or length


def prefetch(found: Iterator[Portion]) -> Iterator[Portion]:
    """Yield portions while a thread prepares the next one, so decoding and speech detection overlap recognition."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, found, None)
        while (portion := coming.result()) is not None:
            coming = pool.submit(next, found, None)
            yield portion
