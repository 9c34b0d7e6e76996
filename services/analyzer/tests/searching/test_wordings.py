"""Texts that say similar things point in similar directions."""

import numpy as np
import pytest
from clipmill.analyzer.searching.wordings import Wordings, english


def _nearness(one, other):
    first, second = english().vector(one), english().vector(other)
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("How do I get over a failure?", "What to do after you were beaten", "A recipe for pancakes with honey"),
        ("who taught her to swim", "the woman who gave her lessons in the pool", "the tax on imported steel"),
    ],
)
def test_texts_that_say_similar_things_are_near(text, near, far):
    assert _nearness(text, near) > _nearness(text, far) + 0.1


def test_words_without_a_subject_count_too():
    assert not np.allclose(english().vector("why they had not"), 0)


def test_forms_and_punctuation_are_read_as_they_are_spoken():
    assert np.allclose(english().vector("It isn\u2019t over!"), english().vector("it isn't over"))


def test_a_rare_word_is_read_in_its_longest_pieces():
    pieces = ["snow", "snowy", "##ball", "##b", "s"]
    wordings = Wordings(pieces, np.eye(5, dtype=np.float32))
    assert wordings.vector("Snowball").tolist() == [1, 0, 1, 0, 0]
    assert wordings.vector("snowyball snow").tolist() == [1, 1, 1, 0, 0]


def test_what_has_no_known_piece_says_nothing():
    wordings = Wordings(["snow"], np.ones((1, 3), np.float32))
    assert wordings.vector("\u96ea \u0441\u043d\u0435\u0433").tolist() == [0, 0, 0]
    assert wordings.vector("").tolist() == [0, 0, 0]
