"""The device that this machine offers to a model, as CTranslate2 reports it."""

import ctranslate2
from clipmill.transcriber.models.device import Placement, choose
from clipmill.transcriber.speech_request import EngineRequest


def placement_for(request: EngineRequest) -> Placement:
    """Return the device and the precision for a model.

    Raises:
        Permanent: with `model_unavailable` if this machine lacks what the request asks for.
    """
    return choose(request.device, request.compute_type, _cuda_types(), _types("cpu"))


def _types(device: str) -> frozenset[str]:
    return frozenset(ctranslate2.get_supported_compute_types(device))


def _cuda_types() -> frozenset[str]:
    try:
        return _types("cuda") if ctranslate2.get_cuda_device_count() else frozenset()
    except (RuntimeError, ValueError):  # a driver without a card, or a build without CUDA
        return frozenset()
