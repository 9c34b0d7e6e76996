"""The throughput of tasks of 200 ms on 1, 2, 4, 8 and 16 worker processes: twice the workers, twice the work."""

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import RenderTask
from clipmill.messaging.publisher import Publisher
from figures import Figure

from messaging.concurrency import each_of
from messaging.reports import Report, Reports, listening
from messaging.servers import Bench, workers

TASK_SECONDS = 0.2
"""Duration of a task. A real worker would use the GPU; this one sleeps, because the bench measures the queue."""

TASKS_EACH = 25
WORKERS = (1, 2, 4, 8, 16)
PATIENCE = 60.0


async def scaling(bench: Bench) -> list[Figure]:
    """Measure the throughput of a growing number of workers."""
    counts, each = ((1, 2), 3) if bench.quick else (WORKERS, TASKS_EACH)
    rates: dict[int, float] = {}
    async with contextlib.AsyncExitStack() as stack, listening(bench.nc) as reports:
        for fewer, count in pairwise((0, *counts)):
            await stack.enter_async_context(workers(bench, count - fewer, Stage.RENDER, TASK_SECONDS))
            rates[count] = await _rate(bench, reports, count, each)
    figures = [Figure(f"1 worker, tasks of {TASK_SECONDS * 1000:.0f} ms", f"{rates[1]:.2f} tasks/s")]
    for count in counts[1:]:
        share = rates[count] / (count * rates[1])
        figures.append(Figure(f"{count} workers", f"{share:.3f} × linear", "≥ 0.9 ×", share >= 0.9))
    return figures


async def _rate(bench: Bench, reports: Reports, count: int, each: int) -> float:
    """Return the tasks a second that `count` workers do while tasks wait for all of them."""
    publisher = Publisher(bench.nc)

    async def publish() -> None:
        await publisher.task(RenderTask(job=new_job_id(), number=1))

    reports.ended.clear()
    await each_of(count * each, publish)
    await reports.until(lambda so_far: len(so_far.ended) == count * each, PATIENCE)
    return throughput(reports.ended, count)


def throughput(ended: Sequence[Report], count: int) -> float:
    """Return the sum of the tasks a second of `count` workers, each between the ends of its first and its last task.

    Each worker's time ends with its own last task, because some workers run out of tasks before the others.
    """
    ends: defaultdict[int, list[float]] = defaultdict(list)
    for report in ended:
        ends[report.process].append(report.at)
    assert len(ends) == count, f"{count - len(ends)} of {count} workers had nothing to do"
    return sum((len(each) - 1) / (each[-1] - each[0]) for each in ends.values() if len(each) > 1)
