"""Cancelling, deleting and listing jobs, over real HTTP with a real NATS and a real store."""

import asyncio

import pytest
from clipmill.artifacts import layout
from clipmill.contracts import log_lines, subjects
from clipmill.contracts.events import ClipRendered, ClipsPlanned, Failed, Log, Reopened, Started
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import DownloadTask, RenderTask
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import ENDED_FOR_GOOD
from clipmill.messaging.dead_letters import DeadLetter
from clipmill.messaging.topology import ATTEMPTS, DEAD_LETTERS, EVENTS, INTAKE, TASKS
from nats.js.errors import NotFoundError

STRANGER = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def left_of(nc, gateway):
    """Return a function that lists all places with traces of a job, except `control` and a marker in `jobs`."""

    async def look(job):
        js, found = nc.jetstream(), []
        places = [(stream, subject) for stream in (INTAKE, TASKS) for subject in subjects.tasks_of_job(job)]
        places += [(EVENTS, subjects.events_of_job(job))]
        places += [(DEAD_LETTERS, subject) for subject in subjects.dead_letters_of_job(job)]
        places += [
            (f"KV_{bucket}", f"$KV.{bucket}.{job}{more}") for bucket, more in (("secrets", ""), ("attempts", ".>"))
        ]
        for stream, subject in places:
            try:
                await js.get_last_msg(stream, subject)
            except NotFoundError:
                continue
            found.append(f"{stream} {subject}")
        found += [prefix.name async for prefix in gateway.store.job_prefixes() if prefix.name == job]
        return found

    return look


@pytest.fixture
def finished(submit, published, clip_of, gateway):
    """Return a function that makes a completed job with one clip and its artifacts."""

    async def make():
        job = await submit()
        await gateway.store.put_bytes(layout.source(job), b"source")
        await gateway.store.put_bytes(layout.clip(job, 1), b"clip")
        await published(
            Started(job=job), ClipsPlanned(job=job, count=1), ClipRendered(job=job, clip=1, public=clip_of(job, 1))
        )
        return job

    return make


async def delete(api, job, **query):
    answer = await api.delete(f"/api/jobs/{job}", params=query)
    return answer.status, await answer.json()


async def test_a_queued_job_is_cancelled_and_nothing_is_left_to_do(api, nc, submit, gateway, until):
    job = await submit()
    await gateway.store.put_bytes(layout.upload(job), b"upload")
    assert await delete(api, job) == (200, {"job_id": job, "status": "cancelled"})
    status = await (await api.get(f"/api/status/{job}")).json()
    assert status == {"status": "failed", "logs": [f"Job {job} queued.", "Job cancelled."], "result": None}
    view = await (await api.get(f"/api/jobs/{job}")).json()
    assert (view["status"], view["error"]["code"]) == ("cancelled", "cancelled")
    assert (await nc.jetstream().stream_info(INTAKE)).state.messages == 0
    assert await gateway.ended.ended(JobId(job), ENDED_FOR_GOOD)

    async def cleared():
        return await gateway.store.size(layout.upload(job)) is None

    await until(cleared)


async def test_what_a_cancelled_job_rendered_is_not_served_any_more(api, submit, published, clip_of, gateway):
    job = await submit()
    await gateway.store.put_bytes(layout.clip(job, 1), b"clip")
    await published(
        Started(job=job), ClipsPlanned(job=job, count=2), ClipRendered(job=job, clip=1, public=clip_of(job, 1))
    )
    assert (await api.get(f"/videos/{job}/talk_clip_1.mp4")).status == 200
    assert (await delete(api, job))[0] == 200
    await gateway.store.put_bytes(layout.clip(job, 1), b"stored by a worker that was about to die")
    assert (await api.get(f"/videos/{job}/talk_clip_1.mp4")).status == 404
    assert (await (await api.get(f"/api/status/{job}")).json())["result"] is None


