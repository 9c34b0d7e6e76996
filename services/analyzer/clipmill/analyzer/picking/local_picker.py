"""Picks moments without a model or a network, and explains its choice. Equal talks give equal moments.

A moment is a run of sentences that together say more than the talk does on average. Each sentence has an interest, a
weighted sum of its features. The value of a window adds up the interest of its sentences above the median of the talk,
the quality of its start and its end, and the degree to which its sentences share one subject. There are few weights,
each with its reason. `tests/bench/understanding/moments.py` measures them on talks that did not influence them.
"""

import math
from collections import Counter
from collections.abc import Sequence

from clipmill.analyzer.picking.evidence import Evidence
from clipmill.analyzer.picking.features import SentenceFeatures
from clipmill.analyzer.picking.repeats import Repeats
from clipmill.analyzer.picking.selection import Candidates, ranked
from clipmill.analyzer.picking.surroundings import surroundings
from clipmill.analyzer.talk.sound.delivery import Sounding
from clipmill.analyzer.talk.windows import Window
from msgspec import Struct

SUBSTANCE = ("question", "number", "contrast", "claim", "emotion", "story")
"""Features that make a sentence worth hearing. All have one weight, because unit weights serve unseen cases as well as
fitted ones (Dawes 1979, "The robust beauty of improper linear models in decision making")."""

SPREAD = 0.35
"""Share of its neighbours' interest that a sentence gains: a sentence between two strong ones is not weak."""

EDGE_SENTENCES = 2
"""Number of sentences on each side of a window that are compared with it."""

USUAL_SECONDS = 20.0
"""Speech in a passage of ordinary length, in seconds."""

SURPLUS = 4.5
"""Weight of the mean interest of such a passage against its start and end: a passage has about as many sentences as it
has criteria for its start, its end and its boundaries."""

GROWTH = 0.3
"""Exponent with which the interest of a window grows with its length. A long passage is worth more than a part of it.
But two passages in one window, with twice the length, are worth only 1.23 times as much as one: less than two windows,
and less than the better passage alone if the two differ much."""

CLEAR_BOUNDARY = 0.5
"""Strength from which a boundary ends the subject, so a question before it needs no answer."""

PAYOFF_CLOSING = 0.5
"""Least closing quality of a payoff: more than a statement gets for being short."""

PAYOFF_HOUSEKEEPING = 0.3
"""Housekeeping up to which a sentence is not about the event itself."""

LEAVING_HOUSEKEEPING = 0.5
"""Housekeeping from which a sentence is about the event itself, so the subject before it is over."""

SHORT_SECONDS = 21.0
"""Speech of a window up to which reactions per second gain nothing from a shorter one: the words before a reaction are
needed to understand it. Without this, clips of conversations would be 20 s long on average."""

REACTIONS_GROWTH = 0.2
"""Exponent with which the reactions per second of a longer window are worth more the longer they last. With 0.3 clips
are two to four seconds longer, and have a tenth fewer reactions per second."""


STRANGERS_A_MINUTE = 0.7
"""Reactions a minute that are added to those of a window and of the talk before they are compared. So one laugh in an
hour is no marvel, and a window with two of them is worth more than one with one."""

MOST_DOUBLINGS = 3.0
"""Doublings of the reactions from which more count no further."""

LONE_SHARE = 0.07
"""Share of their weight that heard reactions and replays have where the learned reactions are unknown: the values of
windows then have a standard deviation of 4.6 instead of 52 (talks) or 77 (conversations)."""


