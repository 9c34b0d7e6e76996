"""Passages are compared with a request by words, meanings and interest."""

import numpy as np
import pytest
from clipmill.analyzer.searching.relevance import FOUND_CHANCE, Passage, Relevance, goodness

TEXTS = (
    "The violin teacher came to our house every Tuesday afternoon.",
    "We practised scales until the neighbours knocked on the wall.",
    "Our boat turned over in the harbour during the storm.",
    "The waves threw the sails and the mast onto the rocks.",
    "My uncle paints old chairs in his garage on Sundays.",
    "He sands them down and varnishes them until they shine.",
)
MUSIC, SHIPWRECK, CHAIRS = Passage(0, 1), Passage(2, 3), Passage(4, 5)


@pytest.fixture(scope="module")
def relevance():
    """Return what compares requests with three short passages."""
    return Relevance(TEXTS, "en")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [("learning to play an instrument", 0), ("an accident at sea", 1), ("restoring furniture", 2)],
)
def test_a_passage_is_found_by_its_meaning(relevance, request_, answer):
    passages = [MUSIC, SHIPWRECK, CHAIRS]
    assert relevance.literal(request_, passages).max() == 0
    assert relevance.found(request_, passages)[:1] == [answer]


def test_of_two_passages_that_answer_alike_the_interesting_one_is_first():
    relevance = Relevance([TEXTS[2], TEXTS[0], TEXTS[2]], "en")
    passages = [Passage(0, 0, interest=-1.0), Passage(1, 1, interest=2.0), Passage(2, 2, interest=1.5)]
    assert relevance.found("an accident at sea", passages) == [2, 0]


def test_interest_does_not_make_a_passage_be_about_a_subject(relevance):
    dull = relevance.chances("an accident at sea", [Passage(2, 3, interest=-2.0)])
    good = relevance.chances("an accident at sea", [Passage(2, 3, interest=3.0)])
    assert dull[0] == good[0] >= FOUND_CHANCE
    assert relevance.found("tax law in Portugal", [Passage(0, 5, interest=3.0)]) == []


def test_beyond_what_is_good_more_interest_hardly_counts():
    dull, good, best = goodness([Passage(0, 0, one) for one in (-1.0, 2.5, 4.0)])
    assert dull < 0.1
    assert 0 < best - good < 0.05


def test_if_the_best_answer_is_unlikely_only_the_words_of_the_request_count(relevance):
    """Interest may prefer a passage that is about something else; then a faint likeness elsewhere does not count."""
    passages = [Passage(0, 1, interest=3.0), Passage(2, 3, interest=-3.0), Passage(4, 5, interest=-3.0)]
    assert max(relevance.chances("the moon landing", passages)) >= FOUND_CHANCE
    assert relevance.found("the moon landing", passages) == []
    assert relevance.preferences("a storm in the budget", passages).argmax() == 0
    assert relevance.found("a storm in the budget", passages) == [1]


def test_words_of_neighbouring_sentences_count_together():
    near = Relevance([TEXTS[0], "The lawyer argued.", "The judge sentenced him.", TEXTS[4], TEXTS[1], TEXTS[5]], "en")
    apart = Relevance([TEXTS[0], "The lawyer argued.", TEXTS[4], TEXTS[1], "The judge sentenced him.", TEXTS[5]], "en")
    whole = [Passage(0, 5)]
    request = "courtroom attorney"
    assert near.evidence(request, whole)[0, 2] > apart.evidence(request, whole)[0, 2]
    assert np.allclose(near.evidence(request, whole)[0, 3], apart.evidence(request, whole)[0, 3])


def test_words_that_carry_no_subject_tell_passages_apart():
    texts = ["She asked him what to do.", "He told her where he had been."]
    relevance = Relevance(texts, "en")
    first, second = relevance.evidence("who wanted to know what to do", [Passage(0, 0), Passage(1, 1)])
    assert first[0] > second[0]


def test_in_another_language_words_are_joined_with_interest():
    texts = ["Der Leuchtturm steht am Meer.", "Wir essen heute Abend Suppe.", "Ein Leuchtturm leuchtet weit."]
    relevance = Relevance(texts, "de")
    passages = [Passage(0, 0, interest=-1.0), Passage(1, 1, interest=3.0), Passage(2, 2, interest=2.0)]
    assert relevance.found("Leuchtturm", passages) == [2, 0]
    less, more = relevance.preferences("Leuchtturm Meer", [Passage(2, 2), Passage(0, 0)])
    assert less < more


def test_no_passages_are_no_answer(relevance):
    assert relevance.found("anything at all", []) == []
