"""`clipmill demo` succeeds only if every planned clip is there and plays."""

import json

import pytest
from clipmill.cli.commands import demo
from clipmill.cli.outcomes import WorkFailed

pytestmark = pytest.mark.slow

VIEW = {"job_id": "550e8400-e29b-41d4-a716-446655440000", "status": "completed", "clips_planned": 2, "clips_ready": 2}


@pytest.fixture
def ready(contract_server, video):
    """Return a server whose job is over at once, with two clips that play, and its address."""
    contract, url = contract_server
    contract.steps = contract.steps[-1:]
    contract.view = dict(VIEW)
    contract.videos = {f"talk_clip_{n}.mp4": video(f"{n}.mp4", 90, 160).read_bytes() for n in (1, 2)}
    return contract, url


async def test_clips_that_play_are_saved_and_counted(ready, tmp_path, capsys):
    contract, url = ready
    await demo.make_clips(url, tmp_path / "clips")
    out = capsys.readouterr().out
    assert {path.name for path in (tmp_path / "clips").iterdir()} == {"talk_clip_1.mp4", "talk_clip_2.mp4"}
    assert out.splitlines()[-1].startswith("2 clips in ")
    assert out.splitlines()[-1].endswith(f"they are in {tmp_path / 'clips'}")
    (submission,) = contract.submissions
    assert submission["file"] == demo.SAMPLE.read_bytes()
    assert submission["target_clips"] == "3"


async def test_a_clip_that_does_not_play_fails_the_demo_by_name(ready, video, tmp_path):
    contract, url = ready
    contract.videos["talk_clip_2.mp4"] = video("wide.mp4", 160, 90).read_bytes()
    with pytest.raises(WorkFailed, match=r"talk_clip_2\.mp4: it is 160.90, not 9:16\.$"):
        await demo.make_clips(url, tmp_path / "clips")


async def test_a_clip_that_is_missing_fails_the_demo(ready, tmp_path):
    contract, url = ready
    contract.view["clips_planned"] = 3
    with pytest.raises(WorkFailed, match="only 2 of 3 clips were rendered"):
        await demo.make_clips(url, tmp_path / "clips")


async def test_a_job_without_clips_fails_the_demo(ready, tmp_path):
    contract, url = ready
    contract.steps = [{**json.loads(json.dumps(contract.steps[0])), "result": None}]
    contract.view = None
    with pytest.raises(WorkFailed, match="no clip was rendered"):
        await demo.make_clips(url, tmp_path / "clips")


async def test_a_job_that_fails_fails_the_demo_with_its_sentence(ready, tmp_path):
    contract, url = ready
    contract.steps = [{"status": "failed", "logs": ["one"], "result": None}]
    contract.view = {**VIEW, "status": "failed", "error": {"code": "no_video", "sentence": "There is no video."}}
    with pytest.raises(WorkFailed, match=r"^The demo's job failed\. There is no video\.$"):
        await demo.make_clips(url, tmp_path / "clips")


def test_a_demo_without_a_folder_works_in_one_that_goes(tmp_path):
    folders = demo.demo_folders(None, tmp_path, keep=False)
    assert folders.data.is_dir()
    folders.remove()
    assert not folders.data.exists()


@pytest.mark.parametrize(("named", "keep"), [(True, False), (False, True)])
def test_a_folder_that_is_named_or_to_be_kept_stays(tmp_path, named, keep):
    folders = demo.demo_folders(tmp_path if named else None, tmp_path / "clips", keep=keep)
    folders.remove()
    assert folders.data.is_dir()
    if not named:
        folders.data.rmdir()
