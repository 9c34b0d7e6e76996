import os

from clipmill.downloader.workroom import PREFIX, sweep, workroom


def age(folder):
    os.utime(folder, (0, 0))


async def test_a_workroom_is_gone_afterwards(tmp_path):
    async with workroom(tmp_path) as folder:
        (folder / "video").write_bytes(b"x")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_process_left_is_swept_and_a_living_ones_is_not(tmp_path):
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "video").write_bytes(b"x")
    age(left)
    (tmp_path / "another-program").mkdir()
    age(tmp_path / "another-program")
    async with workroom(tmp_path) as folder:
        age(folder)
        assert sweep(tmp_path) == 1
        assert folder.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["another-program"]


def test_a_directory_that_somebody_is_just_making_is_left_alone(tmp_path):
    (tmp_path / f"{PREFIX}new").mkdir()
    assert sweep(tmp_path) == 0
