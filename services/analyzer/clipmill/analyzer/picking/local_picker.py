"""Picks moments without a model: deterministic, explained, no network.

A moment is a run of sentences that together say more than the talk does on average. Each sentence gets an interest,
a weighted sum of its features; a window is worth the interest above the talk's middle that it gathers, how well it
starts and ends, and how much its sentences speak of one matter. The weights are few and each has its reason beside it;
`tests/bench/understanding/moments.py` tells how well they serve talks that nobody looked at when they were chosen.
"""

import math
from collections import Counter
from collections.abc import Sequence

from clipmill.analyzer.picking.evidence import Evidence
from clipmill.analyzer.picking.features import SentenceFeatures
from clipmill.analyzer.picking.scheduling import best_set
from clipmill.analyzer.talk.sound_features import Sounding
from clipmill.analyzer.talk.windows import Window
from msgspec import Struct

SUBSTANCE = ("question", "number", "contrast", "claim", "emotion", "story")
"""What a sentence can be worth hearing for. All count the same: unit weights serve unseen cases as well as fitted ones
(Dawes 1979, "The robust beauty of improper linear models in decision making")."""

SPREAD = 0.35
"""How much of a neighbour's interest a sentence shares: between two strong sentences stands no weak one."""

EDGE_SENTENCES = 2
"""How many sentences on each side of a window are compared with it."""

USUAL_SECONDS = 20.0
"""Speech of a passage of ordinary length."""

SURPLUS = 4.5
"""What the mean interest of such a passage counts against how it starts and ends: a passage has about as many sentences
as it has starts and ends and boundaries to be judged by."""

GROWTH = 0.3
"""The power of its length with which a window's interest grows: a long passage is worth more than a part of it, but two
passages together, with twice the length, only 1.23 times as much as one: less than the two apart, and less than the
better one if they are unlike."""

CLEAR_BOUNDARY = 0.5
"""From this strength on, a boundary ends the matter: a question before it stands for itself."""

PAYOFF_CLOSING = 0.5
"""How well a sentence must close to be taken for the payoff: better than any statement does by being short."""

PAYOFF_HOUSEKEEPING = 0.3
"""Up to this, a sentence is not about the event itself."""

LEAVING_HOUSEKEEPING = 0.5
"""From this on, a sentence is: the matter before it is over."""


class Weights(Struct, frozen=True, kw_only=True):
    """What the evidence is worth.

    Attributes:
        substance: of a question, number, contrast, claim, emotion or story each.
        address: you: it is about the viewer; little, since announcements say it too.
        housekeeping: nobody outside the room cares.
        novelty: what the rest of the talk does not say; little, since digressions are rare too.
        delivery: people raise their voice and speed up for what moves them (Scherer 2003, "Vocal communication of
            emotion"); little, since they also do to be heard in the last row.
        hook: viewers decide in the first three seconds.
        closing: a clip that ends on a finished thought is watched again.
        cohesion: sentences that share terms that are rare elsewhere make one passage.
        dangling: a start that needs the sentence before is the fault that people complain about first.
        cut_off: the next sentence goes on about it: the payoff would be missing.
        boundary: a passage begins and ends where the topic, the picture or the speaker's breath does.
        straddle: a clip across such a place has two topics.
        edge: a passage is more interesting than what stands right before and after it; a part of a passage is not.
        silence: dead air, by its share of the window.
    """

    substance: float = 0.7
    address: float = 0.2
    housekeeping: float = 1.0
    novelty: float = 0.2
    delivery: float = 0.2
    hook: float = 0.6
    closing: float = 0.5
    cohesion: float = 0.8
    dangling: float = 1.2
    cut_off: float = 0.6
    boundary: float = 0.8
    straddle: float = 1.0
    edge: float = 0.8
    silence: float = 1.0


WEIGHTS = Weights()


