import threading

import pytest
from clipmill.operations.scratch_dir import scratch_dir, sweep

pytestmark = pytest.mark.slow

PREFIX = "clipmill-test-"


async def test_a_scratch_dir_is_gone_afterwards(tmp_path):
    async with scratch_dir(PREFIX, tmp_path) as folder:
        (folder / "video").write_bytes(b"x")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


async def test_what_a_killed_process_left_is_swept_and_a_living_ones_is_not(tmp_path):
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / "video").write_bytes(b"x")
    (tmp_path / "another-program").mkdir()
    async with scratch_dir(PREFIX, tmp_path) as folder:
        assert sweep(PREFIX, tmp_path) == 1
        assert folder.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["another-program"]


async def test_a_directory_is_made_while_another_process_sweeps(tmp_path):
    enough = threading.Event()

    def sweeping():
        while not enough.is_set():
            sweep(PREFIX, tmp_path)

    sweeper = threading.Thread(target=sweeping)
    sweeper.start()
    try:
        for _ in range(200):
            async with scratch_dir(PREFIX, tmp_path) as folder:
                (folder / "video").write_bytes(b"x")
                assert folder.is_dir()
    finally:
        enough.set()
        sweeper.join()
