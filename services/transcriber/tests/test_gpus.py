import pytest
from clipmill.transcriber.models.gpus import visible_gpus


@pytest.fixture
def driver(tmp_path):
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_the_drivers_gpus_are_counted(driver):
    assert visible_gpus({}, driver) == ["0", "1"]


def test_without_a_driver_there_is_none(tmp_path):
    assert visible_gpus({}, tmp_path / "gpus") == []


@pytest.mark.parametrize(
    ("variable", "names"), [("1", ["1"]), ("3, GPU-8a", ["3", "GPU-8a"]), ("", []), ("-1", []), ("0,-1,1", ["0"])]
)
def test_cuda_visible_devices_goes_before_the_driver(driver, variable, names):
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": variable}, driver) == names
