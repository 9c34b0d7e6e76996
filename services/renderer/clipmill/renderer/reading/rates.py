"""The constant frame rate of a clip, chosen from the rates that its source states."""

from fractions import Fraction

HIGHEST_RATE = 60
"""Frames per second that every platform plays."""

LOWEST_RATE = 20
"""Frames per second below which frames are repeated, because captions and camera move between them."""

HIGHEST_SOURCE_RATE = 480
"""Frames per second of the fastest cameras whose films people cut. A container's larger rate is the step of its clock
(1,000 in Matroska, 90,000 in MPEG) and says nothing of the pictures."""

LEAST_EVEN_RATE = 36
"""Frames per second down to which a rate above the highest is halved. Showing every second picture looks smoother than
leaving out some (75 becomes 37.5, 144 becomes 36), but hardly if the half is near 30 (61 and 70 become 60)."""

USUAL_RATES = (
    Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(48), Fraction(50),
    Fraction(60000, 1001), Fraction(60),
)  # fmt: skip
"""Frame rates of cameras and platforms."""

RATE_TOLERANCE = 0.003
"""Relative distance from a usual rate that counts as rounding; the nearest rate is taken (24 and 23.976)."""


def output_rate(
    average: Fraction | None, base: Fraction | None, *, interlaced: bool = False, counted: float = 0.0
) -> Fraction:
    """Return the constant frame rate to render at.

    Interlaced video keeps its frame rate: 25 frames of two fields become 25 pictures, as YouTube recommends ("1080i60
    content should be deinterlaced to 1080p30").

    Args:
        average: Frames divided by duration, as the container states it.
        base: Lowest rate at which all time stamps fall on frames; for a variable rate, the finest step that the source
            takes (or nonsense, such as 90,000).
        interlaced: True if frames have two fields; `base` may be the rate of fields.
        counted: Frames per second by their times, for a container that states nothing usable; 0 if not counted.
    """
    average, base = plausible(average), plausible(base)
    if average is None and base is None:
        average = plausible(Fraction(counted).limit_denominator(1001))
    if interlaced and average and base and abs(base / average - 2) < RATE_TOLERANCE:
        base = average
    rate = next((rate for rate in (base, average) if rate and rate <= HIGHEST_RATE), None) or average or base
    if not rate:
        return Fraction(25)
    usual = _usual(rate)
    if average and rate > average * 4:  # slides and screens: few pictures, at times of a finer grid, or nonsense
        rate = (usual / 2 if usual / 2 >= LOWEST_RATE else usual) if usual else average
        usual = _usual(rate)
    if usual:
        return usual
    while rate > HIGHEST_RATE:
        rate = rate / 2 if rate / 2 >= LEAST_EVEN_RATE else Fraction(HIGHEST_RATE)
    while rate < LOWEST_RATE:
        rate *= 2
    return rate.limit_denominator(1001)


def plausible(rate: Fraction | None) -> Fraction | None:
    """Return a container's rate, None if it cannot be the rate of pictures."""
    return rate if rate and 0 < rate <= HIGHEST_SOURCE_RATE else None


def _usual(rate: Fraction) -> Fraction | None:
    nearest = min(USUAL_RATES, key=lambda usual: abs(usual - rate))
    return nearest if abs(nearest - rate) <= RATE_TOLERANCE * nearest else None
