"""The proposals for all chunks are ranked, and the scores of a job are spread."""

import json
from itertools import pairwise

import pytest
from clipmill.analyzer.asking.costs import Usage
from clipmill.analyzer.asking.provider import Answer
from clipmill.analyzer.asking.ranking import SPREAD, calibrated, proposals_each, ranked, shortlist
from clipmill.analyzer.talk.moments import Moment
from clipmill.analyzer.talk.windows import Window
from hypothesis import given
from hypothesis import strategies as st


def _moment(score, start=0, length=20_000):
    window = Window(first=0, last=1, start_ms=start, end_ms=start + length)
    return Moment(window=window, title=f"at {start}", tiktok="", instagram="", youtube="", score=score)


def _ranked(moments, scores):
    text = json.dumps({"scores": [{"passage": passage, "score": score} for passage, score in scores]})
    return ranked(Answer(text=text, usage=Usage()), moments)


@pytest.mark.parametrize(
    ("wanted", "chunks", "each"), [(3, 1, 3), (3, 2, 3), (15, 2, 15), (15, 3, 10), (3, 16, 1), (1, 9, 1)]
)
def test_a_chunk_is_asked_for_enough_and_not_for_more_than_is_wanted(wanted, chunks, each):
    assert proposals_each(wanted, chunks) == each


def test_of_passages_from_two_chunks_that_overlap_the_better_one_stays():
    kept = shortlist([_moment(50, 0), _moment(80, 10_000), _moment(60, 40_000), _moment(60, 40_000)])
    assert [moment.score for moment in kept] == [80, 60]


def test_the_ranking_decides_over_the_chunks_scores():
    moments = [_moment(90, 0), _moment(80, 30_000), _moment(70, 60_000)]
    best = _ranked(moments, [(1, 20), (2, 95), (3, 60)])
    assert [(moment.title, moment.score) for moment in best] == [("at 30000", 95), ("at 60000", 60), ("at 0", 20)]


def test_what_the_ranking_leaves_out_comes_last():
    best = _ranked([_moment(90, 0), _moment(80, 30_000)], [(2, 60), (2, 10), (7, 99)])
    assert [(moment.title, moment.score) for moment in best] == [("at 30000", 60), ("at 0", 60)]


@pytest.mark.parametrize("scores", [[], [(9, 50)], [(1, 50)]])
def test_a_ranking_of_fewer_than_half_is_none(scores):
    assert _ranked([_moment(90, 0), _moment(80, 30_000), _moment(70, 60_000)], scores) is None


def test_scores_that_tell_clips_apart_stay_as_they_are():
    assert [moment.score for moment in calibrated([_moment(70), _moment(90), _moment(12)])] == [90, 70, 12]


def test_crowded_scores_are_spread_below_the_best():
    assert [moment.score for moment in calibrated([_moment(95), _moment(95), _moment(94)])] == [95, 90, 85]


@given(st.lists(st.integers(0, 100), max_size=45))
def test_calibrated_scores_fall_keep_their_order_and_stay_in_range(scores):
    moments = [_moment(score, 1000 * index) for index, score in enumerate(scores)]
    best = calibrated(moments)
    assert [moment.title for moment in best] == [
        moment.title for moment in sorted(moments, key=lambda moment: -moment.score)
    ]
    assert all(one.score > other.score for one, other in pairwise(best))
    assert all(0 <= moment.score <= 100 for moment in best)
    assert all(sum(part.points for part in moment.parts) == moment.score for moment in best)
    assert [moment.score for moment in calibrated(best)] == [moment.score for moment in best]


@given(st.lists(st.integers(75, 100), min_size=1, max_size=15))
def test_the_scores_of_a_largest_plan_are_far_enough_apart_to_tell_its_clips_apart(scores):
    best = calibrated([_moment(score) for score in scores])
    assert all(one.score - other.score >= SPREAD for one, other in pairwise(best))


def test_a_score_says_what_keeps_it_apart_from_better_ones():
    first, second = calibrated([_moment(93), _moment(91)])
    assert [(part.name, part.points) for part in first.parts] == [("model", 93)]
    assert [(part.name, part.points) for part in second.parts] == [("model", 91), ("order", -3)]
