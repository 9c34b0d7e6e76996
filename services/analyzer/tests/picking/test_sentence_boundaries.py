"""Passages begin and end at boundaries with evidence, and reasons name it."""

import pytest
from clipmill.analyzer.picking.evidence import evidence_of
from clipmill.analyzer.picking.features import features_of
from clipmill.analyzer.picking.local_picker import LocalPicker
from clipmill.analyzer.picking.reasons import reason_of
from clipmill.analyzer.picking.sentence_boundaries import boundaries_of
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import Window


def _sentences(*texts, gap=0.5):
    return [
        Sentence(number=index + 1, text=text, start=index * (4 + gap), end=index * (4 + gap) + 4)
        for index, text in enumerate(texts)
    ]


def _boundaries(*texts, cuts=(), gap=0.5):
    sentences = _sentences(*texts, gap=gap)
    return boundaries_of(sentences, features_of(sentences), cuts)


PLAIN = ("The cod left the bay.", "Boats rotted on the beach.", "Bread rose in the oven.", "Crusts turned dark.")


def test_a_cut_in_the_pause_is_evidence_and_one_inside_a_sentence_is_none():
    boundaries = _boundaries(*PLAIN, cuts=[4.2, 11.0])
    assert boundaries[1].cut > 0
    assert boundaries[2].cut == boundaries[3].cut == 0


def test_cuts_at_every_boundary_are_no_evidence():
    boundaries = _boundaries(*PLAIN, cuts=[0.0, 4.2, 8.7, 13.2, 17.6])
    assert all(boundary.cut == 0 for boundary in boundaries)


def test_a_question_holds_to_its_answer():
    boundaries = _boundaries(
        "The cod left the bay.", "Why did it leave?", "Water there had become too warm.", "We moved on."
    )
    assert boundaries[2].holds == 1.0
    assert boundaries[2].strength == 0.0


def test_a_reference_back_holds_to_what_it_means():
    assert _boundaries("The cod left the bay.", "That was the end of it.")[1].holds == 1.0


def _window(first, last):
    return Window(first=first, last=last, start_ms=0, end_ms=1)


def test_a_window_that_ends_with_a_question_is_not_complete_and_one_with_the_answer_is():
    picker = LocalPicker(
        evidence_of(_sentences("The cod left.", "Why did it leave?", "Water had warmed.", "We moved."))
    )
    assert not picker.complete(_window(0, 1))
    assert picker.complete(_window(0, 2))


def test_a_question_that_the_speaker_leaves_may_end_a_window():
    picker = LocalPicker(
        evidence_of(_sentences("The cod left.", "Who would have thought so?", "Okay, the next slide."))
    )
    assert picker.complete(_window(0, 1))


def test_a_window_in_mid_sentence_is_not_complete():
    picker = LocalPicker(evidence_of(_sentences("We looked for years,", "and found nothing.", "Then it rained.")))
    assert not picker.complete(_window(0, 0))
    assert not picker.complete(_window(1, 2))
    assert picker.complete(_window(0, 1))


@pytest.mark.parametrize(
    ("levels", "cuts", "said"),
    [
        ([-30] * 9 + [-20] * 9, (), "is louder than the rest"),
        ((), (8.8,), "starts on a cut"),
        ((), (8.8, 18.0), "runs from cut to cut"),
    ],
)
def test_a_reason_names_what_is_heard_and_seen(levels, cuts, said):
    sentences = _sentences(
        "The cod left the bay.", "Boats rotted.", "Bread rose in ovens.", "Crusts turned dark.", *PLAIN
    )
    evidence = evidence_of(sentences, levels=levels and [*levels, *[-30] * 18], cuts=cuts)
    assert said in reason_of(evidence, _window(2, 3))


@pytest.mark.parametrize(("text", "raises"), [("So, where were we?", False), ("Where do the birds sleep?", True)])
def test_a_reason_names_no_question_that_the_speaker_only_puts_in_passing(text, raises):
    texts = [text, "The boats are by the lake.", "The harbour has a long wall."]
    reason = reason_of(evidence_of(_sentences(*texts)), _window(0, 2))
    assert ("raises a question" in reason) == raises


def test_a_reason_names_no_question_at_the_very_end():
    texts = ["The boats are by the lake.", "The harbour has a long wall.", "Where do the birds sleep?", "By the water."]
    evidence = evidence_of(_sentences(*texts))
    assert "raises a question" not in reason_of(evidence, _window(0, 2))
    assert "raises a question" in reason_of(evidence, _window(0, 3))


def test_a_reason_for_nothing_in_particular_is_a_sentence_all_the_same():
    evidence = evidence_of(_sentences("Cod.", "Bay.", "Bread.", "Crust."), language="xx")
    assert reason_of(evidence, _window(1, 1)).startswith("Picked locally: it ")


def test_a_reason_begins_with_the_audience_if_that_decided():
    evidence = evidence_of(_sentences(*PLAIN))
    assert reason_of(evidence, _window(0, 3), moving=True).startswith(
        "Picked locally: it has lines that audiences tend to laugh at or applaud"
    )
    assert "audiences" not in reason_of(evidence, _window(0, 3))


@pytest.mark.parametrize(
    ("texts", "tells"),
    [
        (["We were in the harbour.", *PLAIN[1:]], False),
        (["One day we walked to the harbour.", "We asked the keeper and he laughed.", "I turned and looked."], True),
    ],
)
def test_a_story_takes_more_than_a_word_in_the_past(texts, tells):
    reason = reason_of(evidence_of(_sentences(*texts)), _window(0, len(texts) - 1))
    assert ("tells a story" in reason) == tells
