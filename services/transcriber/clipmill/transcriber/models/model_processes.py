"""All the processes that hold a model: one for each GPU, or one for the CPU."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from clipmill.operations.child import Limits
from clipmill.transcriber.models.model_process import ModelProcess
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest, SpeechResult
from msgspec.structs import replace


class ModelProcesses:
    """As many sources at a time as there are processes.

    Args:
        limits: of one transcription.
        idle_seconds: time without a call after which a process is stopped.
        gpus: their names, as CUDA_VISIBLE_DEVICES has them; none: one process that sees whatever there is.
    """

    def __init__(self, limits: Limits, idle_seconds: float, gpus: Sequence[str] = ()) -> None:
        self._processes = {gpu: ModelProcess(limits, idle_seconds) for gpu in gpus or ("",)}
        # The one that worked last is asked first: its model is loaded.
        self._free: asyncio.LifoQueue[str] = asyncio.LifoQueue()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for gpu, process in reversed(self._processes.items()):
            await self._stack.enter_async_context(process)
            self._free.put_nowait(gpu)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def count(self) -> int:
        """How many there are, running or not."""
        return len(self._processes)

    @property
    def running(self) -> dict[str, int]:
        """The ids of the processes that run, by GPU."""
        return {gpu: process.pid for gpu, process in self._processes.items() if process.pid is not None}

    async def transcribe(
        self, request: SpeechRequest, on_progress: Callable[[float], None] | None = None
    ) -> SpeechResult:
        """Transcribe one source in the first process that is free; see `ModelProcess.transcribe`."""
        gpu = await self._free.get()
        try:
            placed = replace(request, engine=replace(request.engine, gpu=gpu))
            return await self._processes[gpu].transcribe(placed, on_progress)
        finally:
            self._free.put_nowait(gpu)

    async def warm_up(self, engine: EngineRequest) -> None:
        """Start every process and load its model."""
        await asyncio.gather(*(process.warm_up(replace(engine, gpu=gpu)) for gpu, process in self._processes.items()))
