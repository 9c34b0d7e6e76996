import subprocess
import sys

import numpy as np
import pytest
from clipmill.renderer.verification import verify


@pytest.fixture
def right(make_media, render_clip):
    path, _ = render_clip(make_media(seconds=2), 0.0, 1.0)
    return path


def checks(path, seconds=None):
    return {finding.check for finding in verify(path, seconds)}


def run(*arguments):
    command = [sys.executable, "-m", "clipmill.renderer", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_source_is_not_a_finished_clip(make_media):
    path = make_media(seconds=2, sound=lambda times: 0.1 * np.sin(2000 * times), sound_from=0.5)
    assert checks(path, 3.0) == {"colour", "size", "sync", "duration", "faststart", "edit list"}


def test_a_clip_of_the_wrong_length_is_found_out(right):
    assert checks(right, 1.0) == set()
    assert checks(right, 1.2) == {"duration"}


def test_a_clip_without_sound_is_found_out(make_media):
    assert "streams" in checks(make_media(seconds=1))


def test_half_a_file_is_found_out(right):
    right.write_bytes(right.read_bytes()[: right.stat().st_size // 2])
    assert checks(right, 1.0)


def test_what_is_no_video_is_found_out(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("text")
    assert checks(path) == {"readable"}


def test_the_command_says_what_is_wrong_by_its_exit_status(right):
    assert run(right, "--seconds", 1).returncode == 0
    wrong = run(right, "--seconds", 9)
    assert wrong.returncode == 1
    assert "duration" in wrong.stdout
