"""A model's proposals are checked before they are used."""

import json
import re
from itertools import pairwise

import pytest
from clipmill.analyzer.asking.costs import Usage
from clipmill.analyzer.asking.proposals import checked
from clipmill.analyzer.asking.provider import Answer
from clipmill.analyzer.asking.transcript_chunks import TranscriptChunk
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import Scenes, Shot
from clipmill.contracts.options import JobOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def material(say, media_of):
    """Return the material of twelve sentences of about five and a half seconds each."""
    transcript = say(
        [
            f"This is sentence number {one} and it has really quite a few more words so that it becomes long enough."
            for one in range(12)
        ]
    )
    scenes = Scenes(shots=(Shot(start=0, end=transcript.duration),), detector="d", frame_rate=25.0)
    return Material(media_of(transcript.duration), transcript, scenes, JobOptions())


def _clip(first, last, **changes):
    clip = {
        "first_sentence": first,
        "last_sentence": last,
        "title": "A title",
        "tiktok": "Look! #a",
        "instagram": "Look! #a #b",
        "youtube": "A title",
        "score": 80,
        "reason": "because",
    }
    return {**clip, **changes}


def _check(material, clips, wanted=2, *, chunk=None, fewer=False, **answer):
    text = clips if isinstance(clips, str) else json.dumps({"clips": clips})
    return checked(Answer(text=text, usage=Usage(), **answer), material, wanted, chunk, fewer=fewer)


def test_a_good_answer_is_taken_as_it_is(material):
    result = _check(material, [_clip(1, 4, score=70), _clip(6, 9, score=90)])
    assert result.problems == ()
    assert [(moment.window.first, moment.window.last, moment.score) for moment in result.moments] == [
        (5, 8, 90),
        (0, 3, 70),
    ]


def test_a_models_swear_words_are_masked_and_are_no_hashtags(material):
    clip = _clip(
        1,
        4,
        title="This shit works, ask Dick",
        youtube="Holy fuck",
        tiktok="Bullshit! #shit #work",
        instagram="Ass #a #b",
    )
    (moment,) = _check(material, [clip], wanted=1).moments
    assert (moment.title, moment.youtube) == ("This s*** works, ask Dick", "Holy f***")
    assert (moment.tiktok, moment.instagram) == ("B*******! #work", "A** #a #b")


@pytest.mark.parametrize(
    ("clip", "problem"),
    [
        (_clip(0, 4), "sentences 1 to 12"),
        (_clip(3, 99), "sentences 1 to 12"),
        (_clip(5, 2), "comes after"),
        (_clip(3, 3), "allowed are 15 to 60"),
        (_clip(1, 4, title="  "), "title is empty"),
        (_clip("one", 4), "schema"),
        (_clip(1, float("inf")), "schema"),
        (_clip(1, None), "schema"),
        (_clip(1, 4, score=[7]), "schema"),
        ({"first_sentence": 1}, "schema"),
    ],
)
def test_a_bad_clip_is_named_and_the_good_one_stays(material, clip, problem):
    result = _check(material, [clip, _clip(6, 9)])
    assert [(moment.window.first, moment.window.last) for moment in result.moments] == [(5, 8)]
    assert len(result.problems) == 1
    assert problem in result.problems[0]


def test_of_two_that_overlap_the_better_one_stays(material):
    result = _check(material, [_clip(1, 4, score=10), _clip(4, 7, score=20)])
    assert [moment.score for moment in result.moments] == [20]
    assert result.problems == ("The passages of sentences 1 to 4 and sentences 4 to 7 overlap.",)


def test_too_few_is_a_problem_and_too_many_are_kept_for_the_reserve(material):
    assert _check(material, [_clip(1, 4)]).problems == ("It has 1 passages, 2 are wanted.",)
    result = _check(material, [_clip(1, 3, score=31), _clip(4, 6, score=32), _clip(7, 9, score=33)])
    assert result.problems == ()
    assert [moment.score for moment in result.moments] == [33, 32, 31]


@pytest.mark.parametrize("text", ["", "I cannot do that.", "[]", "{}", '{"clips": 3}', '{"clips": [{"first_sent'])
def test_an_answer_that_is_not_the_schema_is_a_problem(material, text):
    result = _check(material, text)
    assert result.moments == ()
    assert "schema" in result.problems[0]


def test_numbers_as_texts_and_whole_numbers_with_a_point_are_read(material):
    result = _check(material, [_clip("1", "sentence 4", score="87/100"), _clip(6.0, 9, score=66.6)])
    assert result.problems == ()
    assert [(moment.window.first, moment.window.last, moment.score) for moment in result.moments] == [
        (0, 3, 87),
        (5, 8, 67),
    ]


