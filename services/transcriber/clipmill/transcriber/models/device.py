"""The device that runs the model, and the model's precision."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.transcriber.speech_request import DeviceChoice

CUDA_TYPES = ("float16", "int8_float32", "float32")
"""Best first: cards older than Pascal have no usable float16."""

CPU_TYPES = ("int8", "float32")
"""Best first: int8 takes half the time of float32 and a quarter of its memory at nearly the same accuracy."""


class Placement(NamedTuple):
    """A device and a precision, as CTranslate2 names them."""

    device: str
    compute_type: str


def choose(
    device: DeviceChoice, compute_type: str, cuda_types: AbstractSet[str], cpu_types: AbstractSet[str]
) -> Placement:
    """Return the device and the precision to use.

    Args:
        device: Wanted device.
        compute_type: Wanted precision, or `auto`.
        cuda_types: Precisions that the GPU supports, empty if there is no usable GPU.
        cpu_types: Precisions that the CPU supports.

    Raises:
        Permanent: with `model_unavailable` if this machine lacks them; the sentence names the setting to change.
    """
    if device is DeviceChoice.CUDA and not cuda_types:
        sentence = "CLIPMILL_TRANSCRIBER_DEVICE is cuda, but no usable CUDA GPU was found; set it to auto or cpu."
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)
    on_cuda = device is not DeviceChoice.CPU and bool(cuda_types)
    place, supported, preferred = ("cuda", cuda_types, CUDA_TYPES) if on_cuda else ("cpu", cpu_types, CPU_TYPES)
    wanted = preferred if compute_type == "auto" else (compute_type,)
    for candidate in wanted:
        if candidate in supported:
            return Placement(place, candidate)
    raise Permanent(
        ErrorCode.MODEL_UNAVAILABLE,
        f"The {place} device does not support the precision {compute_type}; "
        f"set CLIPMILL_TRANSCRIBER_COMPUTE_TYPE to auto or one of {', '.join(sorted(supported))}.",
    )
