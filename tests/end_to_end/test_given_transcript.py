"""A job with a transcript of the submitter's: its words, and not those of a recogniser, are in the clips."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CUES = (
    (53.4, 56.9, "The wurst speech I ever saw was given by a boy of twelve."),
    (57.0, 59.2, "In front of 300 people,"),
    (59.2, 61.5, "he dropped his cards\nand the wind took them all."),
    (61.5, 66.9, "He was silent; then he put down the microphone & told us about his grandmother."),
    (67.1, 69.9, "I have forgotten every other speech of that day."),
    (70.0, 72.9, "I will never forget the boy without nötes."),
)
"""Cues at the times of the bundled sample's last story; no recogniser would write `wurst` and `nötes`."""


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"00:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"


@pytest.fixture(scope="module")
def given(up, media_server, tmp_path_factory):
    """Submit the sample by its URL with subtitles; return the answer, and the folder with its one clip."""
    folder = tmp_path_factory.mktemp("given")
    subtitles = folder / "talk.srt"
    cues = (f"{n}\r\n{clock(a)} --> {clock(b)}\r\n{text}\r\n\r\n" for n, (a, b, text) in enumerate(CUES, 1))
    subtitles.write_text("\ufeff" + "".join(cues), encoding="utf-8", newline="")
    options = ("--clips", "1", "--max-seconds", "30", "--captions", "bold", "--language", "en", "--output", folder)
    status, answer = up.submit(f"{media_server}/sample.mp4", "--transcript", subtitles, *options)
    assert status == 0, answer
    return answer, folder


def test_nothing_is_recognised_and_the_sound_is_measured(given, up):
    answer, _ = given
    assert answer["result"]["cost_analysis"]["whisper_duration_seconds"] == 0
    assert "Using the submitted transcript..." in answer["logs"]
    assert not any("Whisper" in line for line in answer["logs"])
    with urllib.request.urlopen(f"{up.url}/api/jobs/{answer['job_id']}/transcript") as served:
        transcript = json.load(served)
    said = " ".join(segment["text"] for segment in transcript["segments"])
    assert said == " ".join(text for _, _, text in CUES).replace("\n", " ")
    assert len(transcript["levels"]) == 77


def test_the_words_of_the_submitter_are_drawn_and_stored_as_captions(given):
    answer, folder = given
    (clip,) = answer["result"]["clips"]
    assert clip["start"] >= 53
    path = folder / "sample_clip_1.mp4"
    command = [Path(sys.executable).parent / "clipmill", "verify", path, "--captions"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    captions = path.with_suffix(".srt").read_text()
    assert "wurst" in captions
    assert "worst" not in captions


def test_a_transcript_that_cannot_be_read_is_refused_at_submission(up, tmp_path, media_server):
    bad = tmp_path / "talk.srt"
    bad.write_bytes("1\n00:00:01,000 --> 00:00:02,000\nGrüße".encode("latin-1"))
    command = [Path(sys.executable).parent / "clipmill", "submit", f"{media_server}/sample.mp4", "--transcript", bad]
    refused = subprocess.run([*command, "--server", up.url], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "Line 3 of the transcript is not UTF-8" in refused.stderr
