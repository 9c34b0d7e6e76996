import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.transcriber.models.device import choose
from clipmill.transcriber.speech_request import DeviceChoice

CPU = frozenset({"float32", "int8", "int8_float32"})
CUDA = frozenset({"float32", "float16", "int8", "int8_float16", "int8_float32"})
OLD_CUDA = frozenset({"float32", "int8", "int8_float32"})
NONE = frozenset()


def test_a_gpu_is_taken_with_float16():
    assert choose(DeviceChoice.AUTO, "auto", CUDA, CPU) == ("cuda", "float16")


def test_without_a_gpu_the_cpu_is_taken_with_int8():
    assert choose(DeviceChoice.AUTO, "auto", NONE, CPU) == ("cpu", "int8")


def test_a_gpu_without_float16_is_used_as_well_as_it_can():
    assert choose(DeviceChoice.AUTO, "auto", OLD_CUDA, CPU) == ("cuda", "int8_float32")


def test_settings_are_obeyed():
    assert choose(DeviceChoice.CPU, "float32", CUDA, CPU) == ("cpu", "float32")
    assert choose(DeviceChoice.CUDA, "int8", CUDA, CPU) == ("cuda", "int8")


def test_a_gpu_that_is_not_there_is_refused_naming_the_setting():
    with pytest.raises(Permanent, match="CLIPMILL_TRANSCRIBER_DEVICE") as failure:
        choose(DeviceChoice.CUDA, "auto", NONE, CPU)

    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_precision_that_is_not_supported_is_refused_naming_those_that_are():
    with pytest.raises(Permanent, match="float32, int8, int8_float32"):
        choose(DeviceChoice.AUTO, "float16", NONE, CPU)
