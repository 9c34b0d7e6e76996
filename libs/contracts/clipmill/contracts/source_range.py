"""The part of a source that a job uses: all of it, or from the option `start` to the option `end`."""

import math

from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import RANGE_FLOOR, JobOptions
from msgspec import Struct

END_SLACK = 1.0
"""Seconds by which `end` may exceed the length of the source, because players and sites show rounded lengths."""

EXACT_DIGITS = 3
"""Decimals of a millisecond that count; beyond them, sums and products of floats are not exact."""


class SourceRange(Struct, frozen=True):
    """A part of a source, in seconds from its first picture.

    Attributes:
        start: Start of the part.
        end: End of the part, no later than that of the source.
    """

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length, in seconds."""
        return self.end - self.start

    @property
    def start_ms(self) -> int:
        """First whole millisecond of the part."""
        return math.ceil(round(self.start * 1000, EXACT_DIGITS))

    @property
    def end_ms(self) -> int:
        """Last whole millisecond of the part."""
        return int(round(self.end * 1000, EXACT_DIGITS))


def used_range(options: JobOptions, duration: float) -> SourceRange:
    """Return the part of a source that a job with `options` uses.

    Args:
        options: Options of the job.
        duration: Length of the source, in seconds.

    Raises:
        Permanent: with `bad_range` if the wanted part is not inside the source, or is shorter than `RANGE_FLOOR` there.
    """
    if options.start is None and options.end is None:
        return SourceRange(0.0, duration)
    start = max(options.start or 0.0, 0.0)
    wanted_end = duration if options.end is None else options.end
    end = min(wanted_end, duration)
    ends = f"The video ends after {_tenths(duration)} s"
    if start >= duration:
        raise Permanent(
            ErrorCode.BAD_RANGE,
            f"{ends}, before the chosen start of {plain_seconds(start)} s; choose an earlier start.",
        )
    if wanted_end > duration + END_SLACK:
        sentence = f"{ends}, before the chosen end of {plain_seconds(wanted_end)} s; choose an earlier end, or none."
        raise Permanent(ErrorCode.BAD_RANGE, sentence)
    if round((end - start) * 1000, EXACT_DIGITS) < RANGE_FLOOR * 1000:
        sentence = (
            f"{ends}, so the chosen part from {plain_seconds(start)} s has only {_tenths(max(end - start, 0.0))} s; "
            f"choose a part of at least {RANGE_FLOOR:g} s."
        )
        raise Permanent(ErrorCode.BAD_RANGE, sentence)
    return SourceRange(start, end)


def plain_seconds(seconds: float) -> str:
    """Return seconds to the millisecond for a sentence, without an exponent: 1234567.25, or 30."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def _tenths(seconds: float) -> str:
    """Return seconds with one decimal, rounded down so that the number can be given as an `end`."""
    return f"{math.floor(seconds * 10) / 10:.1f}"