async def test_running_work_ends_at_once_even_if_the_projector_is_away(api, submit, gateway):
    job = await submit()
    gateway.projecting.cancel()
    await gateway.ended.start()
    with gateway.ended.watch(JobId(job), 0) as ended:
        deleting = asyncio.create_task(delete(api, job))
        async with asyncio.timeout(60):
            await ended.wait()
        assert not deleting.done(), "workers hear of it first, and the answer waits for the projector"
        assert await deleting == (202, {"job_id": job, "status": "cancelling"})
    await gateway.ended.stop()


async def test_a_job_that_completed_first_was_not_cancelled_and_can_be_reopened(api, submit, clip_of, gateway):
    job = await submit()
    gateway.projecting.cancel()
    for event in (ClipsPlanned(job=job, count=1), ClipRendered(job=job, clip=1, public=clip_of(job, 1))):
        await gateway.publisher.event(event)
    deleting = asyncio.create_task(delete(api, job))
    projecting = asyncio.create_task(gateway.projector.run())
    status, problem = await deleting
    projecting.cancel()
    assert (status, problem["code"]) == (409, "already_ended")
    assert problem["detail"] == "The job has already completed; delete it to remove its files."
    assert await gateway.ended.ended(JobId(job), 0)
    assert not await gateway.ended.ended(JobId(job), 1)


async def test_a_job_is_cancelled_again_in_each_generation(api, submit, published):
    """The server does not take a cancellation for the duplicate of an earlier one that came too late."""
    job = await submit()
    failed = Failed(job=job, stage=Stage.DOWNLOAD, code=ErrorCode.NO_VIDEO, sentence="None.")
    await published(failed)
    await published(Reopened(job=job, generation=1, line=log_lines.RETRIED))
    assert await delete(api, job) == (200, {"job_id": job, "status": "cancelled"})


async def test_deleting_a_finished_job_leaves_nothing_of_it(api, nc, finished, left_of, gateway, secrets):
    job, other = await finished(), await finished()
    render = RenderTask(job=job, number=1)
    await gateway.publisher.task(render)
    for task in (render, DownloadTask(job=job)):
        letter = DeadLetter(task=task, code=ErrorCode.INTERNAL, sentence="No.", attempts=3, at=0.0)
        await gateway.publisher.dead_letter(task, letter)
    await gateway.publisher.undecodable(b"?", subjects.task(render))
    await Attempts(await Bucket.open(nc, ATTEMPTS, Tally)).begin(render)
    await secrets.put(job, "a key")
    etag = (await api.get(f"/api/status/{job}")).headers["ETag"]
    assert len(await left_of(job)) == 9

    assert await delete(api, job) == (200, {"job_id": job, "status": "deleted"})
    assert await left_of(job) == []
    for path in (f"/api/status/{job}", f"/api/jobs/{job}"):
        answer = await api.get(path, headers={"If-None-Match": etag})
        assert (answer.status, await answer.json()) == (404, {"detail": "Job not found"})
    assert (await api.get(f"/videos/{job}/talk_clip_1.mp4")).status == 404
    assert await delete(api, job) == (404, {"detail": "Job not found"})
    assert (await api.get(f"/videos/{other}/talk_clip_1.mp4")).status == 200
    assert (await (await api.get(f"/api/status/{other}")).json())["status"] == "completed"


async def test_nothing_brings_a_deleted_job_back(api, finished, submit, published, gateway):
    job, other = await finished(), await submit()
    await delete(api, job)
    for event in (Log(job=job, name="late", line="Late."), Reopened(job=job, generation=1)):
        await gateway.publisher.event(event)
    await published(Started(job=other))
    assert (await api.get(f"/api/status/{job}")).status == 404


