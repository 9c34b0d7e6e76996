"""The data folder: one owner, its secret, and a file that names the running clipmill."""

import stat
import subprocess
import sys

import pytest
from clipmill.cli.local.data_folder import DataFolder, FolderInUse, RunningState

pytestmark = pytest.mark.slow

STATE = RunningState(
    pid=123,
    url="http://127.0.0.1:8000",
    nats_url="nats://127.0.0.1:4222",
    store_url="file:///x",
    ports={"gateway": 8000},
)
HOLDER = """
import sys
from pathlib import Path
from clipmill.cli.local.data_folder import DataFolder
with DataFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_in_use_is_refused_with_what_uses_it(tmp_path, holder):
    folder = DataFolder(tmp_path)
    folder.write_state(STATE)
    sentence = rf"clipmill already runs on {tmp_path} \(process 123, http://127.0.0.1:8000\); stop it first"
    with pytest.raises(FolderInUse, match=sentence), folder.locked():
        pass


def test_a_folder_whose_owner_was_killed_is_free(tmp_path, holder):
    holder.kill()
    holder.wait()
    with DataFolder(tmp_path).locked():
        pass


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path):
    key = DataFolder(tmp_path).secret_key()
    assert len(key) >= 43
    assert DataFolder(tmp_path).secret_key() == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_the_state_is_there_until_it_is_removed(tmp_path):
    folder = DataFolder(tmp_path)
    assert folder.read_state() is None
    folder.write_state(STATE)
    assert folder.read_state() == STATE
    folder.remove_state()
    assert folder.read_state() is None
