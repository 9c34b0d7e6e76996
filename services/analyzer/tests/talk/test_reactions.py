"""Where people laugh or applaud, to what, and what clips keep of it."""

import pytest
from clipmill.analyzer.talk.boundaries import FADE_IN_MS, Boundaries
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.reactions import (
    AUDIBLE,
    BRIEF_WEIGHT,
    FADING,
    FIRM_SCORE,
    LATE_SECONDS,
    Reaction,
    heard_in,
    reactions_of,
)
from clipmill.analyzer.talk.windows import Lengths
from clipmill.contracts.sounds import Sounds
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

SENTENCES = [
    Sentence(number=1, text="One.", start=1.0, end=8.0),
    Sentence(number=2, text="Two.", start=9.0, end=16.0),
    Sentence(number=3, text="Three.", start=16.2, end=24.0),
    Sentence(number=4, text="Four.", start=30.0, end=38.0),
]


def _sounds(count: int = 80, **heard: dict[int, int]) -> Sounds:
    """Return sounds of `count` half seconds that are quiet but for the scores that are `heard`, by half second."""
    quiet = {kind: bytes([40] * count) for kind in ("laughter", "applause", "cheering", "shouting", "music", "singing")}
    for kind, scores in heard.items():
        changed = bytearray(quiet[kind])
        for place, score in scores.items():
            changed[place] = score
        quiet[kind] = bytes(changed)
    return Sounds(**quiet)


def _spans(sounds: Sounds | None) -> list[tuple[float, float, bool, float]]:
    return [(one.start, one.end, one.applause, one.weight) for one in reactions_of(sounds)]


def _laugh(start: float, end: float) -> Reaction:
    """Return a laugh whose likeliest edges are `start` and `end`."""
    return Reaction(start=start - 0.25, end=end + 0.25, applause=False)


def test_nobody_who_did_not_listen_heard_a_reaction():
    assert _spans(None) == []
    assert _spans(Sounds()) == []
    assert _spans(_sounds()) == []


def test_a_laugh_is_as_long_as_it_can_be_heard():
    sounds = _sounds(laughter={10: FADING, 11: AUDIBLE, 12: 150, 13: FADING, 14: FADING - 1})
    assert _spans(sounds) == [(5.0, 7.0, False, 1.0)]


def test_what_sounds_like_a_laugh_for_half_a_second_counts_half_and_only_beside_a_real_one():
    alone = {30: FIRM_SCORE - 1, 50: AUDIBLE}
    assert _spans(_sounds(laughter=alone)) == []
    found = _spans(_sounds(laughter={10: AUDIBLE, 11: AUDIBLE, **alone}))
    assert found == [(5.0, 6.0, False, 1.0), (15.0, 15.5, False, BRIEF_WEIGHT), (25.0, 25.5, False, BRIEF_WEIGHT)]


def test_a_laugh_that_is_loud_and_clear_needs_no_second_half_second():
    assert _spans(_sounds(laughter={30: FIRM_SCORE})) == [(15.0, 15.5, False, 1.0)]


def test_people_who_laugh_draw_breath_and_applaud_react_once():
    sounds = _sounds(laughter={10: 120, 11: 120}, applause={13: 120, 14: 120, 17: 120})
    assert _spans(sounds) == [(5.0, 7.5, False, 1.0), (8.5, 9.0, True, 1.0)]


def test_a_faint_sound_is_no_laugh_however_long_it_lasts():
    assert _spans(_sounds(laughter=dict.fromkeys(range(80), AUDIBLE - 1))) == []


def test_cheers_and_applause_are_one_reaction_and_shouts_are_none():
    sounds = _sounds(applause={10: 150}, cheering={11: 150}, shouting={40: 250, 41: 250}, music={60: 250, 61: 250})
    assert _spans(sounds) == [(5.0, 6.0, True, 1.0)]


def test_applause_for_a_greeting_counts_less_and_a_laugh_at_it_does_not():
    courtesy = [1.0, 0.0, 0.0, 1.0]
    claps = [replace(_laugh(at, at + 1), applause=True) for at in (8.2, 16.1)]
    heard = heard_in(SENTENCES, claps, courtesy)
    assert list(heard.prompt) == [0.25, 1.0, 0.0, 0.0]
    assert list(heard.applauses) == [1, 1, 0, 0]
    assert list(heard_in(SENTENCES, [_laugh(8.2, 9.0)], courtesy).prompt) == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("start", "prompt", "late"),
    [
        (8.2, {0: 1.0}, {}),  # in the pause after the first sentence
        (10.4, {0: 1.0}, {}),  # the second has only begun
        (10.6, {1: 1.0}, {}),
        (15.0, {1: 1.0}, {}),
        (17.6, {1: 1.0}, {}),
        (26.4, {2: 1.0}, {}),
        (26.6, {}, {3: 1.0}),  # a clip that ends with the third sentence does not have it any more
        (28.1, {}, {}),  # too late for any sentence
        (0.5, {}, {}),  # nothing has been said
        (39.0, {3: 1.0}, {}),
    ],
)
def test_people_react_to_what_was_said_before(start, prompt, late):
    heard = heard_in(SENTENCES, [_laugh(start, start + 1.0)])
    if not prompt and not late:
        assert heard is None
        return
    assert {at: weight for at, weight in enumerate(heard.prompt) if weight} == prompt
    assert {at: weight for at, weight in enumerate(heard.late) if weight} == late
    assert sum(heard.laughs) == 1
    assert sum(heard.applauses) == 0


def _window(first, last, *reactions, shortest=5.0, longest=60.0, duration=40.0, cuts=()):
    boundaries = Boundaries(SENTENCES, cuts, duration, Lengths.of(shortest, longest), None, reactions=reactions)
    return boundaries.fit(first, last)


