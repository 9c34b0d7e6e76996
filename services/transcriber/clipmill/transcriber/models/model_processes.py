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
    """Processes that each transcribe one source at a time.

    Args:
        limits: Limits of one transcription.
        idle_seconds: Time without a call after which a process is stopped, in seconds.
        gpus: Names of the GPUs, as CUDA_VISIBLE_DEVICES has them; if empty, a single process sees every device.
    """

    def __init__(self, limits: Limits, idle_seconds: float, gpus: Sequence[str] = ()) -> None:
        self._processes = {gpu: ModelProcess(limits, idle_seconds) for gpu in gpus or ("",)}
        # As a stack, it gives the next source to the process that worked last, whose model is loaded.
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
        """Number of processes, running or not."""
        return len(self._processes)

    @property
    def running(self) -> dict[str, int]:
        """Ids of the running processes, by GPU."""
        return {gpu: process.pid for gpu, process in self._processes.items() if process.pid is not None}

    async def transcribe(
        self, request: SpeechRequest, on_progress: Callable[[float], None] | None = None
    ) -> SpeechResult:
        """Transcribe one source in the first free process; see `ModelProcess.transcribe`."""
        gpu = await self._free.get()
        try:
            placed = replace(request, engine=replace(request.engine, gpu=gpu))
            return await self._processes[gpu].transcribe(placed, on_progress)
        finally:
            self._free.put_nowait(gpu)

    async def warm_up(self, engine: EngineRequest) -> None:
        """Start every process and load its model."""
        await asyncio.gather(*(process.warm_up(replace(engine, gpu=gpu)) for gpu, process in self._processes.items()))