class LocalPicker:
    """Values the windows of one talk.

    Args:
        evidence: what is known about the talk.
        weights: what it is worth.
    """

    def __init__(self, evidence: Evidence, weights: Weights = WEIGHTS) -> None:
        self.evidence = evidence
        self._weights = weights
        self._own = [
            _interest(features, sounding, weights)
            for features, sounding in zip(evidence.features, evidence.soundings, strict=True)
        ]
        self.interest = [_spread(self._own, index) for index in range(len(self._own))]
        self._middle = sorted(self.interest)[len(self.interest) // 2] if self.interest else 0.0
        self._strengths = [boundary.strength for boundary in evidence.boundaries]

    def valued(self, windows: Sequence[Window]) -> list[float]:
        """Return what each of `windows` is worth; only the order and the distances mean anything.

        Args:
            windows: grouped by first sentence, last sentences ascending.
        """
        gathered = _Gathered(self.evidence, self.interest, self._middle, self._strengths)
        values: list[float] = []
        for window in windows:
            gathered.reach(window.first, window.last)
            values.append(self._body(gathered, window) + self._ends(window))
        return values

    def best(self, windows: Sequence[Window], values: Sequence[float], most: int) -> list[int]:
        """Return the indices of the best set of `windows`: of complete ones, if they are as many as any could be.

        Where a chosen window stops right before its payoff, the one that has it as well is taken instead: often a cut
        or a call-back to the beginning parts the two.
        """
        chosen = self._best(windows, values, most)
        places = {(window.first, window.last): index for index, window in enumerate(windows)}
        for number, index in enumerate(chosen):
            window = windows[index]
            longer = places.get((window.first, window.last + 1))
            if longer is not None and self._pays_off(window.last + 1) and self.complete(windows[longer]):
                end = windows[longer].end_ms
                others = (windows[other] for other in chosen if other != index)
                if not any(window.start_ms < other.end_ms and other.start_ms < end for other in others):
                    chosen[number] = longer
        return chosen

    def _pays_off(self, index: int) -> bool:
        """Tell whether a sentence is the last of its matter, and worth being a clip's last."""
        features = self.evidence.features
        mine = features[index]
        closes = mine.closing >= PAYOFF_CLOSING and mine.housekeeping < PAYOFF_HOUSEKEEPING and mine.question <= 0
        if not closes:
            return False
        leaves = index + 1 < len(features) and features[index + 1].housekeeping >= LEAVING_HOUSEKEEPING
        return leaves or self._strengths[index + 1] > self._strengths[index]

    def _best(self, windows: Sequence[Window], values: Sequence[float], most: int) -> list[int]:
        complete = [index for index, window in enumerate(windows) if self.complete(window)]
        chosen = best_set([windows[index] for index in complete], [values[index] for index in complete], most)
        if len(chosen) == most:
            return [complete[place] for place in chosen]
        of_all = best_set(windows, values, most)
        return [complete[place] for place in chosen] if len(chosen) == len(of_all) else of_all

    def complete(self, window: Window) -> bool:
        """Tell whether `window` neither begins nor ends in mid-sentence, nor with a question that goes unanswered."""
        features = self.evidence.features
        if features[window.last].unfinished or (window.first and features[window.first - 1].unfinished):
            return False
        return features[window.last].question <= 0 or self._strengths[window.last + 1] >= CLEAR_BOUNDARY

    def strongest(self, window: Window) -> int:
        """Return the index of the sentence that says best what `window` is about."""

        def worth(index: int) -> float:
            features = self.evidence.features[index]
            length = len(self.evidence.sentences[index].text)
            readable = 1.0 if length <= 100 else 100 / length
            return (self.interest[index] - 0.4 * features.dangling + 0.4 * max(features.hook, 0.0)) * readable

        return max(range(window.first, window.last + 1), key=worth)

    def _body(self, gathered: "_Gathered", window: Window) -> float:
        """Return what the sentences are worth together."""
        weights = self._weights
        silence = 1 - min(gathered.speech * 1000 / window.length_ms, 1.0)
        surplus = gathered.surplus / gathered.speech * math.pow(gathered.speech / USUAL_SECONDS, GROWTH)
        return (
            SURPLUS * surplus
            + weights.cohesion * gathered.cohesion
            - weights.straddle * gathered.straddled
            - weights.silence * silence
        )

    def _ends(self, window: Window) -> float:
        weights, features = self._weights, self.evidence.features
        first, last = features[window.first], features[window.last]
        value = weights.hook * first.hook - weights.dangling * first.dangling + weights.closing * last.closing
        value += weights.boundary * (self._strengths[window.first] + self._strengths[window.last + 1])
        value -= weights.cut_off * self.evidence.boundaries[window.last + 1].holds
        inside = self._own[window.first : window.last + 1]
        mean = sum(inside) / len(inside)
        for outside in (
            self._own[max(window.first - EDGE_SENTENCES, 0) : window.first],
            self._own[window.last + 1 : window.last + 1 + EDGE_SENTENCES],
        ):
            if outside:
                value += weights.edge * min(mean - sum(outside) / len(outside), 1.0)
        return value


class _Gathered:
    """The sums over a window's sentences, kept while windows with the same first sentence grow."""

    def __init__(
        self, evidence: Evidence, interest: Sequence[float], middle: float, strengths: Sequence[float]
    ) -> None:
        self._evidence = evidence
        self._interest = interest
        self._middle = middle
        self._strengths = strengths
        self._highest = max(evidence.weights.values(), default=1.0)
        self._first = self._last = -1
        self._seen: Counter[str] = Counter()
        self._shared = 0.0
        self.surplus = self.speech = self.straddled = 0.0

    def reach(self, first: int, last: int) -> None:
        """Make the sums those of the sentences from `first` to `last`."""
        if first != self._first or last < self._last:
            self._first, self._last = first, first - 1
            self._seen = Counter()
            self._shared = 0.0
            self.surplus = self.speech = self.straddled = 0.0
        for index in range(self._last + 1, last + 1):
            seconds = self._evidence.sentences[index].seconds
            self.speech += seconds
            self.surplus += seconds * (self._interest[index] - self._middle)
            if index > first:
                self.straddled = max(self.straddled, self._strengths[index])
            for one in self._evidence.features[index].stems:
                if self._seen[one]:
                    self._shared += self._evidence.weights[one]
                self._seen[one] += 1
        self._last = last

    @property
    def cohesion(self) -> float:
        """How much of what a sentence is about has been said in the window before it, 0 to about 1."""
        return self._shared / ((self._last - self._first + 1) * self._highest)


def _interest(features: SentenceFeatures, sounding: Sounding, weights: Weights) -> float:
    return (
        weights.substance * sum(float(getattr(features, name)) for name in SUBSTANCE)
        + weights.address * features.address
        - weights.housekeeping * features.housekeeping
        + weights.novelty * features.novelty
        + weights.delivery * (sounding.energy + sounding.pace / 2)
    )


def _spread(own: Sequence[float], index: int) -> float:
    near = [own[neighbour] for neighbour in (index - 1, index + 1) if 0 <= neighbour < len(own)]
    return own[index] + SPREAD * sum(near) / len(near) if near else own[index]
