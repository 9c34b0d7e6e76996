"""Picks moments without a model: deterministic, explained, no network.

A moment is a run of sentences that together say more than the talk does on average. Each sentence gets an interest,
a weighted sum of its features; a window is worth the interest above the talk's middle that it gathers, how well it
starts and ends, and how much its sentences speak of one matter. The weights are few and each has its reason beside it.
"""

import math
from collections import Counter
from collections.abc import Sequence

from clipmill.analyzer.boundaries import Window
from clipmill.analyzer.features import SentenceFeatures, features_of
from clipmill.analyzer.sentences import Sentence
from clipmill.analyzer.terms import inverse_frequencies
from msgspec import Struct

INTEREST = {
    "question": 0.6,  # a question makes people wait for its answer
    "number": 0.5,  # a quantity is what people repeat
    "contrast": 0.5,  # a broken expectation is the core of a joke, a twist and an insight
    "claim": 0.5,  # all, none, best, worst: something to agree or quarrel with
    "emotion": 0.7,  # feeling is why people share
    "story": 0.5,  # somebody did something: people stay for the end
    "address": 0.2,  # you: it is about the viewer; little, since announcements say it too
    "housekeeping": -1.5,  # nobody outside the room cares
    "novelty": 0.2,  # what the rest of the talk does not say; little, since digressions are rare too
}
"""What a sentence's features are worth."""

SPREAD = 0.35
"""How much of a neighbour's interest a sentence shares: between two strong sentences stands no weak one."""

WINDOW_HOOK = 0.9
"""Viewers decide in the first three seconds."""

WINDOW_CLOSING = 0.5
"""A clip that ends on a finished thought is watched again."""

WINDOW_COHESION = 0.8
"""Sentences that share terms that are rare elsewhere make one passage."""

WINDOW_DANGLING = 1.2
"""A start that needs the sentence before is the fault that people complain about first."""

WINDOW_CUT_OFF = 0.7
"""The next sentence goes on about it: the payoff would be missing."""

WINDOW_LEFT = 0.4
"""The next sentence, or a long pause, leaves the matter: it is complete."""

WINDOW_EDGE = 0.4
"""A passage is more interesting than what stands right before and after it; a part of a passage is not."""

EDGE_SENTENCES = 2
"""How many sentences on each side of a window are compared with it."""

WINDOW_SILENCE = 1.5
"""Dead air, by its share of the window."""

LONG_PAUSE_SECONDS = 1.0


class ScoredWindow(Struct, frozen=True):
    """A window and what it is worth; only the order and the distances of values mean anything."""

    window: Window
    value: float


