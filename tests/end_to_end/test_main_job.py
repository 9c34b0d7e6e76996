"""The main job: a real video goes in at the API, real vertical clips come out."""

import contextlib
import itertools
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import av
import pytest

BROKEN_SECONDS = 30


@pytest.fixture(scope="session")
def watched(up, sample, tmp_path_factory):
    """The sample submitted by the command, with every different status that a poller saw meanwhile."""
    output = tmp_path_factory.mktemp("clips")
    command = [Path(sys.executable).parent / "clipmill", "submit", sample, "--wait", "--json", "--server", up.url]
    before = _jobs(up)
    begun = time.monotonic()
    submitting = subprocess.Popen([*command, "--output", output], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen, job = [], None
    while submitting.poll() is None or job is None:
        job = job or next(iter(_jobs(up) - before), None)
        if job:
            status = up.get(f"/api/status/{job}")
            if not seen or seen[-1][1] != status:
                seen.append((time.monotonic() - begun, status))
        time.sleep(0.1)
    stdout, stderr = submitting.communicate()
    seen.append((time.monotonic() - begun, up.get(f"/api/status/{job}")))
    return {
        "job": job,
        "seen": seen,
        "status": submitting.returncode,
        "answer": json.loads(stdout),
        "stderr": stderr.decode(),
        "output": output,
        "seconds": time.monotonic() - begun,
    }


def _jobs(up):
    """The jobs that the server knows, from the folders of its store."""
    known = set()
    for folder in (up.data / "store" / "jobs").glob("*-*-*"):
        with contextlib.suppress(urllib.error.HTTPError):
            up.get(f"/api/status/{folder.name}")
            known.add(folder.name)
    return known


def test_the_command_ends_well_and_says_what_came_out(watched):
    assert watched["status"] == 0, watched["stderr"]
    assert watched["answer"]["status"] == "completed"
    assert len(watched["answer"]["result"]["clips"]) == 3


def test_the_status_goes_through_its_states_and_only_grows(watched):
    statuses = [status for _, status in watched["seen"]]
    states = list(dict.fromkeys(status["status"] for status in statuses))
    assert states in (["queued", "processing", "completed"], ["processing", "completed"])
    for before, after in itertools.pairwise(statuses):
        assert after["logs"][: len(before["logs"])] == before["logs"]
        clips = before["result"]["clips"] if before["result"] else []
        assert (after["result"]["clips"] if after["result"] else [])[: len(clips)] == clips


def test_the_log_reads_as_the_contract_says(watched):
    logs = watched["answer"]["logs"]
    clips = watched["answer"]["result"]["clips"]
    assert logs[:3] == [f"Job {watched['job']} queued.", "Job started by worker.", "Receiving upload..."]
    assert set(logs[3:5]) == {"Transcribing audio with Whisper...", "Detecting scenes with PySceneDetect..."}
    assert logs[5] == "Analyzing viral moments locally (no Gemini key)..."
    assert logs[6:9] == [
        f"Clip {clip['video_url'].rsplit('_', 1)[1].removesuffix('.mp4')} of 3 ready: {clip['title']}" for clip in clips
    ]
    assert logs[9:] == ["Process finished successfully."]


def test_the_first_clip_appears_while_the_job_is_still_at_work(watched):
    partial = [status for _, status in watched["seen"] if status["status"] == "processing" and status["result"]]
    assert next(len(status["result"]["clips"]) for status in partial) == 1


def test_every_clip_is_a_vertical_video_of_its_length(watched):
    verify = [Path(sys.executable).parent / "clipmill", "verify"]
    for clip in watched["answer"]["result"]["clips"]:
        path = watched["output"] / clip["video_url"].rsplit("/", 1)[1]
        seconds = clip["end"] - clip["start"]
        checked = subprocess.run(
            [*verify, "--seconds", str(seconds), "--format", "vertical", "--captions", path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        with av.open(path) as container:
            video = container.streams.video[0]
            assert (video.width, video.height, video.codec_context.pix_fmt) == (1080, 1920, "yuv420p")
            assert abs(container.duration / av.time_base - seconds) < 0.1


def test_titles_and_captions_keep_to_the_platforms(watched):
    clips = watched["answer"]["result"]["clips"]
    for clip in clips:
        assert clip["title"]
        assert len(clip["video_title_for_youtube_short"]) <= 100
        assert 15 <= clip["end"] - clip["start"] <= 60
        assert clip["video_description_for_instagram"].count("#") <= 5
    spans = sorted((clip["start"], clip["end"]) for clip in clips)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert watched["answer"]["result"]["cost_analysis"]["whisper_duration_seconds"] > 60


def test_a_clip_can_be_watched_in_ranges_and_has_a_poster(watched, up):
    url = up.url + watched["answer"]["result"]["clips"][0]["video_url"]
    request = urllib.request.Request(url, headers={"Range": "bytes=0-1023"})
    with urllib.request.urlopen(request) as answer:
        assert (answer.status, len(answer.read())) == (206, 1024)
    with urllib.request.urlopen(url.removesuffix(".mp4") + ".jpg") as answer:
        assert answer.read(3) == b"\xff\xd8\xff"


@pytest.fixture(scope="session")
def chosen(up, media_server, tmp_path_factory):
    """The sample submitted by its URL with a look of its own: the answer, and the folder with its one clip."""
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
    # The sample is 16:9: above and below it lies one dark colour, but for the title.
    for margin in (luma[-40:], luma[:40, :40]):
        assert margin.mean() < 60
        assert margin.std() < 2


def test_the_captions_lie_beside_a_clip_in_both_forms(chosen, up):
    answer, output = chosen
    url = up.url + answer["result"]["clips"][0]["video_url"].removesuffix(".mp4")
    for kind, content_type, mark in (("vtt", "text/vtt", "WEBVTT"), ("srt", "application/x-subrip", "1\n00:00:0")):
        with urllib.request.urlopen(f"{url}.{kind}") as served:
            assert served.headers.get_content_type() == content_type
            text = served.read().decode()
        assert text.startswith(mark)
        assert text == (output / f"sample_clip_1.{kind}").read_text()


def test_a_look_that_there_is_not_is_a_400_that_lists_the_choices(up, media_server):
    body = json.dumps({"url": f"{media_server}/sample.mp4", "layout": "zoom"}).encode()
    request = urllib.request.Request(f"{up.url}/api/process", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    with refusal.value as answer:
        told = json.load(answer)
    assert (refusal.value.code, told["code"]) == (400, "bad_option")
    assert told["detail"] == "The option layout must be one of: auto, track, fit, split."


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


@pytest.mark.parametrize(
    ("client", "program"), [("contract_polling.py.txt", "python"), ("contract_polling.mjs.txt", "node")]
)
def test_the_contracts_own_polling_loops_finish(watched, up, tmp_path, client, program, system_program):
    """As they stand, port and job aside."""
    text = (Path(__file__).parent / "clients" / client).read_text()
    text = text.replace("localhost:8000", up.url.removeprefix("http://"))
    script = tmp_path / client.removesuffix(".txt")
    script.write_text(text.replace("550e8400-e29b-41d4-a716-446655440000", watched["job"]))
    interpreter = Path(sys.executable) if program == "python" else system_program("node", "nodejs")
    done = subprocess.run([interpreter, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "✅" in done.stdout


def test_every_service_says_that_it_is_ready(up):
    ready = [json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready")) for port in up.ports.values()]
    assert all(answer["status"] == "ready" for answer in ready), ready
