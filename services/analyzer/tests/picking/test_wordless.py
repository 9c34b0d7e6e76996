"""Where nobody speaks, sound and shots decide which segments are shown."""

import pytest
from clipmill.analyzer.picking.wordless import Wordless
from clipmill.analyzer.talk.site_marks import Replays
from clipmill.analyzer.talk.sound.reactions import Reaction
from clipmill.analyzer.talk.windows import Lengths
from clipmill.contracts.documents import HeatPoint

LENGTHS = Lengths.of(15.0, 60.0)


def _best(levels=(), cuts=(), seconds=300, wanted=1, free=None, lengths=LENGTHS, reactions=(), replays=None):
    wordless = Wordless(levels, [round(cut * 1000) for cut in cuts], seconds * 1000, reactions, replays)
    return wordless.ranked(free or [(0, seconds * 1000)], lengths)[:wanted]


def _seconds(segment):
    return segment.window.start_ms / 1000, segment.window.end_ms / 1000


def test_the_loud_part_is_shown():
    levels = [-40] * 300
    levels[100:130] = [-20] * 30
    (segment,) = _best(levels)
    assert _seconds(segment) == (100.0, 130.0)
    assert "20 dB louder than usual" in segment.reason


def test_a_level_is_compared_with_the_same_video_alone():
    quiet = [-70] * 200 + [-60, -66] * 15 + [-70] * 70
    loud = [level + 40 for level in quiet]
    assert [_seconds(one) for one in _best(quiet, wanted=3)] == [_seconds(one) for one in _best(loud, wanted=3)]


def test_the_part_that_people_cheer_at_is_shown_and_does_not_start_with_the_cheers_for_another():
    cheers = [Reaction(start=at, end=at + 6.0, applause=True) for at in (150.0, 165.0, 200.0)]
    (segment,) = _best(reactions=cheers)
    start, end = _seconds(segment)
    assert start < 149.25
    assert end > 165.25
    assert segment.parts["reactions"] == 1.0
    assert "people are heard to react" in segment.reason


def test_a_start_in_the_cheers_for_what_was_before_speaks_against_a_segment():
    cheers = Reaction(start=146.0, end=156.0, applause=True)
    during, after = (
        _best(reactions=[cheers], free=[(start, start + 20_000)], lengths=Lengths.of(20.0, 20.0))[0].parts["reactions"]
        for start in (152_000, 156_000)
    )
    assert (during, after) == (-0.5, 0.0)


def test_a_start_in_long_cheers_speaks_against_a_segment_also_after_a_short_laugh_in_them():
    cheers = Reaction(start=140.0, end=170.0, applause=True)
    laugh = Reaction(start=142.0, end=144.0, applause=False)
    segment = _best(reactions=[cheers, laugh], free=[(160_000, 180_000)], lengths=Lengths.of(20.0, 20.0))[0]
    assert segment.parts["reactions"] == -0.5


def test_the_reactions_are_not_gone_through_again_for_each_segment():
    """An hour has thousands of possible segments, and may have hundreds of reactions."""

    class Watched(list):
        passes = 0

        def __iter__(self):
            Watched.passes += 1
            return super().__iter__()

    cheers = Watched(Reaction(start=at, end=at + 2.0, applause=True) for at in range(10, 290, 20))
    assert _best(reactions=cheers, wanted=5)
    assert Watched.passes <= 2


def test_the_part_that_viewers_replay_is_shown():
    points = [HeatPoint(start=3.0 * at, end=3.0 * at + 3, value=1.0 if at == 70 else 0.2) for at in range(100)]
    (segment,) = _best(replays=Replays(points))
    start, end = _seconds(segment)
    assert start <= 210
    assert end >= 213
    assert segment.parts["replays"] == 1.0


def test_sound_that_changes_beats_sound_that_does_not():
    levels = [-30] * 300
    levels[200:230] = [-36, -24] * 15
    (segment,) = _best(levels)
    assert 190 <= _seconds(segment)[0] <= 210
    assert "its sound changes a lot" in segment.reason


def test_without_sound_it_goes_by_shots():
    cuts = [50.0, *(100.0 + 2.5 * number for number in range(12)), 250.0]
    (segment,) = _best(cuts=cuts)
    assert _seconds(segment)[0] == 100.0
    assert "cuts" in segment.reason
    assert "starts on a cut" in segment.reason


def test_digital_silence_is_not_shown_where_there_is_sound():
    levels = [-90] * 100 + [-30] * 120 + [-90] * 80
    for segment in _best(levels, wanted=3):
        assert segment.window.start_ms >= 95_000
        assert segment.window.end_ms <= 225_000


def test_without_evidence_clips_are_spread_evenly():
    segments = _best(wanted=3)
    assert [_seconds(segment) for segment in segments] == [(135.0, 165.0), (35.0, 65.0), (235.0, 265.0)]
    assert all("spaced evenly" in segment.reason for segment in segments)


@pytest.mark.parametrize("wanted", [1, 2, 3, 15])
def test_as_many_clips_are_found_as_there_is_room_for(wanted):
    segments = _best(seconds=33, wanted=wanted)
    assert len(segments) == min(wanted, 2)


def test_a_clip_ends_on_a_cut_that_is_near():
    levels = [-40] * 300
    levels[100:130] = [-20] * 30
    (segment,) = _best(levels, cuts=[100.0, 130.2])
    assert _seconds(segment) == (100.0, 130.2)


def test_fewer_segments_are_the_first_of_more():
    levels = [-40 + (second * 7919) % 23 for second in range(300)]
    most = _best(levels, cuts=[31.0, 100.0, 203.4], wanted=45)
    assert len(most) >= 5
    for wanted in range(1, len(most)):
        assert _best(levels, cuts=[31.0, 100.0, 203.4], wanted=wanted) == most[:wanted]


def test_only_free_intervals_are_used():
    levels = [-20] * 50 + [-40] * 250
    segments = _best(levels, wanted=4, free=[(60_000, 80_000), (200_000, 216_000)])
    assert [_seconds(one) for one in segments] == [(60.0, 80.0), (200.0, 216.0)]
