"""The reason why a clip was picked: a sentence that names the evidence."""

from collections.abc import Sequence

from clipmill.analyzer.picking.evidence import Evidence
from clipmill.analyzer.picking.local_picker import CLEAR_BOUNDARY, SUBSTANCE
from clipmill.analyzer.talk.windows import Window

MOST_SAID = 4
"""Largest number of reasons: people do not read more."""

AUDIBLE = 0.25
"""Share of a clear rise in loudness or pace from which it is named."""

STORY_SIGNS = 2.0
"""Sum of the signs of a story from which a clip is said to tell one: people and what they did in five sentences, or an
opening such as "One day" and what followed. Every second passage of a talk has one sign."""

AUDIENCE = "has lines that audiences tend to laugh at or applaud"

LAUGHED = "makes the room laugh"
APPLAUDED = "is applauded"

REPLAYED = "is replayed more often than the rest"

OFTEN_REPLAYED = 0.5
"""Share of the way from the usual number of replays to the highest from which a clip is said to be replayed often."""

_SUBSTANCES = {
    "question": "raises a question that it answers",
    "number": "gives numbers",
    "contrast": "turns an expectation around",
    "claim": "makes a strong claim",
    "emotion": "speaks of strong feelings",
    "story": "tells a story",
}


def reason_of(evidence: Evidence, window: Window, *, moving: bool = False, guessed: bool = False) -> str:
    """Return the evidence for `window` as a sentence, the strongest first.

    Args:
        evidence: Evidence about the talk.
        window: Part of the talk.
        moving: True if the reactions that the learned model expects are the most of the window's value.
        guessed: True if most words are guesses, so the reason says nothing about what is said.
    """
    if guessed:
        heard = [*_delivery(evidence, range(window.first, window.last + 1)), *_place(evidence, window)]
        return f"Picked locally: it {_listed(heard or ['has speech'])}."
    inside = range(window.first, window.last + 1)
    sums = {
        name: sum(max(float(getattr(evidence.features[index], name)), 0.0) for index in inside) for name in SUBSTANCE
    }
    # Nothing in the window answers its last sentence.
    sums["question"] -= max(evidence.features[window.last].question, 0.0)
    named = (name for name in SUBSTANCE if sums[name] > 0 and (name != "story" or sums[name] >= STORY_SIGNS))
    best = sorted(named, key=lambda name: (-sums[name], name))[:2]
    if evidence.features[window.first].question > 0 and window.last > window.first:
        # A question comes first whatever else there is, because people stay for the answer.
        best = ["question", *(name for name in best if name != "question")]
    said = (
        _heard(evidence, inside)
        + [REPLAYED] * (evidence.replays is not None and evidence.replays.excess(window) >= OFTEN_REPLAYED)
        + [AUDIENCE] * moving
        + [_SUBSTANCES[name] for name in best]
        + _delivery(evidence, inside)
        + _place(evidence, window)
    )
    return f"Picked locally: it {_listed(said[:MOST_SAID] or ['can be understood alone'])}."


def _heard(evidence: Evidence, inside: Sequence[int]) -> list[str]:
    """Return how people are heard to react."""
    if evidence.heard is None:
        return []
    laughs, applauses = (
        sum(counts[index] for index in inside) for counts in (evidence.heard.laughs, evidence.heard.applauses)
    )
    return [LAUGHED] * (laughs > 0) + [APPLAUDED] * (applauses > 0)


def _delivery(evidence: Evidence, inside: Sequence[int]) -> list[str]:
    said: list[str] = []
    seconds = sum(evidence.sentences[index].seconds for index in inside)
    for name, words in (("energy", "is louder than the rest"), ("pace", "is faster than the rest")):
        mean = sum(
            float(getattr(evidence.soundings[index], name)) * evidence.sentences[index].seconds for index in inside
        )
        if mean / seconds >= AUDIBLE:
            said.append(words)
    return said


def _place(evidence: Evidence, window: Window) -> list[str]:
    start, end = evidence.boundaries[window.first], evidence.boundaries[window.last + 1]
    said: list[str] = []
    if start.cut and end.cut:
        said.append("runs from cut to cut")
    elif start.cut:
        said.append("starts on a cut")
    if min(start.topic, end.topic) >= CLEAR_BOUNDARY:
        said.append("covers one topic")
    return said


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
