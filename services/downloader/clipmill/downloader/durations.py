"""Durations as a sentence compares them: with as many decimals as it takes to show that they differ."""

from decimal import Decimal

MOST_DECIMALS = 18
"""More decimals than any two different floats need above a thousandth of a second."""


def rounded_apart(first: float, second: float, decimals: int = 0) -> tuple[Decimal, Decimal]:
    """Return two durations, rounded to as few decimals as keep different ones different.

    Args:
        first: A duration, in seconds.
        second: Another duration, in seconds.
        decimals: Fewest decimals to round to.
    """
    rounded = Decimal(first), Decimal(second)
    for places in range(decimals, MOST_DECIMALS):
        rounded = _rounded(first, places), _rounded(second, places)
        if rounded[0] != rounded[1]:
            break
    return rounded


def plain(seconds: Decimal) -> str:
    """Return a duration as a number without trailing zeros."""
    text = f"{seconds:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def clock(seconds: Decimal) -> str:
    """Return a duration as hours, minutes and seconds, `4:00:00`."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    whole, point, fraction = plain(rest).partition(".")
    return f"{hours:.0f}:{minutes:02.0f}:{whole:0>2}{point}{fraction}"


def _rounded(seconds: float, decimals: int) -> Decimal:
    return round(Decimal(seconds), decimals)
