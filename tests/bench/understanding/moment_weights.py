"""The local picker's weights on talks that nobody looked at when the weights were chosen.

Leave-one-out: weights are drawn at random around one value and tried on all talks except those of one group. The
weights that find most there are counted on the group that was left out. The bench repeats this with all highlights of
one form left out.
"""

import math
import random
from collections.abc import Callable, Sequence

import numpy as np
from clipmill.analyzer.picking.evidence import Evidence, evidence_for
from clipmill.analyzer.picking.local_picker import WEIGHTS, LocalPicker, Weights
from clipmill.analyzer.talk.material import Material
from figures import Figure
from msgspec.structs import asdict
from talks.generation import Talk
from talks.judging import HIT_OVERLAP, material_of, overlap

WANTED_SHARE = 0.8
DRAWN = 200
NEUTRAL = 0.5
"""Value of every weight before anything is known."""

WIDEST = 4.0
"""Factor up to which drawn weights differ from NEUTRAL, evenly on a logarithmic scale."""

LATER_GROUPS = ("museum", "planners")
"""Groups that were written after the lexicon and the features."""

AVERAGED = 10
"""Number of the best drawn weights that are averaged: the best one alone is lucky."""

Overlaps = np.ndarray[tuple[int], np.dtype[np.float64]]
"""Share of each highlight that the picked clips overlap."""


class Trial:
    """Talks on which many weights are tried; everything that does not depend on weights is computed once."""

    def __init__(self, some: Sequence[Talk]) -> None:
        self._known: list[tuple[Talk, Material, Evidence]] = []
        for talk in some:
            material = material_of(talk)
            self._known.append((talk, material, evidence_for(material)))
        self.groups = np.array([talk.group for talk in some for _ in talk.planted])
        self.forms = np.array([highlight.form for talk in some for highlight in talk.planted])

    def overlaps(self, weights: Weights) -> Overlaps:
        """Return how much of each highlight the clips overlap that `weights` pick."""
        found: list[float] = []
        for talk, material, evidence in self._known:
            picker = LocalPicker(evidence, weights)
            values = picker.valued(material.windows)
            windows = [material.windows[index] for index in picker.best(material.windows, values, len(talk.planted))]
            clips = [(window.start_ms / 1000, window.end_ms / 1000) for window in windows]
            found += [overlap(clips, highlight) for highlight in talk.planted]
        return np.array(found)


def measure(some: Sequence[Talk]) -> list[Figure]:
    """Return the hit rates on the left-out talks, and those of the shipped weights."""
    trial = Trial(some)
    drawn = drawn_weights(DRAWN)
    found = np.array([trial.overlaps(weights) for weights in drawn])
    every = (found >= HIT_OVERLAP).mean(axis=1)
    shipped = trial.overlaps(WEIGHTS) >= HIT_OVERLAP
    by_group = {group: float(shipped[trial.groups == group].mean()) for group in sorted(set(trial.groups))}
    worst = min(by_group, key=lambda group: (by_group[group], group))
    return [
        _left_out("group", trial, drawn, found, trial.groups),
        _left_out("form", trial, drawn, found, trial.forms),
        Figure(
            f"generated talks: {DRAWN} weights drawn at random, mean (worst, best)",
            f"{every.mean():.2f} ({every.min():.2f}, {every.max():.2f})",
        ),
        Figure(
            f"generated talks: ours on the groups written after lexicon and features ({', '.join(LATER_GROUPS)})",
            f"{shipped[np.isin(trial.groups, LATER_GROUPS)].mean():.2f}",
        ),
        Figure("generated talks: the group in which ours finds least", f"{worst}, {by_group[worst]:.2f}"),
    ]


def _left_out(what: str, trial: Trial, drawn: Sequence[Weights], found: np.ndarray, labels: np.ndarray) -> Figure:
    right = 0
    for label in sorted(set(labels)):
        chosen = best_average(drawn, found[:, labels != label])
        right += int((trial.overlaps(chosen) >= HIT_OVERLAP)[labels == label].sum())
    share = right / len(labels)
    count = len(set(labels))
    return Figure(
        f"generated talks: weights chosen without the {what} that they are tried on ({count} {what}s)",
        f"{share:.2f}",
        f"≥ {WANTED_SHARE}",
        share >= WANTED_SHARE,
    )


def drawn_weights(count: int) -> list[Weights]:
    """Return weights drawn at random from a fixed seed."""
    chance = random.Random(1)
    span = math.log(WIDEST)
    names = sorted(asdict(WEIGHTS))
    return [Weights(**{name: NEUTRAL * math.exp(chance.uniform(-span, span)) for name in names}) for _ in range(count)]


def best_average(drawn: Sequence[Weights], found: np.ndarray) -> Weights:
    """Return the geometric mean of the drawn weights that find most; equal ones are ranked by overlap."""
    hits = (found >= HIT_OVERLAP).mean(axis=1)
    order = np.lexsort((-found.mean(axis=1), -hits))[:AVERAGED]
    best = [asdict(drawn[index]) for index in order]
    mean: Callable[[str], float] = lambda name: float(np.exp(np.mean([math.log(each[name]) for each in best])))  # noqa: E731
    return Weights(**{name: mean(name) for name in best[0]})
