"""Endless sound in portions: each is recognised by itself, and none cuts into a word."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.speech_regions import SpeechRegion

UNFINISHED_SECONDS = 1.0
"""Speech that ends so near to the end of what was read may go on in what comes next."""

TAIL_SECONDS = 0.5
"""What is kept of a silent end: a voice that just begins there is not noticed yet."""


class Portion(NamedTuple):
    """Sound with no speech across its edges.

    Attributes:
        start: seconds of the source.
        samples: mono sound at `RATE`.
        speech_regions: where somebody speaks, seconds from the portion's start.
    """

    start: float
    samples: Samples
    speech_regions: list[SpeechRegion]


def portions(blocks: Iterable[Samples], find_speech: Callable[[Samples], list[SpeechRegion]]) -> Iterator[Portion]:
    """Divide sound between stretches of speech, about where its blocks end.

    What comes after the last stretch that is surely complete waits for the next block.

    Args:
        blocks: one after the other, mono at `RATE`.
        find_speech: gives the stretches of speech in samples, in order.
    """
    begin = 0
    rest = np.zeros(0, np.float32)
    for block in blocks:
        samples = np.concatenate((rest, block))
        regions = find_speech(samples)
        seam = _seam(regions, len(samples))
        if seam:
            yield Portion(begin / RATE, samples[:seam], [each for each in regions if each.end * RATE <= seam])
        begin, rest = begin + seam, samples[seam:]
    if len(rest):
        yield Portion(begin / RATE, rest, find_speech(rest))


def _seam(regions: list[SpeechRegion], length: int) -> int:
    """The sample at which a portion of `length` samples ends; all of them if speech never pauses."""
    if not regions or regions[-1].end < length / RATE - UNFINISHED_SECONDS:
        return length - min(length, int(TAIL_SECONDS * RATE))
    before = regions[-2].end if len(regions) > 1 else 0.0
    seam = int((before + regions[-1].start) / 2 * RATE)
    return seam or length


def prefetch(found: Iterator[Portion]) -> Iterator[Portion]:
    """Yield portions, while a thread gets the next one ready: sound is read and searched while a model works."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, found, None)
        while (portion := coming.result()) is not None:
            coming = pool.submit(next, found, None)
            yield portion
