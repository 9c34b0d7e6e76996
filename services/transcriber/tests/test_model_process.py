"""The model process starts, dies and idles, with sources that need no model."""

import asyncio
import os
import signal
from contextlib import suppress

import msgspec
import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations.child import Limits
from clipmill.transcriber.models.model_process import ModelProcess
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest

pytestmark = pytest.mark.slow


@pytest.fixture
def mute(tmp_path, make_media):
    """Return a request for a video without sound."""
    make_media(tmp_path / "mute.mp4", picture=0.2)
    engine = EngineRequest(model="whisper-tiny.en", models_dir=str(tmp_path))
    return SpeechRequest(engine=engine, store_url=tmp_path.as_uri(), key="mute.mp4")


async def test_a_video_without_sound_gives_an_empty_transcript_without_a_model(mute):
    async with ModelProcess(Limits(), idle_seconds=60) as models:
        assert models.pid is None
        result = await models.transcribe(mute)

    assert (result.transcript.language, result.transcript.segments, result.transcript.engine) == ("", (), None)


async def test_the_process_stays_between_calls_and_is_started_again_after_kill_9(mute):
    async with ModelProcess(Limits(), idle_seconds=60) as models:
        await models.transcribe(mute)
        first = models.pid
        await models.transcribe(mute)
        assert models.pid == first

        os.kill(first, signal.SIGKILL)
        with suppress(Transient):  # the call may begin before the death is noticed
            await models.transcribe(mute)
        await models.transcribe(mute)

        assert models.pid not in (None, first)


async def test_kill_9_during_the_work_is_a_transient_failure_and_the_next_call_works(tmp_path, make_media, mute):
    # Long enough for the work to continue after its first report.
    noise = np.random.default_rng(1).standard_normal(240 * 8000) * 0.05
    make_media(tmp_path / "noise.mkv", picture=0.2, sound=noise, rate=8000, layout="mono", codec="pcm_s16le")
    noisy = SpeechRequest(engine=mute.engine, store_url=mute.store_url, key="noise.mkv", duration=240.0)
    async with ModelProcess(Limits(), idle_seconds=60) as models:

        def kill(_percent: float) -> None:
            if (pid := models.pid) is not None:  # None once it is dead; reports of before may still arrive
                os.kill(pid, signal.SIGKILL)

        with pytest.raises(Transient) as failure:
            await models.transcribe(noisy, kill)
        assert failure.value.code is ErrorCode.WORKER_CRASHED

        await models.transcribe(mute)


async def test_cancelling_a_call_ends_the_process(mute):
    async with ModelProcess(Limits(), idle_seconds=60) as models:
        await models.transcribe(mute)
        call = asyncio.create_task(models.warm_up(mute.engine))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert models.pid is None


async def test_the_process_is_stopped_when_idle_and_started_again_when_needed(mute):
    async with ModelProcess(Limits(), idle_seconds=0.05) as models:
        await models.transcribe(mute)
        await models.idle()
        assert models.pid is None

        await models.transcribe(mute)
        assert models.pid is not None


async def test_a_missing_artifact_is_said_so(mute):
    gone = SpeechRequest(engine=mute.engine, store_url=mute.store_url, key="gone.mp4")
    async with ModelProcess(Limits(), idle_seconds=60) as models:
        with pytest.raises(Exception, match=r"gone\.mp4") as failure:
            await models.transcribe(gone)

    assert failure.value.code is ErrorCode.MISSING_ARTIFACT


async def test_a_hub_that_cannot_be_reached_fails_in_time_and_says_what_to_set(mute, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    engine = msgspec.structs.replace(mute.engine, model="nobody/nothing")
    async with ModelProcess(Limits(seconds=60), idle_seconds=60) as models:
        with pytest.raises(Transient, match="CLIPMILL_TRANSCRIBER_MODEL") as failure:
            await models.warm_up(engine)

    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE


async def test_a_model_that_no_hub_has_is_refused(mute):
    engine = msgspec.structs.replace(mute.engine, model="whisper-gigantic")
    async with ModelProcess(Limits(seconds=60), idle_seconds=60) as models:
        with pytest.raises(Permanent, match="There is no Whisper model whisper-gigantic") as failure:
            await models.warm_up(engine)

    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE
