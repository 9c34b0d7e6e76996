"""Clips with a chosen look, and submissions that are refused or fail."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import av
import pytest

pytestmark = pytest.mark.slow

BROKEN_SECONDS = 60
TASKS_ROW = re.compile(r"clipmill_tasks_total\{(?P<labels>.*)\} (?P<value>\S+)")


@pytest.fixture(scope="session")
def chosen(up, media_server, tmp_path_factory):
    """Submit the sample by its URL with a chosen look; return the answer, and the folder with its one clip."""
    output = tmp_path_factory.mktemp("square")
    look = ("--format", "square", "--captions", "box", "--hook", "--background", "solid", "--layout", "fit")
    words = (f"{media_server}/sample.mp4", "--clips", "1", "--max-seconds", "20", *look, "--output", output)
    status, answer = up.submit(*words)
    assert status == 0, answer
    return answer, output


def test_the_same_works_by_url_with_options(chosen, up):
    answer, _ = chosen
    (clip,) = answer["result"]["clips"]
    assert clip["end"] - clip["start"] <= 20
    assert answer["logs"][2] == "Downloading video..."
    assert "/sample_clip_1.mp4" in clip["video_url"]
    options = up.get(f"/api/jobs/{answer['job_id']}")["options"]
    asked = {"captions": "box", "output_format": "square", "layout": "fit", "background": "solid", "hook": True}
    assert {name: options[name] for name in asked} == asked


def test_a_clip_has_the_look_that_was_asked_for(chosen):
    _, output = chosen
    path = output / "sample_clip_1.mp4"
    command = [Path(sys.executable).parent / "clipmill", "verify", path, "--format", "square", "--captions"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with av.open(path) as container:
        video = container.streams.video[0]
        assert (video.width, video.height) == (1080, 1080)
        luma = next(container.decode(video)).to_ndarray(format="gray")
    # The sample is 16:9: the areas above and below it have one dark colour, except for the title.
    for margin in (luma[-40:], luma[:40, :40]):
        assert margin.mean() < 60
        assert margin.std() < 2


def test_the_captions_of_a_clip_are_stored_in_both_forms(chosen, up):
    answer, output = chosen
    url = up.url + answer["result"]["clips"][0]["video_url"].removesuffix(".mp4")
    for kind, content_type, mark in (("vtt", "text/vtt", "WEBVTT"), ("srt", "application/x-subrip", "1\n00:00:0")):
        with urllib.request.urlopen(f"{url}.{kind}") as served:
            assert served.headers.get_content_type() == content_type
            text = served.read().decode()
        assert text.startswith(mark)
        assert text == (output / f"sample_clip_1.{kind}").read_text()


def tasks(up):
    """Return the number of tasks that each stage has finished."""
    found = Counter()
    for port in up.ports.values():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if (row := TASKS_ROW.fullmatch(line)) and 'outcome="finished"' in row["labels"]:
                    found[re.search('stage="([a-z]+)"', row["labels"])[1]] += float(row["value"])
    return found


def test_a_moment_that_the_analyzer_put_in_reserve_is_rendered_on_demand_and_nothing_else_is_done(
    chosen, up, until, tmp_path
):
    answer, _ = chosen
    job, before = answer["job_id"], tasks(up)
    assert before["render"] > 0
    best = up.get(f"/api/jobs/{job}/clips")["reserve"][0]
    command = [Path(sys.executable).parent / "clipmill", "more", job, "1", "--json", "--server", up.url]
    asked = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert asked == {"job_id": job, "numbers": [best["number"]]} == {"job_id": job, "numbers": [2]}
    until(lambda: len(up.get(f"/api/status/{job}")["result"]["clips"]) == 2)
    until(lambda: tasks(up) != before)  # a service counts a task after its last event
    assert tasks(up) - before == {"render": 1}
    status = up.get(f"/api/status/{job}")
    assert status["status"] == "completed"
    assert status["result"]["clips"][0] == answer["result"]["clips"][0]
    assert status["result"]["cost_analysis"] == answer["result"]["cost_analysis"]
    assert status["logs"][: len(answer["logs"])] == answer["logs"]
    clip = status["result"]["clips"][1]
    assert (clip["start"], clip["end"], clip["title"]) == (best["start"], best["end"], best["title"])
    url, path = up.url + clip["video_url"].removesuffix("mp4"), tmp_path / "clip.mp4"
    for kind in ("mp4", "vtt", "srt"):
        urllib.request.urlretrieve(url + kind, path.with_suffix(f".{kind}"))
    seconds = str(clip["end"] - clip["start"])
    verify = [command[0], "verify", "--format", "square", "--captions", "--seconds", seconds, path]
    checked = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_unknown_layout_is_a_400_that_lists_the_choices(up, media_server):
    body = json.dumps({"url": f"{media_server}/sample.mp4", "layout": "zoom"}).encode()
    request = urllib.request.Request(f"{up.url}/api/process", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    with refusal.value as answer:
        problem = json.load(answer)
    assert (refusal.value.code, problem["code"]) == (400, "bad_option")
    assert problem["detail"] == "The option layout must be one of: auto, track, fit, split."


def test_a_broken_video_fails_soon_and_says_why(up, media_server):
    begun = time.monotonic()
    status, answer = up.submit(f"{media_server}/broken.mp4")
    assert time.monotonic() - begun < BROKEN_SECONDS
    assert (status, answer["status"], answer["result"]) == (1, "failed", None)
    assert answer["logs"][-2] == "Process failed with exit code 1"
    assert answer["logs"][-1].startswith("Execution error: ")
    assert len(answer["logs"][-1]) > len("Execution error: ") + 10


def test_a_private_address_is_refused(up):
    status, answer = up.submit("http://10.1.2.3/video.mp4")
    assert status == 1
    assert up.get(f"/api/jobs/{answer['job_id']}")["error"]["code"] == "blocked_address"


def test_every_service_says_that_it_is_ready(up):
    ready = [json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready")) for port in up.ports.values()]
    assert all(answer["status"] == "ready" for answer in ready), ready
