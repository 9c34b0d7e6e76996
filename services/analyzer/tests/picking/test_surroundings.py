"""Copies of a passage differ in their surroundings."""

import pytest
from clipmill.analyzer.picking.evidence import evidence_of
from clipmill.analyzer.picking.surroundings import surroundings
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import Window

FILLER = ["Coats hang beside the entrance.", "Soup comes at seven.", "Her train was late.", "Fees stay until spring."]
PASSAGE = ["Our bridge fell into the river.", "Nobody had looked below its pillar."]
CONTEXT = ["The bridge over the river was old.", "Its pillar carried everything."]


@pytest.fixture
def quality():
    """Return the quality of the surroundings of a copy of the passage."""

    def of(texts, first, cuts=()):
        sentences = [
            Sentence(number=number, text=text, start=number * 5.0, end=number * 5.0 + 4.5)
            for number, text in enumerate(texts, 1)
        ]
        evidence = evidence_of(sentences, cuts=[5.0 * (index + 1) - 0.2 for index in cuts])
        return surroundings(evidence, Window(first=first, last=first + 1, start_ms=0, end_ms=1))

    return of


def test_cuts_at_both_edges_are_better_than_one_and_one_than_none(quality):
    texts = [*FILLER, *PASSAGE, *FILLER]
    none, one, both = (quality(texts, 4, cuts) for cuts in ([2, 8], [4, 8], [4, 6]))
    assert none < one < both


def test_sentences_around_it_that_speak_of_the_same_are_better_than_others(quality):
    assert quality([*FILLER, *PASSAGE, *FILLER], 4) < quality([*FILLER[:3], CONTEXT[0], *PASSAGE, *FILLER], 4)
    assert quality([*FILLER, *PASSAGE, *FILLER], 4) < quality([*FILLER, *PASSAGE, CONTEXT[1], *FILLER], 4)


def test_the_opening_of_a_source_is_worse_than_any_edges_make_up_for(quality):
    texts = [*FILLER[:2], *PASSAGE, *FILLER, *PASSAGE, *FILLER]
    assert quality(texts, 2, cuts=[2, 4]) < quality(texts, 8)
