"""Clips start and end at sentences, or on a cut nearby."""

import pytest
from clipmill.analyzer.talk.boundaries import CUT_REACH_MS, WINDOWS_LIMIT, Boundaries
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import Lengths
from hypothesis import given, settings
from hypothesis import strategies as st

SENTENCES = [
    Sentence(number=1, text="One.", start=1.0, end=8.0),
    Sentence(number=2, text="Two.", start=9.0, end=16.0),
    Sentence(number=3, text="Three.", start=16.2, end=24.0),
    Sentence(number=4, text="Four.", start=30.0, end=38.0),
]


def _fit(first, last, cuts=(), shortest=5.0, longest=60.0, duration=40.0, added_silence_ms=None):
    window = Boundaries(SENTENCES, cuts, duration, Lengths.of(shortest, longest), added_silence_ms).fit(first, last)
    return None if window is None else (window.start_ms, window.end_ms)


def test_a_clip_has_room_tone_before_and_after_its_speech():
    assert _fit(0, 0) == (850, 8250)


def test_room_tone_is_shared_with_a_near_neighbour():
    assert _fit(1, 1) == (8850, 16125)
    assert _fit(2, 2) == (16125, 24250)


def test_a_clip_never_reaches_beyond_the_source():
    sentences = [Sentence(number=1, text="All.", start=0.05, end=9.9)]
    window = Boundaries(sentences, [], 10.0, Lengths.of(5, 60)).fit(0, 0)
    assert (window.start_ms, window.end_ms) == (0, 10000)


def test_a_clip_starts_on_a_cut_in_the_pause_before_it():
    assert _fit(1, 1, cuts=[8.6])[0] == 8600


def test_a_clip_ends_on_a_cut_in_the_pause_after_it():
    assert _fit(0, 0, cuts=[8.55])[1] == 8550


@pytest.mark.parametrize("cut", [7.95, 9.1, 8.61])
def test_a_cut_inside_a_word_or_too_far_away_moves_nothing(cut):
    assert _fit(0, 0, cuts=[cut]) == (850, 8250)


def test_a_clip_that_is_a_little_short_takes_silence_after_the_speech_first():
    assert _fit(2, 2, shortest=11.0, longest=11.5) == (16125, 27125)


def test_silence_before_helps_where_that_after_is_not_enough():
    assert _fit(3, 3, shortest=12.0) == (28000, 40000)


def test_two_clips_of_adjacent_sentences_share_the_silence_between_them():
    assert _fit(2, 2, shortest=11.5) == (16125, 27625)
    assert _fit(3, 3, shortest=12.2) == (27800, 40000)
    assert _fit(2, 2, shortest=11.7) is None


def test_a_clip_does_not_take_in_more_silence_than_it_may():
    assert _fit(3, 3, shortest=10.0, added_silence_ms=3000) == (29850, 39850)
    assert _fit(3, 3, shortest=12.0, added_silence_ms=3000) is None


def test_a_clip_that_is_a_little_long_gives_its_room_tone_back():
    assert _fit(0, 0, longest=7.2) == (850, 8050)
    assert _fit(0, 0, longest=7.1) == (900, 8000)


def test_an_end_that_was_moved_for_its_length_moves_on_to_a_near_cut():
    assert _fit(2, 2, shortest=11.0, longest=12.0) == (16125, 27125)
    assert _fit(2, 2, shortest=11.0, longest=12.0, cuts=[27.4]) == (16125, 27400)
    assert _fit(2, 2, shortest=11.0, longest=11.2, cuts=[27.4]) == (16125, 27125)
    assert _fit(2, 2, shortest=11.0, longest=12.0, cuts=[26.9]) == (16125, 27125)  # it would be too short there


@pytest.mark.parametrize(
    ("cut", "start"),
    [
        (27.8, 27800),
        (27.65, 27650),
        (27.64, 28000),  # more than 350 ms away
        (28.2, 28000),  # the clip would be too short
    ],
)
def test_a_start_that_was_moved_for_its_length_moves_on_to_a_near_cut(cut, start):
    assert _fit(3, 3, cuts=[cut], shortest=12.0) == (start, 40000)


