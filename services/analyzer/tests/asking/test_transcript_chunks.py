"""A long transcript is divided into overlapping chunks."""

import pytest
from clipmill.analyzer.asking.transcript_chunks import chunks_of, fewest_tokens, tokens_in
from clipmill.analyzer.talk.boundaries import Boundaries
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import Lengths
from hypothesis import given, settings
from hypothesis import strategies as st


def _sentences(lengths, gaps=None):
    sentences, time = [], 0.0
    for number, seconds in enumerate(lengths, 1):
        time += gaps[number - 1] if gaps else 0.3
        text = "word " * max(1, round(seconds * 2.5))
        sentences.append(Sentence(number=number, text=text.strip(), start=time, end=time + seconds))
        time += seconds
    return sentences


def test_a_transcript_that_is_short_enough_is_one_chunk():
    sentences = _sentences([5.0] * 100)
    assert [(chunk.first, chunk.last) for chunk in chunks_of(sentences, 5000, 60.0)] == [(0, 99)]


def test_chunks_are_about_equal_and_none_is_much_longer_than_allowed():
    sentences = _sentences([5.0] * 700)
    chunks = chunks_of(sentences, 4000, 60.0)
    sizes = [sum(tokens_in(one.text) for one in sentences[chunk.first : chunk.last + 1]) for chunk in chunks]
    assert len(chunks) == 3
    assert max(sizes) <= 4000 * 1.1
    assert min(sizes) >= 0.8 * max(sizes)


def test_a_single_sentence_is_not_divided_however_long_it_is():
    assert [(chunk.first, chunk.last) for chunk in chunks_of(_sentences([25.0]), 1, 60.0)] == [(0, 0)]


def test_a_boundary_is_where_the_speaker_pauses():
    gaps = [0.3] * 200
    gaps[103] = 2.5
    chunks = chunks_of(_sentences([5.0] * 200, gaps), 2200, 60.0)
    assert [chunk.first for chunk in chunks] == [0, 103]


def test_a_token_is_about_four_bytes_of_any_script():
    assert tokens_in("talk" * 10) == 10
    assert tokens_in("話" * 12) == 9


@pytest.mark.parametrize("text", ["talk " * 1000, "разговор " * 1000, "話し合い" * 1000, "พูดคุย" * 1000])
def test_the_fewest_tokens_are_well_below_what_is_expected(text):
    assert 0.3 * tokens_in(text) < fewest_tokens(text) < 0.7 * tokens_in(text)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.floats(0.4, 20.0), min_size=1, max_size=150),
    st.integers(60, 2000),
    st.sampled_from([(5.0, 20.0), (15.0, 60.0), (60.0, 180.0)]),
)
def test_every_clip_is_within_a_chunk_and_every_sentence_in_one(lengths, most_tokens, clip):
    sentences = _sentences(lengths)
    chunks = chunks_of(sentences, most_tokens, clip[1])
    assert chunks[0].first == 0
    assert chunks[-1].last == len(sentences) - 1
    windows = Boundaries(sentences, [], sentences[-1].end + 1, Lengths.of(*clip)).windows()
    for window in windows:
        assert any(chunk.first <= window.first and window.last <= chunk.last for chunk in chunks)


@pytest.mark.parametrize("longest", [60.0, 180.0])
def test_the_number_of_chunks_is_limited_however_small_they_should_be(longest):
    chunks = chunks_of(_sentences([5.0] * 300), 1, longest)
    assert len({chunk.first for chunk in chunks}) == len(chunks) <= 300