def _edges(window):
    return window.start_ms, window.end_ms


def test_a_clip_goes_on_for_the_laugh_it_earned_and_the_laugh_dies_away():
    window = _window(2, 2, _laugh(24.3, 25.75))
    assert (_edges(window), window.fade_out_ms) == ((16125, 26000), 2000)


def test_a_clip_goes_on_for_two_and_a_half_seconds_at_most():
    window = _window(2, 2, _laugh(24.3, 29.0))
    assert (_edges(window), window.fade_out_ms) == ((16125, 26500), 2500)


def test_a_laugh_that_begins_too_late_is_not_waited_for():
    window = _window(2, 2, _laugh(26.6, 28.0))
    assert (_edges(window), window.fade_out_ms) == ((16125, 24250), 0)


def test_a_clip_ends_before_the_talk_that_goes_on_over_the_laugh():
    window = _window(0, 0, _laugh(8.1, 11.0))
    assert (_edges(window), window.fade_out_ms) == ((850, 8850), 850)


def test_a_laugh_during_the_last_word_is_kept_to_its_end():
    assert _edges(_window(2, 2, _laugh(23.0, 25.0))) == (16125, 25250)


def test_a_laugh_that_is_over_before_the_last_word_changes_nothing():
    assert _window(2, 2, _laugh(18.0, 20.0)) == _window(2, 2)


def test_the_last_laugh_of_a_source_ends_with_it_at_the_latest():
    window = _window(3, 3, _laugh(38.2, 45.0), duration=39.0)
    assert (_edges(window), window.fade_out_ms) == ((29850, 39000), 1000)


def test_the_laugh_counts_within_the_longest_allowed_length():
    assert _edges(_window(2, 2, _laugh(24.3, 26.0), longest=9.0)) == (16125, 25125)
    window = _window(2, 2, _laugh(24.3, 26.0), longest=7.8)
    assert (_edges(window), window.fade_out_ms) == ((16200, 24000), 0)


def test_a_cut_just_after_the_laugh_ends_the_clip_but_no_later_than_the_laugh_may():
    assert _edges(_window(2, 2, _laugh(24.3, 25.0), cuts=[25.5])) == (16125, 25500)
    assert _edges(_window(2, 2, _laugh(24.3, 29.0), cuts=[26.7])) == (16125, 26500)


def test_a_clip_does_not_start_in_the_laugh_at_the_sentence_before():
    before, after = _window(2, 2, _laugh(24.3, 29.9)), _window(3, 3, _laugh(24.3, 29.9))
    assert (_edges(after), after.fade_in_ms) == ((29900, 38250), 0)
    assert not before.overlaps(after)


def test_a_clip_whose_first_word_is_spoken_under_applause_starts_with_the_word_and_comes_up():
    window = _window(1, 1, _laugh(8.1, 12.0))
    assert (_edges(window), window.fade_in_ms) == ((9000, 16125), FADE_IN_MS)


def test_a_clip_takes_no_silence_out_of_a_reaction_to_become_long_enough():
    assert _edges(_window(3, 3, shortest=12.0)) == (28000, 40000)
    assert _window(3, 3, _laugh(24.3, 29.0), shortest=12.0) is None


def test_a_cut_in_the_reaction_to_something_else_is_no_start():
    assert _edges(_window(3, 3, cuts=[29.7]))[0] == 29700
    assert _edges(_window(3, 3, _laugh(24.3, 29.95), cuts=[29.7]))[0] == 29950


def test_a_clip_that_needs_more_length_than_its_laugh_fades_no_longer_than_a_laugh_is_kept():
    window = _window(2, 2, _laugh(18.0, 27.0), shortest=10.5)
    assert (_edges(window), window.fade_out_ms) == ((16125, 26625), 2500)


def test_applause_before_the_first_word_is_left_out():
    window = _window(0, 0, _laugh(-0.5, 0.95))
    assert (_edges(window), window.fade_in_ms) == ((950, 8250), 0)


def test_applause_over_a_whole_sentence_is_no_start_for_the_next_one():
    long = _laugh(15.9, 29.95)
    assert _edges(_window(3, 3, long))[0] == 29950
    heard = heard_in(SENTENCES, [long])
    assert heard.interrupted == [False, False, True, False]


_REACTIONS = st.lists(
    st.tuples(st.floats(0, 39), st.floats(0.5, 9)).map(lambda span: _laugh(span[0], span[0] + span[1])), max_size=6
)


@given(_REACTIONS, st.lists(st.floats(0, 40), max_size=9), st.floats(5, 12), st.floats(0.1, 30))
def test_whatever_people_do_clips_keep_their_limits_and_neighbours_do_not_overlap(reactions, cuts, shortest, more):
    reactions.sort(key=lambda one: one.start)
    lengths = Lengths.of(shortest, shortest + more)
    boundaries = Boundaries(SENTENCES, sorted(cuts), 40.0, lengths, None, reactions=reactions)
    for window in boundaries.windows():
        first, last = SENTENCES[window.first], SENTENCES[window.last]
        assert lengths.shortest_ms <= window.length_ms <= lengths.longest_ms
        assert 0 <= window.start_ms <= first.start * 1000
        assert last.end * 1000 <= window.end_ms <= 40_000
        assert 0 <= window.fade_out_ms <= min(window.end_ms - last.end * 1000, LATE_SECONDS * 1000)
        if window.last + 1 < len(SENTENCES):
            assert window.end_ms <= SENTENCES[window.last + 1].start * 1000
    for one in range(len(SENTENCES) - 1):
        before, after = boundaries.fit(one, one), boundaries.fit(one + 1, one + 1)
        assert before is None or after is None or not before.overlaps(after)