async def test_a_removal_that_broke_off_can_be_repeated(api, finished, left_of, gateway, until):
    job = await finished()
    removing = asyncio.create_task(gateway.removal.job(job))

    async def artifacts_gone():
        return await gateway.store.size(layout.source(job)) is None

    await until(artifacts_gone)
    removing.cancel()
    await asyncio.gather(removing, return_exceptions=True)
    await gateway.removal.job(job)
    assert await left_of(job) == []
    assert (await api.get(f"/api/status/{job}")).status == 404


async def test_only_keeps_a_cancelling_from_deleting_and_the_other_way_round(api, submit, finished):
    running, done = await submit(), await finished()
    assert (await delete(api, running, only="delete"))[1]["code"] == "not_ended"
    assert (await delete(api, done, only="cancel"))[1]["code"] == "already_ended"
    assert (await delete(api, done, only="both"))[0] == 400
    assert (await delete(api, running, only="cancel"))[1]["status"] == "cancelled"
    status, problem = await delete(api, running, only="cancel")
    sentence = "The job has already been cancelled; delete it to remove it from the list."
    assert (status, problem["detail"]) == (409, sentence)
    assert (await delete(api, done, only="delete"))[1]["status"] == "deleted"
    assert (await delete(api, running))[1]["status"] == "deleted"


@pytest.mark.parametrize("job", [STRANGER, "nonsense", "*", ">"])
async def test_deleting_an_unknown_job_is_the_contracts_404(api, job):
    assert await delete(api, job) == (404, {"detail": "Job not found"})


async def test_without_nats_nothing_is_ended_and_the_answer_is_a_503(api, submit, nats_server):
    job = await submit()
    nats_server.kill()
    for answer in (await api.delete(f"/api/jobs/{job}"), await api.get("/api/jobs")):
        assert (answer.status, (await answer.json())["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0


async def listed(api, **query):
    answer = await api.get("/api/jobs", params=query)
    assert answer.status == 200, await answer.text()
    body = await answer.json()
    return [job["job_id"] for job in body["jobs"]], body["next"]


async def test_jobs_are_listed_newest_first_page_by_page(api, submit):
    assert await listed(api) == ([], None)
    jobs = [await submit() for _ in range(5)]
    assert await listed(api) == (jobs[::-1], None)
    seen, cursor = await listed(api, limit=2)
    while cursor is not None:
        page, cursor = await listed(api, limit=2, before=cursor)
        assert len(page) <= 2
        seen += page
    assert seen == jobs[::-1]


async def test_a_list_follows_what_happens_to_its_jobs(api, submit, finished, published):
    queued, done, cancelled = await submit(priority="high"), await finished(), await submit()
    await listed(api)
    await delete(api, cancelled)
    assert await listed(api, status="queued") == ([queued], None)
    assert await listed(api, status="completed") == ([done], None)
    assert await listed(api, status="cancelled") == ([cancelled], None)
    assert await listed(api, status="failed") == ([], None)
    await published(Started(job=queued))
    (shown,) = (await (await api.get("/api/jobs", params={"status": "processing"})).json())["jobs"]
    assert (shown["job_id"], shown["priority"], shown["clips_ready"]) == (queued, "high", 0)
    await delete(api, done)
    assert await listed(api) == ([cancelled, queued], None)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", f"limit={'9' * 5000}", "status=lost", "before=1", "before=x_y"]
    + [f"before={at}_{STRANGER}" for at in ("nan", "inf", "-inf", "1e400", "")]
    + [f"query={'x' * 201}"],
)
async def test_a_list_that_cannot_be_made_is_a_400_that_names_the_field(api, query):
    answer = await api.get(f"/api/jobs?{query}")
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (400, "bad_option")
    assert problem["detail"].startswith(f'The parameter "{query.partition("=")[0]}" must be')


async def test_an_urgent_job_waits_among_the_urgent(api, submit, nc):
    job = await submit(priority="high")
    await nc.jetstream().get_last_msg(INTAKE, f"clipmill.task.download.high.{job}")
    assert (await (await api.get(f"/api/jobs/{job}")).json())["priority"] == "high"
