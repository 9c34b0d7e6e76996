"""Words that fill a time get theirs by proportion, and silence separates them."""

from clipmill.artifacts.spoken_words import in_proportion, in_sounding_time
from hypothesis import given
from hypothesis import strategies as st


def test_words_share_a_time_by_their_letters():
    assert in_proportion(["abc", "abc", "a"], 1000, 2000) == [(1000, 1400), (1400, 1800), (1800, 2000)]


def test_nobody_speaks_in_the_silence_before_between_and_after_words():
    pauses = [(0.0, 1.2), (1.6, 2.0), (2.4, 9.0)]
    assert in_sounding_time(["abcd", "abcd"], 1000, 3000, pauses) == [(1200, 1600), (2000, 2400)]


def test_a_pause_moves_the_nearest_boundary_to_it():
    assert in_sounding_time(["abcd", "abcd"], 0, 1000, [(0.35, 0.45)]) == [(0, 350), (450, 1000)]


def test_a_pause_inside_a_word_moves_to_its_nearer_end_and_other_words_stay():
    words = ["abcd", "abcd", "abcd", "abcd"]
    assert in_sounding_time(words, 0, 4100, [(1.8, 1.9)]) == [(0, 1000), (1000, 1800), (1900, 3100), (3100, 4100)]
    assert in_sounding_time(words, 0, 4100, [(1.3, 1.4)]) == [(0, 1300), (1400, 2100), (2100, 3100), (3100, 4100)]


def test_a_pause_inside_the_only_word_stays_there():
    assert in_sounding_time(["abcd"], 0, 1000, [(0.4, 0.6)]) == [(0, 1000)]


def test_a_cue_over_silence_alone_is_divided_as_if_it_were_spoken():
    assert in_sounding_time(["abc", "abc"], 0, 1000, [(0.0, 2.0)]) == [(0, 500), (500, 1000)]


@given(
    st.lists(st.text(alphabet="abc", min_size=1, max_size=6), min_size=1, max_size=12),
    st.integers(0, 3000),
    st.integers(0, 3000),
    st.lists(st.tuples(st.integers(10, 900), st.integers(100, 900)), max_size=6),
)
def test_words_stay_inside_their_cue_in_order_without_overlap(words, start, spare, gaps):
    end = start + 20 * len(words) + spare
    pauses, at = [], 0
    for gap, length in gaps:
        pauses.append(((at + gap) / 1000, (at + gap + length) / 1000))
        at += gap + length
    times = in_sounding_time(words, start, end, pauses)
    assert len(times) == len(words)
    reached = start
    for begin, stop in times:
        assert reached <= begin <= stop <= end
        reached = stop
