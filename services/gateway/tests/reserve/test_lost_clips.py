"""Wanted clips whose tasks are lost: each is published once more, whatever dies meanwhile."""

import asyncio
import contextlib

import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.documents import save_once
from clipmill.contracts.events import (
    ClipsPlanned,
    ClipsWanted,
    Reopened,
    Started,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.status import JobState
from clipmill.contracts.tasks import DownloadTask, RenderTask
from clipmill.messaging.topology import INTAKE, TASKS
from reserves import clip_failed, numbered, plan_of


class Killed(Exception):
    """The process ended here."""


class DyingPublisher:
    """Publishes `left` messages; at the next one its process is killed."""

    def __init__(self, publisher, left):
        self._publisher = publisher
        self._left = left

    def __getattr__(self, name):
        if not self._left:
            raise Killed
        self._left -= 1
        return getattr(self._publisher, name)


async def test_only_the_missing_clips_of_a_lost_request_are_rendered_once_more(
    completed, published, renderer, gateway, settled, lost
):
    """The gateway died after the first of two tasks."""
    job = await completed()
    await published(ClipsWanted(job=job, generation=1, numbers=(3, 4)))
    await gateway.publisher.task(RenderTask(job=job, number=3, generation=1))

    async def rendered():
        return 3 in (await gateway.statuses.document(job)).clips_ready

    async with asyncio.timeout(60):
        while not await rendered():
            await asyncio.sleep(0.02)
    await lost()
    document = await settled(job, 2)
    assert document.clips_ready == [1, 2, 3, 4]
    assert renderer.begun == {3: 1, 4: 1}
    assert document.state is JobState.COMPLETED


async def test_clips_whose_tasks_are_lost_twice_fail_and_the_job_stays_completed(
    api, completed, ask, lost, tasks, nc, gateway
):
    job = await completed()
    await ask(job, {"numbers": [3, 5]})
    await lost()
    assert await numbered(tasks, job) == [(3, 1), (5, 1)], "their tasks wait"
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await numbered(tasks, job) == [(3, 2), (5, 2)]
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await tasks(job) == []
    document = await gateway.statuses.document(job)
    assert {clip: failure.code for clip, failure in document.clips_failed.items()} == dict.fromkeys((3, 5), "lost_task")
    assert (document.state, document.wanted) == (JobState.COMPLETED, {})
    assert document.logs[-1].endswith("clipmill lost the work on this clip twice; ask for it again.")
    await ask(job, {"numbers": [3]})
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await numbered(tasks, job) == [(3, 4)], "a new request may be lost once again"


async def test_each_clip_may_be_lost_once_whatever_became_of_the_others(completed, ask, lost, tasks, nc, gateway):
    job = await completed()
    await ask(job, {"numbers": [3]})
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await numbered(tasks, job) == [(3, 2)]
    await ask(job, {"numbers": [4]})
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await numbered(tasks, job) == [(4, 4)]
    document = await gateway.statuses.document(job)
    assert (document.wanted, list(document.clips_failed)) == ({4: 4}, [3])


async def test_a_job_that_is_revived_has_the_tasks_of_its_open_clips_published_too(
    submit, published, rendered, ask, lost, tasks, nc, gateway, store
):
    job = await submit()
    await save_once(store, layout.plan(job), plan_of())
    planned = ClipsPlanned(job=job, count=2, reserve=3)
    await published(Started(job=job), planned, await rendered(job, 2), clip_failed(job, 1, 0))
    await ask(job, {"numbers": [4, 5]})
    await published(clip_failed(job, 5, 1), Reopened(job=job, generation=2, clip=1))
    for stream in (INTAKE, TASKS):
        await nc.jetstream().purge_stream(stream)
    await lost()
    kinds = {(type(task), task.clip, task.generation) for task in await tasks(job)}
    assert kinds == {(DownloadTask, None, 3), (RenderTask, 4, 3)}
    for stream in (INTAKE, TASKS):
        await nc.jetstream().purge_stream(stream)
    await published(await rendered(job, 1, 3))
    document = await gateway.statuses.document(job)
    assert (document.state, document.wanted, list(document.clips_failed)) == (JobState.COMPLETED, {4: 3}, [5])
    await lost()
    assert (await gateway.statuses.document(job)).clips_failed[4].code == ErrorCode.LOST_TASK, "now it was lost twice"


@pytest.mark.parametrize("messages", range(4))
async def test_a_sweeper_that_is_killed_while_it_publishes_lost_clips_again_gives_none_up(
    completed, published, renderer, gateway, settled, lost, messages
):
    """It publishes two tasks and an event."""
    job = await completed()
    await published(ClipsWanted(job=job, generation=1, numbers=(3, 4)))
    with contextlib.suppress(Killed):
        await lost(DyingPublisher(gateway.publisher, messages))
    async with asyncio.timeout(60):
        while (await gateway.statuses.document(job)).wanted:
            await lost()
    document = await settled(job)
    assert (sorted(document.clips_ready), document.clips_failed) == ([1, 2, 3, 4], {})
    assert renderer.made == {3: 1, 4: 1}
