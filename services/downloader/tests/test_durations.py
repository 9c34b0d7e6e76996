"""A sentence that compares two durations never shows them as equal."""

import re

from clipmill.downloader.durations import clock, plain, rounded_apart
from clipmill.downloader.refusals import longer_than, too_long
from hypothesis import given
from hypothesis import strategies as st

seconds = st.floats(min_value=0.01, max_value=1e6)


def _read(shown: str) -> float:
    hours, minutes, rest = shown.split(":")
    assert re.fullmatch(r"[0-5]\d", minutes)
    assert re.fullmatch(r"[0-5]\d(\.\d*[1-9])?", rest)
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


@given(seconds, seconds)
def test_two_durations_are_shown_in_their_order(first: float, second: float):
    shorter, longer = sorted((first, second))
    one, other = rounded_apart(shorter, longer)
    assert (plain(one) != plain(other)) == (shorter != longer)
    assert (clock(one) != clock(other)) == (shorter != longer)
    assert one <= other


@given(seconds)
def test_a_duration_just_beyond_the_limit_differs_from_it(limit: float):
    one, other = rounded_apart(limit, limit * (1 + 1e-12))
    assert one < other


@given(seconds)
def test_a_clock_shows_the_duration(duration: float):
    assert abs(_read(clock(rounded_apart(duration, duration + 10, decimals=3)[0])) - duration) <= 0.0006


def test_no_more_decimals_are_shown_than_needed():
    assert [plain(each) for each in rounded_apart(4.97, 5, decimals=1)] == ["4.97", "5"]
    assert [plain(each) for each in rounded_apart(10.45, 9.94, decimals=1)] == ["10.4", "9.9"]
    assert [plain(each) for each in rounded_apart(600, 6)] == ["600", "6"]


def test_a_video_a_moment_too_long_is_shown_to_be_longer():
    assert too_long(14400.3, 14400).sentence == ("The video lasts 4:00:00.3; submit one that lasts at most 4:00:00.")
    assert too_long(3599.9, 3599.2).sentence.startswith(
        "The video lasts 1:00:00; submit one that lasts at most 0:59:59"
    )
    assert longer_than(14400.5).sentence.startswith("The video is longer than 4:00:00.5; ")