class LocalPicker:
    """Values the windows of one talk.

    Args:
        sentences: the talk.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._sentences = sentences
        self.features: list[SentenceFeatures] = features_of(sentences)
        own = [_interest(features) for features in self.features]
        self._own = own
        self.interest = [_spread(own, index) for index in range(len(own))]
        self._middle = sorted(self.interest)[len(self.interest) // 2] if self.interest else 0.0
        self._weights = inverse_frequencies([list(features.stems) for features in self.features])

    def valued(self, windows: Sequence[Window]) -> list[ScoredWindow]:
        """Return `windows` with their values, in the same order.

        Args:
            windows: grouped by first sentence, last sentences ascending.
        """
        scored: list[ScoredWindow] = []
        gathered = _Gathered(self._sentences, self.features, self.interest, self._weights, self._middle)
        for window in windows:
            gathered.reach(window.first, window.last)
            scored.append(ScoredWindow(window, gathered.body(window) + self._ends(window)))
        return scored

    def strongest(self, window: Window) -> int:
        """Return the index of the sentence that says best what `window` is about."""

        def worth(index: int) -> float:
            features = self.features[index]
            length = len(self._sentences[index].text)
            readable = 1.0 if length <= 100 else 100 / length
            return (self.interest[index] - 0.4 * features.dangling + 0.4 * max(features.hook, 0.0)) * readable

        return max(range(window.first, window.last + 1), key=worth)

    def reason(self, window: Window) -> str:
        """Say in a sentence what speaks for `window`."""
        inside = self.features[window.first : window.last + 1]
        names = ("question", "number", "contrast", "claim", "emotion", "story")
        sums = {name: sum(max(float(getattr(each, name)), 0.0) for each in inside) * INTEREST[name] for name in names}
        best = sorted(names, key=lambda name: (-sums[name], name))[:2]
        said = " and ".join(_REASONS[name] for name in best if sums[name] > 0)
        return f"Picked locally: {said or 'a self-contained passage'}."

    def _ends(self, window: Window) -> float:
        first, last = self.features[window.first], self.features[window.last]
        value = WINDOW_HOOK * first.hook - WINDOW_DANGLING * first.dangling + WINDOW_CLOSING * last.closing
        inside = self._own[window.first : window.last + 1]
        mean = sum(inside) / len(inside)
        for outside in (
            self._own[max(window.first - EDGE_SENTENCES, 0) : window.first],
            self._own[window.last + 1 : window.last + 1 + EDGE_SENTENCES],
        ):
            if outside:
                value += WINDOW_EDGE * min(mean - sum(outside) / len(outside), 1.0)
        if window.last + 1 < len(self.features):
            following = self.features[window.last + 1]
            pause = self._sentences[window.last + 1].start - self._sentences[window.last].end
            if following.leaves or pause >= LONG_PAUSE_SECONDS:
                value += WINDOW_LEFT
            else:
                value -= WINDOW_CUT_OFF * following.dangling
        return value


class _Gathered:
    """The sums over a window's sentences, kept while windows with the same first sentence grow."""

    def __init__(
        self,
        sentences: Sequence[Sentence],
        features: Sequence[SentenceFeatures],
        interest: Sequence[float],
        weights: dict[str, float],
        middle: float,
    ) -> None:
        self._sentences = sentences
        self._features = features
        self._interest = interest
        self._weights = weights
        self._middle = middle
        self._first = self._last = -1
        self._seen: Counter[str] = Counter()
        self._surplus = self._speech = self._shared = 0.0

    def reach(self, first: int, last: int) -> None:
        """Make the sums those of the sentences from `first` to `last`."""
        if first != self._first or last < self._last:
            self._first, self._last = first, first - 1
            self._seen = Counter()
            self._surplus = self._speech = self._shared = 0.0
        for index in range(self._last + 1, last + 1):
            seconds = self._sentences[index].seconds
            self._speech += seconds
            self._surplus += seconds * (self._interest[index] - self._middle)
            for one in sorted(self._features[index].stems):
                if self._seen[one]:
                    self._shared += self._weights[one]
                self._seen[one] += 1
        self._last = last

    def body(self, window: Window) -> float:
        """Return what the sentences are worth together.

        The surplus grows with the length and is divided by its root: a long window has to stay interesting, but
        need not be more interesting than a short one.
        """
        count = self._last - self._first + 1
        silence = 1 - min(self._speech * 1000 / window.length_ms, 1.0)
        return (
            self._surplus / math.sqrt(self._speech)
            + WINDOW_COHESION * self._shared / (count * max(self._weights.values(), default=1.0))
            - WINDOW_SILENCE * silence
        )


_REASONS = {
    "question": "it raises a question",
    "number": "it gives numbers",
    "contrast": "it turns an expectation round",
    "claim": "it makes a strong claim",
    "emotion": "it is told with feeling",
    "story": "it tells a story",
}


def _interest(features: SentenceFeatures) -> float:
    return sum(weight * float(getattr(features, name)) for name, weight in INTEREST.items())


def _spread(own: Sequence[float], index: int) -> float:
    near = [own[neighbour] for neighbour in (index - 1, index + 1) if 0 <= neighbour < len(own)]
    return own[index] + SPREAD * sum(near) / len(near) if near else own[index]