@pytest.mark.parametrize(("longest", "start"), [(12.2, 27800), (12.1, 28000)])
def test_a_start_moves_to_no_cut_that_would_make_the_clip_too_long(longest, start):
    assert _fit(3, 3, cuts=[27.8], shortest=12.0, longest=longest) == (start, 40000)


def test_edges_that_were_moved_for_the_length_do_not_move_into_words():
    """The pauses are short, so a cut in the neighbouring word is near both edges."""
    near = [
        Sentence(number=1, text="One.", start=0.0, end=8.0),
        Sentence(number=2, text="Two.", start=8.4, end=16.0),
        Sentence(number=3, text="Three.", start=16.4, end=24.0),
    ]
    lengths = Lengths.of(5.0, 7.7)
    for cuts in ([], [8.05], [7.95], [16.35], [16.45], [8.45], [15.95]):
        window = Boundaries(near, cuts, 24.0, lengths).fit(1, 1)
        assert window is not None
        assert 8000 <= window.start_ms <= 8400, cuts
        assert 16000 <= window.end_ms <= 16400, cuts
        assert window.length_ms <= 7700


def test_a_clip_takes_the_nearest_cut():
    assert _fit(0, 0, cuts=[8.1, 8.35]) == (850, 8350)
    assert _fit(0, 0, cuts=[8.15, 8.4]) == (850, 8150)


def test_of_two_cuts_that_are_as_near_a_clip_takes_the_earlier():
    assert _fit(0, 0, cuts=[8.1, 8.4]) == (850, 8100)


def test_a_cut_just_within_reach_is_taken_and_one_just_beyond_is_not():
    assert _fit(0, 0, cuts=[0.5]) == (500, 8250)
    assert _fit(0, 0, cuts=[0.499]) == (850, 8250)


def test_a_clip_takes_in_exactly_the_silence_that_it_may():
    assert _fit(3, 3, shortest=12.0, added_silence_ms=3600) == (28000, 40000)
    assert _fit(3, 3, shortest=12.0, added_silence_ms=3599) is None


def _levels(loud):
    """Return the levels of 40 s: speech where the sentences are and in the seconds of `loud`, else silence."""
    spoken = {second for sentence in SENTENCES for second in range(int(sentence.start), int(sentence.end))}
    return [-20 if second in spoken or second in loud else -60 for second in range(40)]


def _start_of_last(loud, longest=60.0, cuts=()):
    boundaries = Boundaries(SENTENCES, cuts, 40.0, Lengths.of(5.0, longest), levels=_levels(loud))
    window = boundaries.fit(3, 3)
    return window.start_ms


def test_a_clip_starts_with_the_sound_that_leads_to_its_first_word():
    assert _start_of_last([]) == 29850
    assert _start_of_last([29]) == 29000
    assert _start_of_last([28, 29]) == 28000


def test_sound_that_is_long_quiet_or_apart_is_no_beginning():
    assert _start_of_last([27, 28, 29]) == 29850  # applause or music
    assert _start_of_last([28]) == 29850
    assert _start_of_last([29], longest=8.2) > 29000  # there is no room for it


def test_a_clip_before_a_beginning_without_words_ends_before_it():
    pair = [
        Sentence(number=1, text="One.", start=10.0, end=24.0),
        Sentence(number=2, text="Two.", start=27.0, end=40.0),
    ]
    for loud, fits in (([], True), ([25, 26], False)):
        levels = [-20 if 10 <= second < 24 or second >= 27 or second in loud else -60 for second in range(40)]
        boundaries = Boundaries(pair, [], 40.0, Lengths.of(15.5, 20.0), None, levels=levels)
        assert boundaries.fit(1, 1) is None or boundaries.fit(1, 1).start_ms >= 24_000
        before = Boundaries(pair, [9.9], 40.0, Lengths.of(15.5, 20.0), levels=levels).fit(0, 0)
        assert before is not None
        assert (before.start_ms == 9900) == fits
        assert before.end_ms == (25_400 if fits else 25_000)