class Weights(Struct, frozen=True, kw_only=True):
    """The weights of the evidence.

    Attributes:
        substance: Weight of each question, number, contrast, claim, emotion and story.
        address: Weight of words to the viewer; small, because announcements use them too.
        housekeeping: Weight against words about the event, which nobody elsewhere cares for.
        novelty: Weight of subjects that are rare in the talk; small, because digressions are rare too.
        delivery: Weight of a raised voice and a fast pace, which show that a speaker is moved (Scherer 2003, "Vocal
            communication of emotion"); small, because speakers also raise their voice for the last row.
        hook: Weight of the first sentence, because viewers decide in the first three seconds.
        closing: Weight of the last sentence, because a clip that ends with a finished thought is watched again.
        cohesion: Weight of terms that the sentences share and others lack, because these make one passage.
        dangling: Weight against a start that needs the sentence before, the first fault that viewers complain about.
        dangling_known: Further weight against it where reactions are known or heard, because their differences are
            far larger than those of everything else. Without it, a third of the clips of real talks begin so, and a
            fifth with it. With 20.0 a tenth do, but reactions per second fall by a twentieth.
        cut_off: Weight against an end whose subject goes on in the next sentence, because the payoff is missing.
        boundary: Weight of the boundaries at both ends, because passages change with topic, picture or breath.
        straddle: Weight against a strong boundary inside, because such a clip has two topics.
        edge: Weight of interest above that of the neighbours, because a part of a passage is no better than the rest.
        silence: Weight against dead air, by its share of the window.
        audience: Weight of each doubling of the learned reactions above those of the talk. It outweighs everything
            else, as it is learned from audiences, while the rest is our idea of a highlight and decides where the model
            does not know, or expects no more reactions than in the talk as a whole.
        reactions: Weight of each doubling of the reactions that are heard above those of the talk: half as much again
            as of the learned ones, because these have happened. More is no better on transcripts of real talks.
        interrupted: Weight against a start at which people still react to the sentence before.
        replays: Weight of the most replayed part of the video: as much as of a doubling of its reactions.
        chapters: Weight of a start that opens a chapter, and against the start of another one inside.
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
    dangling_known: float = 8.0
    cut_off: float = 0.6
    boundary: float = 0.8
    straddle: float = 1.0
    edge: float = 0.8
    silence: float = 1.0
    audience: float = 120.0
    reactions: float = 180.0
    interrupted: float = 8.0
    replays: float = 120.0
    chapters: float = 0.8


WEIGHTS = Weights()


class LocalPicker:
    """Values the windows of one talk.

    Args:
        evidence: Evidence about the talk.
        weights: Weights of the evidence.
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
        speech = sum(sentence.seconds for sentence in evidence.sentences)
        self._talk_chance = sum(evidence.chances) / speech if speech else 0.0
        self._scale = 1.0 if self._talk_chance else LONE_SHARE
        self._heard_a_minute = (
            60 * (sum(evidence.heard.prompt) + sum(evidence.heard.late)) / speech if evidence.heard else 0.0
        )
        self._strengths = [boundary.strength for boundary in evidence.boundaries]

    @property
    def _known(self) -> bool:
        """True if reactions are known, learned or heard."""
        return self._talk_chance > 0 or self.evidence.heard is not None

    @property
    def weights(self) -> Weights:
        """Weights of the evidence."""
        return self._weights

    def valued(self, windows: Sequence[Window]) -> list[float]:
        """Return the value of each of `windows`, of which only order and distances have a meaning.

        Args:
            windows: Windows grouped by first sentence, with last sentences ascending.
        """
        gathered = _Gathered(self.evidence, self.interest, self._middle, self._strengths)
        values: list[float] = []
        for window in windows:
            gathered.reach(window.first, window.last)
            values.append(self._body(gathered, window) + self._ends(window))
        return values

    def best(self, windows: Sequence[Window], values: Sequence[float], most: int) -> list[int]:
        """Return the indices of the first `most` windows of the ranked list that `ranked` returns."""
        return self.ranked(windows, values)[:most]

    def ranked(self, windows: Sequence[Window], values: Sequence[float], taken: Sequence[Window] = ()) -> list[int]:
        """Return the indices of the moments among `windows`, the best first, without overlap and without repetition.

        A chosen window that stops just before its payoff is replaced by the one that includes it. Often a cut or a
        call-back to the beginning has separated the two.

        Args:
            windows: Windows of the talk.
            values: Value of each window.
            taken: Windows that are moments already; the result neither overlaps nor repeats them.
        """
        places = {(window.first, window.last): index for index, window in enumerate(windows)}

        def longer(index: int) -> int | None:
            window = windows[index]
            found = places.get((window.first, window.last + 1))
            return found if found is not None and self._pays_off(window.last + 1) else None

        candidates = Candidates(
            windows=windows,
            values=values,
            complete=[self.complete(window) for window in windows],
            longest_ms=max((window.length_ms for window in windows), default=1),
            repeats=Repeats(self.evidence.sentences),
            longer=longer,
            surroundings=lambda index: surroundings(self.evidence, windows[index]),
        )
        return ranked(candidates, taken)

    def _pays_off(self, index: int) -> bool:
        """Return whether a sentence is the last one about its subject, and good enough to end a clip."""
        features = self.evidence.features
        mine = features[index]
        closes = mine.closing >= PAYOFF_CLOSING and mine.housekeeping < PAYOFF_HOUSEKEEPING and mine.question <= 0
        if not closes:
            return False
        leaves = index + 1 < len(features) and features[index + 1].housekeeping >= LEAVING_HOUSEKEEPING
        return leaves or self._strengths[index + 1] > self._strengths[index]

    def complete(self, window: Window) -> bool:
        """Return whether `window` has whole sentences only and does not end with a question without its answer."""
        features = self.evidence.features
        if features[window.last].unfinished or (window.first and features[window.first - 1].unfinished):
            return False
        return features[window.last].question <= 0 or self._strengths[window.last + 1] >= CLEAR_BOUNDARY

    def strongest(self, window: Window) -> int:
        """Return the index of the sentence that best states the subject of `window`."""

        def worth(index: int) -> float:
            features = self.evidence.features[index]
            length = len(self.evidence.sentences[index].text)
            readable = 1.0 if length <= 100 else 100 / length
            return (self.interest[index] - 0.4 * features.dangling + 0.4 * max(features.hook, 0.0)) * readable

        return max(range(window.first, window.last + 1), key=worth)

    def _body(self, gathered: "_Gathered", window: Window) -> float:
        """Return the value of the sentences together."""
        weights = self._weights
        silence = 1 - min(gathered.speech * 1000 / window.length_ms, 1.0)
        surplus = gathered.surplus / gathered.speech * math.pow(gathered.speech / USUAL_SECONDS, GROWTH)
        return (
            SURPLUS * surplus
            + weights.audience * self._expected(gathered)
            + weights.cohesion * gathered.cohesion
            - weights.straddle * gathered.straddled
            - weights.silence * silence
            + weights.reactions * self._reactions(gathered)
            + self._marked(window)
        )

    def _marked(self, window: Window) -> float:
        """Return the value of what the site of a video shows about a window."""
        replays, chapters, weights = self.evidence.replays, self.evidence.chapters, self._weights
        value = 0.0
        if replays is not None:
            value += weights.replays * self._scale * replays.excess(window)
        if chapters is not None:
            value += weights.chapters * chapters.favour(window)
        return value

    def _reactions(self, gathered: "_Gathered") -> float:
        """Return by how many doublings the reactions that are heard exceed those of the talk, from 0 to a limit."""
        if not self._heard_a_minute:
            return 0.0
        seconds = max(gathered.speech, SHORT_SECONDS)
        rate = 60 * gathered.heard / seconds * math.pow(seconds / USUAL_SECONDS, REACTIONS_GROWTH)
        doublings = math.log2((rate + STRANGERS_A_MINUTE) / (self._heard_a_minute + STRANGERS_A_MINUTE))
        return self._scale * min(max(doublings, 0.0), MOST_DOUBLINGS)

    def _expected(self, gathered: "_Gathered") -> float:
        """Return by how many doublings the learned reactions of a window exceed those of the talk, 0 if they do not."""
        if not self._talk_chance:
            return 0.0
        seconds = max(gathered.speech, SHORT_SECONDS)
        rate = gathered.chances / seconds / self._talk_chance
        lasting = rate * math.pow(seconds / USUAL_SECONDS, REACTIONS_GROWTH)
        return math.log2(max(lasting, 1.0))

    def _ends(self, window: Window) -> float:
        weights, features = self._weights, self.evidence.features
        first, last = features[window.first], features[window.last]
        value = weights.hook * first.hook - self._leaning(first) + weights.closing * last.closing
        value += weights.boundary * (self._strengths[window.first] + self._strengths[window.last + 1])
        value -= weights.cut_off * self.evidence.boundaries[window.last + 1].holds
        if self.evidence.heard is not None:
            value -= weights.interrupted * self.evidence.heard.interrupted[window.first]
        inside = self._own[window.first : window.last + 1]
        mean = sum(inside) / len(inside)
        for outside in (
            self._own[max(window.first - EDGE_SENTENCES, 0) : window.first],
            self._own[window.last + 1 : window.last + 1 + EDGE_SENTENCES],
        ):
            if outside:
                value += weights.edge * min(mean - sum(outside) / len(outside), 1.0)
        return value

    def _leaning(self, first: SentenceFeatures) -> float:
        """Return the loss of a window whose first sentence needs the one before."""
        weights = self._weights
        return (weights.dangling + weights.dangling_known * self._known) * first.dangling


