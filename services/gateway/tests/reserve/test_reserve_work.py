"""The work on clips of the reserve: gateway, projector, renderer, sweeper and operator together on a real server."""

import asyncio

import pytest
from clipmill.artifacts import layout
from clipmill.contracts import log_lines
from clipmill.contracts.events import (
    ClipRendered,
    ClipsWanted,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.status import JobState
from clipmill.contracts.tasks import RenderTask
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.projection.rebuilding import Rebuilding
from clipmill.gateway.sweeping.expired_jobs import ExpiredJobs
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.reopening import Outcome
from clipmill.messaging.topology import CHECKPOINT
from reserves import clip_failed


async def test_each_clip_of_the_reserve_is_rendered_once_though_several_ask_for_it(completed, ask, renderer, settled):
    job = await completed()
    bodies = [{"more": 2}, {"numbers": [3]}, {"numbers": [3, 5]}, {"numbers": [5]}]
    answers = await asyncio.gather(*(ask(job, body) for body in bodies))
    assert [status for status, _ in answers] == [202] * 4
    given = {number for _, body in answers for number in body["numbers"]}
    document = await settled(job)
    assert sorted(document.clips_ready) == sorted({1, 2} | given)
    assert renderer.made == dict.fromkeys(given, 1)
    assert document.state is JobState.COMPLETED
    assert document.logs.count(log_lines.FINISHED) == 1


async def test_a_clip_that_is_given_up_is_retried_by_its_dead_letter_in_a_completed_job(
    completed, ask, renderer, settled, letters, operator
):
    job = await completed()
    renderer.broken.add(4)
    await ask(job, {"numbers": [3, 4]})
    before = await settled(job)
    assert (before.state, before.clips_ready, list(before.clips_failed)) == (JobState.COMPLETED, [1, 2, 3], [4])
    assert before.logs[-1] == "Clip 4 of 5 failed: No memory was left."
    renderer.broken.clear()
    (letter,) = await letters.all(job)
    retried = await operator.retry(letter.id)
    assert (retried.outcome, retried.clip, retried.generation) == (Outcome.REOPENED, 4, 2)
    after = await settled(job, 2)
    assert after.logs == [*before.logs, "Clip 4 is tried again.", "Clip 4 of 5 ready: It's 🎬 <b>"]
    assert (after.state, after.clips_ready, after.clips_failed) == (JobState.COMPLETED, [1, 2, 3, 4], {})
    assert await letters.all(job) == []


async def test_several_given_up_clips_of_the_reserve_are_retried_at_once(
    completed, ask, renderer, settled, letters, operator, tasks
):
    job = await completed()
    renderer.broken |= {3, 5}
    await ask(job, {"numbers": [3, 5]})
    await settled(job)
    renderer.broken.clear()
    retried = await operator.retry_job(job)
    assert (retried.clip, len(retried.removed)) == (None, 2)
    assert [type(task) for task in await tasks(job)] in ([], [RenderTask], [RenderTask] * 2), "nothing else is done"
    after = await settled(job, 2)
    assert (after.state, sorted(after.clips_ready), after.clips_failed) == (JobState.COMPLETED, [1, 2, 3, 5], {})
    assert after.logs.count(log_lines.FINISHED) == 1
    assert await letters.all(job) == []


async def test_a_retry_of_all_letters_leaves_the_clips_that_were_cancelled(
    api, completed, ask, renderer, settled, letters, operator
):
    job = await completed()
    renderer.broken |= {3, 5}
    await ask(job, {"numbers": [3, 5]})
    await settled(job)
    renderer.slow |= {4}
    await ask(job, {"numbers": [4]})
    assert (await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})).status == 200
    renderer.broken.clear()
    await operator.retry_job(job)
    document = await settled(job, 3)
    assert (sorted(document.clips_ready), list(document.clips_failed)) == ([1, 2, 3, 5], [4])
    assert renderer.begun[4] <= 1


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("all_letters", [True, False])
async def test_the_letter_of_a_clip_that_was_rendered_on_demand_meanwhile_is_only_removed(
    completed, ask, renderer, settled, letters, operator, store, gateway, fresh, all_letters
):
    job = await completed()
    renderer.broken |= {4, 5}
    await ask(job, {"numbers": [4, 5]})
    await settled(job)
    renderer.broken.clear()
    await ask(job, {"numbers": [4]})
    before = await settled(job, 2)
    assert before.clips_ready == [1, 2, 4]
    stale = next(kept for kept in await letters.all(job) if kept.letter.task.clip == 4)
    if all_letters:
        retried = await operator.retry_job(job, fresh=fresh)
        assert (retried.outcome, retried.clip, len(retried.removed)) == (Outcome.REOPENED, 5, 2)
        after = await settled(job, 3)
        assert after.clips_ready == [1, 2, 4, 5]
        assert after.logs == [*before.logs, "Clip 5 is tried again.", "Clip 5 of 5 ready: It's 🎬 <b>"]
        assert await letters.all(job) == []
    else:
        retried = await operator.retry(stale.id, fresh=fresh)
        assert (retried.outcome, retried.clip, retried.removed) == (Outcome.ANSWERED, 4, (stale.id,))
        assert await gateway.statuses.document(job) == before
        assert [kept.letter.task.clip for kept in await letters.all(job)] == [5]
    assert await store.size(layout.clip(job, 4))
    assert renderer.made[4] == 1


