"""The part of a source that a job uses."""

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import RANGE_FLOOR, JobOptions
from clipmill.contracts.source_range import END_SLACK, SourceRange, used_range
from hypothesis import given
from hypothesis import strategies as st


def used(duration, **options):
    return used_range(JobOptions(**options), duration)


def refused(duration, **options):
    with pytest.raises(Permanent) as caught:
        used(duration, **options)
    assert caught.value.code is ErrorCode.BAD_RANGE
    return caught.value.sentence


@pytest.mark.parametrize("duration", [0.3, 4.0, 93.46])
def test_without_options_all_of_a_source_is_used_however_short(duration):
    assert used(duration) == SourceRange(0.0, duration)


def test_a_missing_start_or_end_is_that_of_the_source():
    assert used(90.0, start=20.0) == SourceRange(20.0, 90.0)
    assert used(90.0, end=30.0) == SourceRange(0.0, 30.0)
    assert used(90.0, start=20.5, end=30.25) == SourceRange(20.5, 30.25)


def test_a_start_beyond_the_source_is_refused_with_the_length_of_the_source():
    sentence = refused(93.46, start=400.0)
    assert sentence == "The video ends after 93.4 s, before the chosen start of 400 s; choose an earlier start."
    assert "93.4 s" in refused(93.46, start=93.46)


def test_an_end_beyond_the_source_is_refused_unless_it_is_a_rounded_length():
    sentence = refused(93.46, start=10.0, end=120.0)
    assert sentence == "The video ends after 93.4 s, before the chosen end of 120 s; choose an earlier end, or none."
    assert used(93.46, start=10.0, end=94.0) == SourceRange(10.0, 93.46)
    assert refused(93.46, end=93.46 + END_SLACK + 0.01)


def test_too_little_left_before_the_end_of_the_source_is_refused():
    sentence = refused(93.46, start=91.0)
    assert sentence == (
        "The video ends after 93.4 s, so the chosen part from 91 s has only 2.4 s; choose a part of at least 5 s."
    )
    assert used(93.46, start=93.46 - RANGE_FLOOR - 0.001).seconds >= RANGE_FLOOR


def test_long_times_are_written_in_full():
    assert "the chosen start of 1234567.25 s;" in refused(93.46, start=1234567.25)
    assert "the chosen end of 2000000 s;" in refused(93.46, end=2e6)


def test_whole_milliseconds_stay_inside():
    part = used(90.0, start=20.0004, end=30.0008)
    assert (part.start_ms, part.end_ms) == (20_001, 30_000)


@pytest.mark.parametrize("tenth", range(1, 200))
def test_the_shortest_part_is_accepted_wherever_floats_are_not_exact(tenth):
    start, end = tenth / 10, (tenth + 50) / 10
    part = used(90.0, start=start, end=end)
    assert (part.start_ms, part.end_ms) == (tenth * 100, (tenth + 50) * 100)


times = st.none() | st.floats(0, 200)


@given(st.floats(0.5, 150), times, times)
def test_a_part_is_inside_the_source_or_refused(duration, start, end):
    left = min(duration if end is None else end, duration) - (start or 0.0)
    whole = (start, end) == (None, None)
    if not whole and (round(left, 6) < RANGE_FLOOR or (end or 0.0) > duration + END_SLACK):
        assert refused(duration, start=start, end=end)
        return
    part = used(duration, start=start, end=end)
    assert 0 <= part.start < part.end <= duration
    assert part.start * 1000 <= part.start_ms + 0.001
    assert part.start_ms <= part.end_ms <= part.end * 1000 + 0.001
    assert part.start == (start or 0.0)
    assert end is None or end - END_SLACK <= part.end <= end
