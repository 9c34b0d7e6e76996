"""The evidence about a talk: the learned chances are part of it only where the model knows the talk."""

import numpy as np
import pytest
from clipmill.analyzer.picking.evidence import evidence_of
from clipmill.analyzer.picking.local_picker import SHORT_SECONDS, WEIGHTS, LocalPicker
from clipmill.analyzer.talk.audience import NUMBERS, Audience
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import Window
from msgspec.structs import replace

FUNNY, DULL = "And so she wants to be a truck.", "That is what we do with it."
SECONDS = 5.0


def talk(texts):
    """Return sentences of equal lengths."""
    return [
        Sentence(number=index + 1, text=text, start=SECONDS * index, end=SECONDS * (index + 1))
        for index, text in enumerate(texts)
    ]


def model(weight):
    """Return a model that knows one word."""
    return Audience({"truck": weight}, np.zeros(NUMBERS), -4.0)


TEXTS = [*[DULL] * 20, *[FUNNY] * 4, *[DULL] * 20]


def test_chances_are_evidence_if_passages_differ():
    chances = evidence_of(talk(TEXTS), audience=model(30.0)).chances
    assert len(chances) == len(TEXTS)
    assert chances[20] > 5 * chances[0]


@pytest.mark.parametrize(
    ("texts", "weight", "language"),
    [(TEXTS, 0.5, "en"), ([FUNNY] * 44, 30.0, "en"), (TEXTS[18:20], 30.0, "en"), (TEXTS, 30.0, "fr")],
    ids=["almost equal chances", "equal passages", "too short", "another language"],
)
def test_chances_are_left_out_if_nothing_follows_from_them(texts, weight, language):
    assert evidence_of(talk(texts), language=language, audience=model(weight)).chances == ()


def reactions_to(first, last):
    """Return the value that the learned chances add to a window of the talk."""
    evidence = evidence_of(talk(TEXTS), audience=model(30.0))
    window = Window(first=first, last=last, start_ms=round(5000 * first), end_ms=round(5000 * (last + 1)))
    with_model, without = (
        LocalPicker(evidence, weights).valued([window])[0] for weights in (WEIGHTS, replace(WEIGHTS, audience=0.0))
    )
    return with_model - without


def test_a_window_with_more_reactions_than_the_talk_is_worth_more_and_none_is_worth_less():
    assert reactions_to(19, 24) > WEIGHTS.audience / 2
    assert reactions_to(0, 5) == 0


def test_a_window_shorter_than_a_clip_should_be_gains_nothing_from_being_short():
    assert 3 * SECONDS < SHORT_SECONDS < 5 * SECONDS
    alone, prepared = reactions_to(21, 23), reactions_to(20, 23)
    assert prepared > alone + WEIGHTS.audience / 4


def test_reactions_that_last_are_worth_more_than_as_many_a_second_for_a_shorter_time():
    evidence = replace(evidence_of(talk([DULL] * 40)), chances=[0.01] * 20 + [0.05] * 20)
    picker = LocalPicker(evidence, replace(WEIGHTS, audience=1000.0))
    shorter, longer = (
        picker.valued([Window(first=20, last=last, start_ms=100_000, end_ms=5000 * (last + 1))])[0] for last in (25, 31)
    )
    assert 100 < longer - shorter < 300


def test_a_start_in_mid_thought_costs_most_where_the_reactions_are_known():
    def loss(texts, weights=WEIGHTS):
        evidence = evidence_of(talk(texts), audience=model(30.0))
        window = Window(first=19, last=24, start_ms=95_000, end_ms=125_000)
        unpunished = replace(weights, dangling=0.0, dangling_known=0.0)
        dear, free = (LocalPicker(evidence, each).valued([window])[0] for each in (weights, unpunished))
        return free - dear

    known, unknown = TEXTS, [text.replace("truck", "lorry") for text in TEXTS]
    assert loss(unknown) == pytest.approx(WEIGHTS.dangling)
    assert loss(known) == pytest.approx(WEIGHTS.dangling + WEIGHTS.dangling_known)
    assert loss(known, replace(WEIGHTS, dangling=0.0)) > 5 * WEIGHTS.dangling
