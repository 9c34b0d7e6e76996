"""Each GPU gets its own process. The sources of the tests have no sound, so no model or GPU is needed."""

import asyncio
import subprocess
import sys

import pytest
from clipmill.operations.child import Limits
from clipmill.transcriber.models.model_processes import ModelProcesses
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest

pytestmark = pytest.mark.slow

ASKING = """
import os
from clipmill.contracts.failures import Permanent
from clipmill.transcriber.speech import transcribe
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest
try:
    transcribe(SpeechRequest(engine=EngineRequest(model="./none", models_dir=".", gpu="GPU-8a"), warm_up=True), print)
except Permanent:
    print(os.environ["CUDA_VISIBLE_DEVICES"])
"""
"""The first steps of a model process; the missing model ends it before the others."""


@pytest.fixture
def mute(tmp_path, make_media):
    make_media(tmp_path / "mute.mp4", picture=0.2)
    engine = EngineRequest(model="whisper-tiny.en", models_dir=str(tmp_path))
    return SpeechRequest(engine=engine, store_url=tmp_path.as_uri(), key="mute.mp4")


async def test_two_gpus_work_at_the_same_time_each_in_its_own_process(mute):
    async with ModelProcesses(Limits(), 60, ["0", "GPU-8a"]) as models:
        await asyncio.gather(models.transcribe(mute), models.transcribe(mute))

        assert set(models.running) == {"0", "GPU-8a"}
        assert len(set(models.running.values())) == 2


async def test_the_process_that_has_its_model_loaded_is_asked_first(mute):
    async with ModelProcesses(Limits(), 60, ["0", "1"]) as models:
        await models.transcribe(mute)
        await models.transcribe(mute)

        assert set(models.running) == {"0"}


def test_a_process_sees_no_gpu_but_its_own(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(ASKING)

    asked = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)

    assert asked.stdout.strip() == "GPU-8a"


async def test_all_are_ended_together(mute):
    async with ModelProcesses(Limits(), 60, ["0", "1"]) as models:
        await asyncio.gather(models.transcribe(mute), models.transcribe(mute))

    assert models.running == {}


async def test_a_source_waits_for_a_free_process(mute):
    async with ModelProcesses(Limits(), 60) as models:
        results = await asyncio.gather(*(models.transcribe(mute) for _ in range(3)))

        assert len(results) == 3
        assert len(models.running) == 1
