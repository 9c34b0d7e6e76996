from pathlib import Path

import numpy as np
import pytest
from clipmill.transcriber.hearing.audio import RATE, read_sound
from clipmill.transcriber.models.weights import find_weights
from clipmill.transcriber.speech_request import EngineRequest
from msgspec.structs import replace

SECONDS = 36
REQUEST = EngineRequest(model="whisper-tiny.en", models_dir="/nowhere", batch_size=2)


@pytest.fixture(scope="module")
def make_engine(offline_libraries):
    """Return a function that loads an engine of tiny.en with some options."""
    from clipmill.transcriber.recognising.engine import Engine  # its imports take seconds and need the fixture

    def make(**options):
        request = replace(REQUEST, **options)
        return Engine(find_weights(request.model, Path(request.models_dir)), request)

    return make


@pytest.fixture(scope="module")
def samples(sample):
    """Return the sound of the sample's first 36 seconds, which are two windows."""
    with sample.open("rb") as file:
        return np.concatenate(list(read_sound(file)))[: SECONDS * RATE]