class _Gathered:
    """The sums over the sentences of a window, extended while windows with one first sentence grow."""

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
        self.surplus = self.speech = self.straddled = self.chances = self.heard = 0.0

    def reach(self, first: int, last: int) -> None:
        """Set the sums to those of the sentences from `first` to `last`."""
        if first != self._first or last < self._last:
            self._first, self._last = first, first - 1
            self._seen = Counter()
            self._shared = 0.0
            self.surplus = self.speech = self.straddled = self.chances = self.heard = 0.0
        heard = self._evidence.heard
        for index in range(self._last + 1, last + 1):
            seconds = self._evidence.sentences[index].seconds
            self.speech += seconds
            self.surplus += seconds * (self._interest[index] - self._middle)
            if self._evidence.chances:
                self.chances += self._evidence.chances[index]
            if heard is not None:
                self.heard += heard.prompt[index] + (heard.late[index] if index > first else 0.0)
            if index > first:
                self.straddled = max(self.straddled, self._strengths[index])
            for one in self._evidence.features[index].stems:
                if self._seen[one]:
                    self._shared += self._evidence.weights[one]
                self._seen[one] += 1
        self._last = last

    @property
    def cohesion(self) -> float:
        """Share of a sentence's subject that earlier sentences of the window have named, 0 to about 1."""
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
