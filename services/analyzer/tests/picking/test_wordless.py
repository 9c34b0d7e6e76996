"""What is shown where nobody speaks."""

import pytest
from clipmill.analyzer.picking.wordless import Wordless
from clipmill.analyzer.talk.windows import Lengths

LENGTHS = Lengths.of(15.0, 60.0)


def _best(levels=(), cuts=(), seconds=300, wanted=1, free=None, lengths=LENGTHS):
    wordless = Wordless(levels, [round(cut * 1000) for cut in cuts], seconds * 1000)
    return wordless.best(free or [(0, seconds * 1000)], lengths, wanted)


def _seconds(stretch):
    return stretch.window.start_ms / 1000, stretch.window.end_ms / 1000


def test_the_loud_part_is_shown():
    levels = [-40] * 300
    levels[100:130] = [-20] * 30
    (stretch,) = _best(levels)
    assert _seconds(stretch) == (100.0, 130.0)
    assert "20 dB louder than usual" in stretch.reason


def test_a_level_is_compared_with_the_same_video_alone():
    quiet = [-70] * 200 + [-60, -66] * 15 + [-70] * 70
    loud = [level + 40 for level in quiet]
    assert [_seconds(one) for one in _best(quiet, wanted=3)] == [_seconds(one) for one in _best(loud, wanted=3)]


def test_sound_that_changes_beats_sound_that_does_not():
    levels = [-30] * 300
    levels[200:230] = [-36, -24] * 15
    (stretch,) = _best(levels)
    assert 190 <= _seconds(stretch)[0] <= 210
    assert "its sound changes much" in stretch.reason


def test_without_sound_it_goes_by_shots():
    cuts = [50.0, *(100.0 + 2.5 * number for number in range(12)), 250.0]
    (stretch,) = _best(cuts=cuts)
    assert _seconds(stretch)[0] == 100.0
    assert "cuts" in stretch.reason
    assert "starts on a cut" in stretch.reason


def test_digital_silence_is_not_shown_where_there_is_sound():
    levels = [-90] * 100 + [-30] * 120 + [-90] * 80
    for stretch in _best(levels, wanted=3):
        assert stretch.window.start_ms >= 95_000
        assert stretch.window.end_ms <= 225_000


def test_where_nothing_tells_clips_are_spread_evenly():
    stretches = _best(wanted=3)
    assert [_seconds(stretch) for stretch in stretches] == [(35.0, 65.0), (135.0, 165.0), (235.0, 265.0)]
    assert all("even distance" in stretch.reason for stretch in stretches)


@pytest.mark.parametrize("wanted", [1, 2, 3, 15])
def test_as_many_clips_are_found_as_there_is_room_for(wanted):
    stretches = _best(seconds=33, wanted=wanted)
    assert len(stretches) == min(wanted, 2)


def test_a_clip_ends_on_a_cut_that_is_near():
    levels = [-40] * 300
    levels[100:130] = [-20] * 30
    (stretch,) = _best(levels, cuts=[100.0, 130.2])
    assert _seconds(stretch) == (100.0, 130.2)


def test_only_free_stretches_are_used():
    levels = [-20] * 50 + [-40] * 250
    stretches = _best(levels, wanted=4, free=[(60_000, 80_000), (200_000, 216_000)])
    assert [_seconds(one) for one in stretches] == [(60.0, 80.0), (200.0, 216.0)]
