"""The parts of a local score, in points: which evidence speaks for a moment, and how much."""

from collections.abc import Mapping, Sequence

from clipmill.analyzer.picking.local_picker import LocalPicker
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import ScorePart
from msgspec.structs import asdict, replace

BASE = "base"
"""Part that an ordinary window of the source has too, and what rounding leaves over."""

_NAMES = {
    "substance": "interest",
    "address": "interest",
    "housekeeping": "interest",
    "novelty": "interest",
    "hook": "start",
    "dangling": "start",
    "dangling_known": "start",
    "interrupted": "start",
    "closing": "ending",
    "cut_off": "ending",
    "straddle": "boundary",
    "edge": "boundary",
}
"""Part to which a weight belongs, for weights that share one; any other weight gives its name to a part."""


def contributions(picker: LocalPicker, windows: Sequence[Window]) -> list[dict[str, float]]:
    """Return what each kind of evidence adds to the value of each of `windows`, by the name of its part.

    One kind after the other is left out, in the order of the weights; what the value loses with it is its contribution.
    So the contributions add up to the value, although some kinds of evidence act together.

    Args:
        picker: Picker that values the windows.
        windows: Windows of its talk.
    """
    weights = picker.weights
    values = picker.valued(windows)
    added: list[dict[str, float]] = [{} for _ in windows]
    for part in dict.fromkeys(_NAMES.get(weight, weight) for weight in asdict(weights)):
        weights = replace(weights, **{weight: 0.0 for weight in asdict(weights) if _NAMES.get(weight, weight) == part})
        rest = LocalPicker(picker.evidence, weights).valued(windows)
        for each, before, after in zip(added, values, rest, strict=True):
            each[part] = before - after
        values = rest
    return added


def score_parts(score: int, points: Mapping[str, float]) -> tuple[ScorePart, ...]:
    """Return the parts of `score`: the base first, then whole points of each kind of evidence, the most first.

    Args:
        score: Score that the parts sum to.
        points: Points of each kind of evidence, by its name; the base is the rest.
    """
    whole = {name: round(value) for name, value in points.items()}
    order = sorted((name for name in whole if whole[name]), key=lambda name: (-abs(whole[name]), name))
    parts = [ScorePart(name=name, points=whole[name]) for name in order]
    return (ScorePart(name=BASE, points=score - sum(whole.values())), *parts)
