"""The addresses of clips."""

import pytest
from clipmill.contracts.api import ClipAddress, ClipFileKind, clip_url, parse_clip_url
from hypothesis import given
from hypothesis import strategies as st

JOB = "550e8400-e29b-41d4-a716-446655440000"


def test_a_clips_address_is_the_contracts():
    assert clip_url(JOB, "my-talk", 1) == f"/videos/{JOB}/my-talk_clip_1.mp4"
    assert clip_url(JOB, "my-talk", 12, ClipFileKind.SUBTITLES) == f"/videos/{JOB}/my-talk_clip_12.srt"


@given(
    st.uuids().map(str),
    st.from_regex("[A-Za-z0-9_-]{1,40}", fullmatch=True),
    st.integers(1, 99),
    st.sampled_from(ClipFileKind),
)
def test_an_address_is_taken_apart_into_what_it_was_made_of(job, stem, number, kind):
    expected = ClipAddress(job=job, stem=stem, number=number, kind=kind)
    assert parse_clip_url(clip_url(job, stem, number, kind)) == expected


@pytest.mark.parametrize(
    "url",
    [
        f"/videos/{JOB}/talk_clip_0.mp4",
        f"/videos/{JOB}/talk_clip_01.mp4",
        f"/videos/{JOB}/talk_clip_100.mp4",
        f"/videos/{JOB}/talk_clip_1.mkv",
        f"/videos/{JOB}/talk_clip_1.mp4\n",
        f"/videos/{JOB}/talk_clip_1",
        f"/videos/{JOB}/a/talk_clip_1.mp4",
        f"/videos/{JOB}/../x_clip_1.mp4",
        f"/videos/{JOB}/tälk_clip_1.mp4",
        f"/videos/{JOB}/_clip_1.mp4",
        f"http://host/videos/{JOB}/talk_clip_1.mp4",
        f"/video/{JOB}/talk_clip_1.mp4",
    ],
)
def test_what_is_no_clips_address_is_not_taken_for_one(url):
    assert parse_clip_url(url) is None
