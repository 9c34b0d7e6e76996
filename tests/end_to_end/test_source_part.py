"""A job that uses only a part of its source, by options of the API."""

import json
import urllib.request

import pytest

pytestmark = pytest.mark.slow

START, END = 30.5, 62.0
BROKEN_SECONDS = 60


@pytest.fixture(scope="module")
def submit(up, media_server, until):
    """Return the function that submits the sample with options and returns the id of the job once it has ended."""

    def run(**options):
        body = json.dumps({"url": f"{media_server}/sample.mp4", **options}).encode()
        request = urllib.request.Request(f"{up.url}/api/process", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            job = json.load(answer)["job_id"]
        until(lambda: up.get(f"/api/status/{job}")["status"] in {"completed", "failed"})
        return job

    return run


@pytest.fixture(scope="module")
def partial(submit):
    return submit(start=START, end=END, target_clips=2, clip_min_seconds=8, clip_max_seconds=20, captions="off")


def stored(up, job, name):
    return json.loads((up.data / "store" / "jobs" / job / name).read_bytes())


def test_every_clip_is_inside_the_part_at_times_of_the_source(up, partial):
    status = up.get(f"/api/status/{partial}")
    assert status["status"] == "completed", status
    clips = status["result"]["clips"]
    assert len(clips) == 2
    words = [word for segment in stored(up, partial, "transcript.json")["segments"] for word in segment["words"]]
    for clip in clips:
        assert START <= clip["start"] < clip["end"] <= END
        inside = [word for word in words if clip["start"] <= word["start"] and word["end"] <= clip["end"]]
        assert " ".join(word["text"] for word in inside)[-1] in ".?!"


def test_only_the_part_is_transcribed_and_paid_for(up, partial):
    cost = up.get(f"/api/status/{partial}")["result"]["cost_analysis"]
    assert cost["whisper_duration_seconds"] == pytest.approx(END - START, abs=0.05)
    transcript = stored(up, partial, "transcript.json")
    assert transcript["segments"][0]["start"] >= START
    assert transcript["segments"][-1]["end"] <= END
    assert "The worst speech" in " ".join(segment["text"] for segment in transcript["segments"])


def test_only_shots_of_the_part_are_searched_for(up, partial):
    """The sample has cuts before the part, which a search of the whole video finds."""
    edges = [shot["start"] for shot in stored(up, partial, "scenes.json")["shots"][1:]]
    assert all(START - 5 <= edge <= END + 3 for edge in edges), edges


def test_a_part_beyond_the_source_ends_the_job_with_its_length(up, submit):
    job = submit(start=3600)
    assert up.get(f"/api/status/{job}")["status"] == "failed"
    error = up.get(f"/api/jobs/{job}")["error"]
    assert error["code"] == "bad_range"
    assert error["sentence"].startswith("The video ends after 76.")
