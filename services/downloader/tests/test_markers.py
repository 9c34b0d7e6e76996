"""The marks of a site on its video are kept where they make sense."""

import math

import pytest
from clipmill.contracts.documents import Chapter, HeatPoint
from clipmill.downloader.markers import chapters_of, chapters_within, heat_within, heatmap_of
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp import YoutubeDL
from yt_dlp.extractor.youtube import YoutubeIE


def _markers(count: int) -> dict:
    """Return YouTube's own form of a curve of replays, of ten seconds a part."""
    markers = [
        {"startMillis": str(10_000 * at), "durationMillis": "10000", "intensityScoreNormalized": at / count}
        for at in range(count)
    ]
    listed = {"macroMarkersListEntity": {"markersList": {"markerType": "MARKER_TYPE_HEATMAP", "markers": markers}}}
    return {"frameworkUpdates": {"entityBatchUpdate": {"mutations": [{"payload": listed}]}}}


def test_the_curve_that_yt_dlp_reads_from_youtube_is_kept():
    found = YoutubeIE(YoutubeDL({"quiet": True}))._extract_heatmap(_markers(100))
    points = heatmap_of({"heatmap": found}, 1000.0)
    assert len(points) == 100
    assert points[1] == HeatPoint(start=10.0, end=20.0, value=0.01)


def test_more_parts_and_chapters_than_any_video_needs_are_left_out():
    entries = [{"start_time": at, "end_time": at + 1, "value": 0.5, "title": "x" * 300} for at in range(900)]
    assert len(heatmap_of({"heatmap": entries}, 1e4)) == 200
    chapters = chapters_of({"chapters": entries}, 1e4)
    assert len(chapters) == 500
    assert {len(chapter.title) for chapter in chapters} == {200}


@pytest.mark.parametrize(
    "entry",
    [
        {"start_time": math.nan, "end_time": 20.0, "value": 0.5},
        {"start_time": 10.0, "end_time": math.inf, "value": math.nan},
        {"start_time": -5.0, "end_time": 20.0, "value": 0.5},
        {"start_time": 20.0, "end_time": 10.0, "value": 0.5},
        {"start_time": 5.0, "end_time": 20.0, "value": 0.5},
        {"start_time": 10**400, "end_time": 10**401, "value": 0.5},
        {"start_time": 10.0, "end_time": 20.0, "value": -1},
        {"start_time": 10.0, "end_time": 20.0, "value": 1e9},
        {"start_time": True, "end_time": 20.0, "value": 0.5},
        {"start_time": "10", "end_time": 20.0, "value": 0.5},
        {"start_time": 10.0, "value": 0.5},
        ["start_time"],
        None,
    ],
)
def test_an_entry_that_makes_no_sense_is_left_out_and_the_others_stay(entry):
    good = [{"start_time": 0.0, "end_time": 10.0, "value": 0.25}, {"start_time": 20.0, "end_time": 30.0, "value": 1}]
    expected = (HeatPoint(start=0.0, end=10.0, value=0.25), HeatPoint(start=20.0, end=30.0, value=1.0))
    assert heatmap_of({"heatmap": [good[0], entry, good[1]]}, 100.0) == expected


@pytest.mark.parametrize("found", [None, {}, "heat", 3, ({"start_time": 0.0},)])
def test_marks_of_another_form_are_none(found):
    assert heatmap_of({"heatmap": found}, 100.0) == ()
    assert chapters_of({"chapters": found}, 100.0) == ()


def test_a_title_of_a_chapter_has_one_line_without_control_characters():
    entry = {"start_time": 0, "end_time": 9, "title": " One\n\x1b[31mtwo\x00\u2028three "}
    assert chapters_of({"chapters": [entry]}, 100.0) == (Chapter(start=0.0, end=9.0, title="One [31mtwo three"),)
    assert chapters_of({"chapters": [{**entry, "title": None}]}, 100.0)[0].title == ""


def test_marks_end_with_the_video():
    chapters = (Chapter(start=0.0, end=60.0, title="a"), Chapter(start=60.0, end=120.0, title="b"))
    assert chapters_within(chapters, 59.5) == (Chapter(start=0.0, end=59.5, title="a"),)
    points = (HeatPoint(start=0.0, end=60.0, value=0.0), HeatPoint(start=60.0, end=120.0, value=1.0))
    assert heat_within(points, 90.0) == (points[0], HeatPoint(start=60.0, end=90.0, value=1.0))


_ANYTHING = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.integers(), st.floats())
_ENTRIES = st.dictionaries(st.sampled_from(["start_time", "end_time", "value", "title"]), _ANYTHING)


@given(st.lists(_ENTRIES | _ANYTHING, max_size=12))
def test_whatever_a_site_sends_the_marks_follow_one_another_within_the_video(entries):
    for marks in (heatmap_of({"heatmap": entries}, 50.0), chapters_of({"chapters": entries}, 50.0)):
        reached = 0.0
        for mark in marks:
            assert reached <= mark.start < mark.end <= 50.0
            reached = mark.end
