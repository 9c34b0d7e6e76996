"""The model process as the service sees it: started when needed, restarted after a crash, stopped when idle."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from types import TracebackType
from typing import Self

from clipmill.operations.child import Child, Limits
from clipmill.operations.logs import get_logger
from clipmill.transcriber.speech_request import SPEECH_TARGET, EngineRequest, SpeechRequest, SpeechResult

_log = get_logger(__name__)


class ModelProcess:
    """One child process with a loaded model, which transcribes one source at a time.

    Args:
        limits: Limits of one transcription.
        idle_seconds: Time without a call after which the process is stopped and its memory freed, in seconds.
    """

    def __init__(self, limits: Limits, idle_seconds: float) -> None:
        self._child = Child(SPEECH_TARGET, limits)
        self._idle_seconds = idle_seconds
        self._calls = 0
        self._idling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._idling is not None:
            self._idling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._idling
        await self._child.stop()

    @property
    def pid(self) -> int | None:
        """Id of the process, None while it does not run."""
        return self._child.pid

    async def transcribe(
        self, request: SpeechRequest, on_progress: Callable[[float], None] | None = None
    ) -> SpeechResult:
        """Transcribe one source; see `clipmill.transcriber.speech.transcribe` and `Child.call`."""
        self._calls += 1
        if self._idling is not None:
            self._idling.cancel()
        try:
            return await self._child.call(request, SpeechResult, on_progress=on_progress)
        finally:
            self._calls -= 1
            if self._calls == 0:
                # In an empty context, because what this task logs belongs to no job.
                self._idling = asyncio.create_task(self._stop_when_idle(), context=contextvars.Context())

    async def warm_up(self, engine: EngineRequest) -> None:
        """Start the process and load the model."""
        loaded = await self.transcribe(SpeechRequest(engine=engine, warm_up=True))
        _log.info("model_loaded", reason=loaded.model_reason or None)

    async def idle(self) -> None:
        """Wait until the process is stopped because it was idle, or the next call begins."""
        if self._idling is not None:
            await asyncio.wait({self._idling})

    async def _stop_when_idle(self) -> None:
        await asyncio.sleep(self._idle_seconds)
        _log.info("model_unloaded", idle_seconds=self._idle_seconds)
        await self._child.stop("idle")