@pytest.mark.parametrize(("quiet", "start_ms"), [((), 13050), ((11,), 12000), ((11, 12), 13050)])
def test_sound_that_goes_on_from_the_sentence_before_is_no_beginning(quiet, start_ms):
    """It is laughter or applause, which belongs to what was said before it."""
    near = [
        Sentence(number=1, text="One.", start=0.0, end=10.5),
        Sentence(number=2, text="Two.", start=13.2, end=20.0),
    ]
    levels = [-60 if second in quiet else -20 for second in range(21)]
    assert Boundaries(near, [], 30.0, Lengths.of(5.0, 60.0), levels=levels).fit(1, 1).start_ms == start_ms


def test_a_clip_that_cannot_fit_is_none():
    assert _fit(0, 0, longest=6.9) is None
    assert _fit(1, 1, shortest=10.0) is None


def test_all_windows_within_the_range_are_found():
    windows = Boundaries(SENTENCES, [], 40.0, Lengths.of(15.0, 30.0), None).windows()
    assert [(window.first, window.last) for window in windows] == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]


def test_a_talk_of_remarks_has_a_bounded_number_of_windows_that_still_vary_in_length():
    remarks = [Sentence(number=at, text="Yes.", start=at * 0.5, end=at * 0.5 + 0.4) for at in range(5000)]
    windows = Boundaries(remarks, [], 2500.0, Lengths.of(15.0, 60.0)).windows()
    assert 5000 < len(windows) < 1.5 * WINDOWS_LIMIT
    assert windows == sorted(windows, key=lambda window: (window.first, window.last))
    assert {window.first for window in windows} >= set(range(4960))
    assert min(window.length_ms for window in windows) < 16_000
    assert max(window.length_ms for window in windows) > 55_000


def test_only_the_shortest_windows_are_found_on_demand():
    windows = Boundaries(SENTENCES, [], 40.0, Lengths.of(15.0, 30.0), None).windows(most=1)
    assert [(window.first, window.last) for window in windows] == [(0, 1), (1, 2), (2, 3)]


def test_a_run_that_does_not_fit_is_passed_over_where_only_the_shortest_is_wanted():
    sentences = [
        Sentence(number=1, text="One.", start=0.0, end=8.0),
        Sentence(number=2, text="Two.", start=8.1, end=16.0),
        Sentence(number=3, text="Three.", start=22.0, end=30.0),
    ]
    windows = Boundaries(sentences, [], 30.5, Lengths.of(14.0, 30.0), None).windows(most=1)
    assert [(window.first, window.last) for window in windows] == [(0, 1), (1, 2)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(300, 9000)), min_size=2, max_size=8),
    st.lists(st.integers(1, 60_000), max_size=40),
    st.data(),
)
def test_no_cut_that_could_be_moved_to_is_missed(gaps_and_lengths, cuts, data):
    sentences, time = [], 0
    for number, (gap, length) in enumerate(gaps_and_lengths, 1):
        sentences.append(Sentence(number=number, text="x", start=(time + gap) / 1000, end=(time + gap + length) / 1000))
        time += gap + length
    cuts = sorted(set(cuts))
    first = data.draw(st.integers(0, len(sentences) - 1))
    last = data.draw(st.integers(first, len(sentences) - 1))
    boundaries = Boundaries(sentences, [cut / 1000 for cut in cuts], (time + 500) / 1000, Lengths(1, 180_000))
    window = boundaries.fit(first, last)
    assert window is not None
    before = round(sentences[first - 1].end * 1000) if first else 0
    after = round(sentences[last + 1].start * 1000) if last + 1 < len(sentences) else time + 500
    speech_start, speech_end = round(sentences[first].start * 1000), round(sentences[last].end * 1000)
    assert before <= window.start_ms <= speech_start
    assert speech_end <= window.end_ms <= after
    for edge, lowest, highest in ((window.start_ms, before, speech_start), (window.end_ms, speech_end, after)):
        assert edge in cuts or not any(lowest <= cut <= highest and abs(cut - edge) <= CUT_REACH_MS for cut in cuts)
