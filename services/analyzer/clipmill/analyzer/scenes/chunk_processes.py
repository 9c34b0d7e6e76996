"""The child processes that measure the chunks of a long video, one process for each chunk."""

import asyncio
from collections.abc import Callable, Sequence

from clipmill.analyzer.scenes.chunk_request import CHUNK_TARGET, ChunkRequest, Measures
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.operations.child import Limits, OnProgress, run_child

ANSWER_BYTES = 2**31
"""Longest answer of a child process: days of video. The search reaches its memory limit long before."""


def measure_chunks(requests: Sequence[ChunkRequest], report: Callable[[float], None]) -> list[Measures]:
    """Measure all chunks at the same time and return what each process found.

    The processes end with this one, and its limits on time and memory apply to all of them together.

    Args:
        requests: Requests, one for each process.
        report: Function that receives the percentage done of the whole video.

    Raises:
        Permanent: as a process raised it; the other processes are ended then.
        Transient: as a process raised it, or with `worker_crashed` if a process ended without an answer.
    """
    return asyncio.run(_measured(requests, report))


async def _measured(requests: Sequence[ChunkRequest], report: Callable[[float], None]) -> list[Measures]:
    shares = _Shares([request.end - request.start for request in requests], report)
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(_chunk(request, shares.of(index))) for index, request in enumerate(requests)]
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
    return [each.result() for each in running]


async def _chunk(request: ChunkRequest, reached: OnProgress) -> Measures:
    try:
        return await run_child(
            CHUNK_TARGET, request, Measures, limits=Limits(answer_bytes=ANSWER_BYTES), on_progress=reached
        )
    except Transient as failure:
        if failure.code is not ErrorCode.WORKER_CRASHED:
            raise
        sentence = "The search for shots crashed in one part of the video; if this repeats, submit the video again."
        raise Transient(ErrorCode.WORKER_CRASHED, sentence) from failure


class _Shares:
    """The progress of several chunks, reported as one."""

    def __init__(self, lengths: Sequence[float], report: Callable[[float], None]) -> None:
        self._weights = [length / sum(lengths) for length in lengths]
        self._percents = [0.0] * len(lengths)
        self._report = report
        self._said = 0

    def of(self, index: int) -> Callable[[float], None]:
        """Return the function that receives the progress of one chunk, in percent."""

        def reached(percent: float) -> None:
            self._percents[index] = percent
            total = int(sum(weight * each for weight, each in zip(self._weights, self._percents, strict=True)))
            if total > self._said:
                self._said = total
                self._report(total)

        return reached