async def test_deleting_the_job_stops_a_clip_that_is_being_rendered(api, completed, ask, renderer, until, tasks):
    job = await completed()
    renderer.slow |= {3}
    await ask(job, {"more": 3})

    async def at_work():
        return bool(renderer.begun[3])

    await until(at_work)
    assert (await api.delete(f"/api/jobs/{job}")).status == 200
    async with asyncio.timeout(60):
        await renderer.stopped.wait()
    assert await tasks(job) == []
    assert renderer.made[3] == 0


async def test_cancelling_the_wanted_clips_stops_the_one_that_is_being_rendered(
    api, completed, ask, renderer, until, settled, gateway
):
    job = await completed()
    renderer.slow |= {3}
    await ask(job, {"numbers": [3]})

    async def at_work():
        return bool(renderer.begun[3])

    await until(at_work)
    assert (await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})).status == 200
    async with asyncio.timeout(60):
        await renderer.stopped.wait()
    document = await settled(job)
    assert (document.state, document.clips_failed[3].code) == (JobState.COMPLETED, ErrorCode.CANCELLED)
    renderer.slow.clear()
    await ask(job, {"numbers": [3]})
    assert (await settled(job, 2)).clips_ready == [1, 2, 3]


async def test_a_job_with_an_open_clip_never_expires_and_is_kept_from_its_last_clip_on(
    api, completed, ask, published, gateway, clip_of
):
    job = await completed()
    await ask(job, {"numbers": [3]})

    async def sweep(retention):
        await gateway.index.refresh()
        await ExpiredJobs(gateway.index, gateway.documents, gateway.removal, retention=retention).run()
        return (await api.get(f"/api/status/{job}")).status

    assert await sweep(0.0) == 200
    ended = (await gateway.statuses.document(job)).finished
    await published(ClipRendered(job=job, clip=3, generation=1, public=clip_of(job, 3), at=ended + 3600))
    assert await sweep(0.0) == 200
    await published(ClipsWanted(job=job, generation=2, numbers=(4,)), clip_failed(job, 4, 2))
    assert await sweep(0.0) == 404


async def test_a_rebuild_gives_the_document_of_a_job_with_wanted_clips_to_the_byte(
    nc, completed, ask, published, gateway, clip_of, secrets, tasks
):
    job, other = await completed(), await completed()
    await ask(job, {"more": 2}, key="a key")
    await published(clip_failed(job, 4, 1))
    await ask(job, {"numbers": [4, 5]})
    await published(ClipRendered(job=job, clip=5, generation=2, public=clip_of(job, 5)))
    kept = {name: (await gateway.documents.get(name)).data for name in (job, other)}
    assert b'"wanted":{"3":1,"4":2}' in kept[job]
    streams = JobStreams(nc)
    view = JobsView(streams, gateway.ended, secrets)
    checkpoints = await Bucket.open(nc, CHECKPOINT, int)

    async def rebuild():
        projector = Projector(streams, gateway.documents, checkpoints, view)
        return await Rebuilding(streams, gateway.documents, projector, view).run()

    assert (await rebuild()).equal == 2
    gateway.projecting.cancel()
    await asyncio.gather(gateway.projecting, return_exceptions=True)
    await nc.jetstream().purge_stream("KV_jobs")
    report = await rebuild()
    assert (report.created, len(report.missing)) == (2, 2)
    assert {name: (await gateway.documents.get(name)).data for name in (job, other)} == kept
    assert not await gateway.ended.ended(job, 1), "clip 3 is open"
    assert await ask(job, {"more": 2}, key="a key") == (202, {"job_id": job, "numbers": [3, 4]})
