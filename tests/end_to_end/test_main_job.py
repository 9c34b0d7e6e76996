"""The main job: a real video is submitted, real vertical clips come out, and Prometheus sees all of it."""

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

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "deploy").rglob("*.json"))


@pytest.fixture(scope="session")
def watched(request, up, sample, tmp_path_factory):
    """Submit the sample by the command; return every different status that a poller saw meanwhile."""
    with contextlib.suppress(pytest.skip.Exception):  # without Prometheus only its own tests are skipped
        request.getfixturevalue("prometheus")
    output = tmp_path_factory.mktemp("clips")
    command = [Path(sys.executable).parent / "clipmill", "submit", sample, "--clips", "3", "--wait", "--json"]
    command += ["--server", up.url]
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
    """Return the jobs that the server knows, from the folders of its store."""
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


def test_captions_that_nobody_chose_are_drawn_because_the_words_are_sure(watched, up):
    view = up.get(f"/api/jobs/{watched['job']}")
    assert (view["options"]["captions"], view["captions"]["style"]) == ("auto", "bold")
    assert view["captions"]["reason"].startswith("Most words are sure (mean word score 0.")
    assert not any("guesses" in line for line in watched["answer"]["logs"])


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


@pytest.mark.parametrize(
    ("client", "program"), [("contract_polling.py.txt", "python"), ("contract_polling.mjs.txt", "node")]
)
def test_the_contracts_own_polling_loops_finish(watched, up, tmp_path, client, program, system_program):
    """The loops run unchanged, except for port and job."""
    text = (Path(__file__).parent / "clients" / client).read_text()
    text = text.replace("localhost:8000", up.url.removeprefix("http://"))
    script = tmp_path / client.removesuffix(".txt")
    script.write_text(text.replace("550e8400-e29b-41d4-a716-446655440000", watched["job"]))
    interpreter = Path(sys.executable) if program == "python" else system_program("node", "nodejs")
    done = subprocess.run([interpreter, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "✅" in done.stdout


@pytest.fixture(scope="module")
def figures(prometheus, watched, up, until):
    """Return the function that queries Prometheus about the job."""
    finished = up.get(f"/api/jobs/{watched['job']}")["finished"]
    until(lambda: all(float(row["value"][1]) > finished + 2 for row in prometheus("timestamp(up)")))
    return prometheus


def _queries():
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text()).get("panels", []):
            for target in panel.get("targets", []):
                yield pytest.param(target["expr"], id=f"{panel['title']}: {target['expr']}"[:100])


@pytest.mark.parametrize("expression", list(_queries()))
def test_every_query_of_the_dashboard_returns_data(figures, expression):
    for variable, value in {"$__rate_interval": "1m", "$__interval": "1m", "$__range": "10m"}.items():
        expression = expression.replace(variable, value)
    assert figures(expression), expression


def test_tasks_finished_are_events_seen(figures):
    """The projector folded one event of every finished task."""
    (tasks,) = figures('sum(clipmill_tasks_total{outcome="finished"})')
    (events,) = figures('sum(clipmill_events_folded_total{kind="stage_finished"})')
    assert float(tasks["value"][1]) == float(events["value"][1]) > 0


def test_jobs_that_ended_are_jobs_that_began(figures):
    began = float(figures('sum(clipmill_jobs_total{state="queued"})')[0]["value"][1])
    ended = float(figures('sum(clipmill_jobs_total{state!="queued"})')[0]["value"][1])
    assert began == ended > 0