def test_what_may_be_missing_is_replaced(material):
    (moment,) = _check(material, [{"first_sentence": 1, "last_sentence": 4, "title": "Why it works"}], wanted=1).moments
    assert (moment.tiktok, moment.instagram, moment.youtube) == ("Why it works",) * 3
    assert moment.score == 50
    assert moment.reason == ""


@pytest.mark.parametrize(
    ("scores", "read"),
    [([90, 8], [90, 8]), ([9, 7.5], [90, 75]), ([0.9, 0.25], [90, 25]), ([0, 0], [0, 0]), ([-5, 120], [100, 0])],
)
def test_scores_of_other_scales_are_read(material, scores, read):
    result = _check(material, [_clip(1, 4, score=scores[0]), _clip(6, 9, score=scores[1])])
    assert [moment.score for moment in result.moments] == read


def test_among_equal_scores_the_order_of_the_answer_decides(material):
    result = _check(material, [_clip(6, 9, score=70), _clip(1, 4, score=70)])
    assert [moment.window.first for moment in result.moments] == [5, 0]


def test_a_passage_that_is_a_little_too_short_takes_in_what_follows(material):
    (moment,) = _check(material, [_clip(3, 4)], wanted=1).moments
    assert (moment.window.first, moment.window.last) == (2, 4)


def test_a_passage_at_the_end_that_is_too_short_is_a_problem(material):
    assert "sentences 11 to 12 last" in _check(material, [_clip(11, 12)], wanted=1).problems[0]


def test_numbers_count_from_the_start_of_the_chunk_that_was_shown(material):
    chunk = TranscriptChunk(first=4, last=11)
    result = _check(material, [_clip(1, 4), _clip(5, 9)], chunk=chunk)
    assert [(moment.window.first, moment.window.last) for moment in result.moments] == [(4, 7)]
    assert result.problems == ("Clip 2: there are sentences 1 to 8, not 5 to 9.",)


def test_fewer_than_wanted_are_no_problem_where_there_are_other_chunks(material):
    assert _check(material, [], fewer=True).problems == ()
    assert _check(material, [_clip(1, 4)], fewer=True).problems == ()


def test_a_truncated_answer_is_a_problem_that_is_named(material):
    assert "cut off" in _check(material, '{"clips": [', truncated=True).problems[0]


def test_texts_that_break_a_limit_are_corrected(material):
    clip = _clip(
        1, 4, title="word " * 50, youtube="word " * 50, tiktok="long " * 1000,
        instagram="Hi #a #b #c #d #e #f #g", score=400, reason="\x00 why",
    )  # fmt: skip
    (moment,) = _check(material, [clip], wanted=1).moments
    assert len(moment.title) <= 100
    assert len(moment.youtube) <= 100
    assert len(moment.tiktok) <= 2200
    assert moment.instagram == "Hi #a #b #c #d #e"
    assert moment.score == 100
    assert moment.reason == "why"


def test_a_clip_starts_and_ends_with_its_sentences(material):
    (moment,) = _check(material, [_clip(2, 5)], wanted=1).moments
    first, last = material.sentences[1], material.sentences[4]
    assert 0 < first.start - moment.window.start_ms / 1000 <= 0.151
    assert 0 < moment.window.end_ms / 1000 - last.end <= 0.251


numbers = st.integers(-2, 16) | st.floats() | st.sampled_from(["3", "x", None, True, [], {}])
texts = st.text(max_size=300) | st.sampled_from([None, 7, "#a " * 9, "#a#b " * 9, "x" * 5000])
records = st.fixed_dictionaries(
    {"first_sentence": numbers, "last_sentence": numbers, "title": texts},
    optional={"tiktok": texts, "instagram": texts, "youtube": texts, "score": numbers, "reason": texts},
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=8), st.integers(1, 4), st.sampled_from([None, TranscriptChunk(first=3, last=9)]))
def test_whatever_a_model_says_what_is_kept_can_be_a_clip(material, said, wanted, chunk):
    kept = _check(material, said, wanted, chunk=chunk).moments
    for moment in kept:
        window = moment.window
        assert (chunk.first if chunk else 0) <= window.first <= window.last <= (chunk.last if chunk else 11)
        assert 15_000 <= window.length_ms <= 60_000
        assert 0 <= moment.score <= 100
        assert 1 <= len(moment.title) <= 100
        assert 1 <= len(moment.youtube) <= 100
        assert max(len(moment.tiktok), len(moment.instagram)) <= 2200
        assert max(len(re.findall(r"#\w+", text)) for text in (moment.tiktok, moment.instagram)) <= 5
    ordered = sorted(kept, key=lambda moment: moment.window.start_ms)
    assert all(one.window.end_ms <= other.window.start_ms for one, other in pairwise(ordered))
    assert [moment.score for moment in kept] == sorted((moment.score for moment in kept), reverse=True)
