"""A phone plays a clip, or the check says why not."""

import pytest
from clipmill.cli.screen.playable import Unplayable, check_clip

pytestmark = pytest.mark.media


def test_an_upright_video_with_sound_is_a_clip(video):
    clip = check_clip(video("clip.mp4", 180, 320))
    assert (clip.width, clip.height) == (180, 320)
    assert clip.duration == pytest.approx(2.0, abs=0.1)


def test_a_horizontal_video_is_not(video):
    with pytest.raises(Unplayable, match=r"320.180, not 9:16"):
        check_clip(video("clip.mp4", 320, 180))


def test_a_silent_file_is_not(video):
    with pytest.raises(Unplayable, match="no sound"):
        check_clip(video("clip.mp4", 180, 320, sound=False))


def test_half_a_file_is_not(video):
    whole = video("clip.mkv", 180, 320, seconds=10)
    half = whole.with_name("half.mkv")
    data = whole.read_bytes()
    half.write_bytes(data[: len(data) // 2])
    with pytest.raises(Unplayable):
        check_clip(half)


def test_text_is_not(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("no video")
    with pytest.raises(Unplayable, match="cannot be played"):
        check_clip(path)
