"""`clipmill verify` runs the renderer's check."""

import json

import pytest

pytestmark = pytest.mark.slow


async def test_the_renderers_findings_and_status_are_the_commands(clipmill_process, video):
    options = ("--seconds", "60", "--format", "square", "--captions", "--json")
    status, out, _ = await clipmill_process("verify", video("-wide.mp4", 160, 90), *options)
    assert status == 1
    found = json.dumps(json.loads(out))
    for word in ("1080x1080", "60.000 s", "captions"):
        assert word in found


async def test_several_files_are_checked_at_once(clipmill_process, video, tmp_path):
    status, out, _ = await clipmill_process("verify", video("wide.mp4", 160, 90), tmp_path / "none.mp4")
    assert status == 1
    assert "wide.mp4" in out
    assert "none.mp4" in out


async def test_an_unknown_option_is_status_2(clipmill_process, video):
    status, _, err = await clipmill_process("verify", video("wide.mp4", 160, 90), "--colour")
    assert status == 2
    assert "--colour" in err
