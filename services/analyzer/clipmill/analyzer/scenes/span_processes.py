"""The spans of a long video, each measured by a child process."""

import asyncio
from collections.abc import Callable, Sequence

from clipmill.analyzer.scenes.span_request import SPAN_TARGET, Measures, SpanRequest
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.operations.child import Limits, OnProgress, run_child

ANSWER_BYTES = 2**31
"""The longest answer of a child process: days of video. The memory that the search may use ends it long before."""


def measure_spans(requests: Sequence[SpanRequest], report: Callable[[float], None]) -> list[Measures]:
    """Measure all spans at once and return what each process found.

    The processes end with this one, whose limits on time and memory hold for all of them together.

    Args:
        requests: one for each process.
        report: is told the percentage of all that is done.

    Raises:
        Permanent: as the first process that failed did; the others are ended then.
        Transient: as the first process that failed did, or with `worker_crashed` if it ended without an answer.
    """
    return asyncio.run(_measured(requests, report))


async def _measured(requests: Sequence[SpanRequest], report: Callable[[float], None]) -> list[Measures]:
    shares = _Shares([request.end - request.start for request in requests], report)
    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(_span(request, shares.of(index))) for index, request in enumerate(requests)]
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
    return [each.result() for each in running]


async def _span(request: SpanRequest, reached: OnProgress) -> Measures:
    try:
        return await run_child(
            SPAN_TARGET, request, Measures, limits=Limits(answer_bytes=ANSWER_BYTES), on_progress=reached
        )
    except Transient as failure:
        if failure.code is not ErrorCode.WORKER_CRASHED:
            raise
        sentence = "A process that searched a part of the video for shots has crashed."
        raise Transient(ErrorCode.WORKER_CRASHED, sentence) from failure


class _Shares:
    """The progress of several parts as one."""

    def __init__(self, lengths: Sequence[float], report: Callable[[float], None]) -> None:
        self._weights = [length / sum(lengths) for length in lengths]
        self._percents = [0.0] * len(lengths)
        self._report = report
        self._said = 0

    def of(self, index: int) -> Callable[[float], None]:
        """Return what is to be told of the progress of one part."""

        def reached(percent: float) -> None:
            self._percents[index] = percent
            total = int(sum(weight * each for weight, each in zip(self._weights, self._percents, strict=True)))
            if total > self._said:
                self._said = total
                self._report(total)

        return reached
