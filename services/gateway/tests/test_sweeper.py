"""The sweeper: expired jobs, orphaned artifacts and lost jobs, with a real NATS and a real store."""

import asyncio
import os
import sys
import time

import pytest
from aiohttp import ClientConnectionError, ClientSession, FormData
from clipmill.artifacts import layout
from clipmill.contracts import codec, log_lines
from clipmill.contracts.events import ClipFailed, ClipRendered, ClipsPlanned, Reopened, Started
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.gateway.sweeping.expired_jobs import ExpiredJobs
from clipmill.gateway.sweeping.lost_jobs import LostJobs
from clipmill.gateway.sweeping.orphans import Orphans
from clipmill.gateway.sweeping.sweeper import SWEEPS, Sweeper
from clipmill.gateway.sweeping.unfinished_removals import UnfinishedRemovals
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import ENDED_FOR_GOOD
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.topology import CONTROL, EVENTS, INTAKE
from nats.js.errors import NotFoundError

SILENCE = 0.3
"""Seconds after which a job of these tests counts as lost."""

LONG = 3600.0


@pytest.fixture
def sweep(gateway, nc, until):
    """Return a function that runs one sweep as the sweeper does, and asserts that it succeeds.

    If the projector runs, the function waits first until it has folded all events.
    """

    async def folded():
        stopped = gateway.projecting.cancelling() or gateway.projecting.done()
        return stopped or gateway.projector.folded >= (await nc.jetstream().stream_info(EVENTS)).state.last_seq

    async def once(sweep):
        await until(folded)
        finished = SWEEPS.labels(sweep.name, "finished")
        before = finished._value.get()
        await Sweeper(gateway.index, [sweep], every=LONG).sweep()
        assert finished._value.get() == before + 1

    return once


@pytest.fixture
def completed(submit, published, clip_of, gateway):
    """Return a function that makes a completed job with one clip and its artifact."""

    async def make():
        job = await submit()
        await gateway.store.put_bytes(layout.clip(job, 1), b"clip")
        await published(ClipsPlanned(job=job, count=1), ClipRendered(job=job, clip=1, public=clip_of(job, 1)))
        return job

    return make


@pytest.fixture
def expired(gateway):
    """Return a function that makes the sweep of expired jobs."""
    return lambda retention: ExpiredJobs(gateway.index, gateway.documents, gateway.removal, retention=retention)


@pytest.fixture
def orphans(gateway):
    """Return a function that makes the sweep of orphaned artifacts."""

    def make(age, settling=LONG):
        return Orphans(gateway.index, gateway.documents, gateway.store, gateway.removal, age=age, settling=settling)

    return make


@pytest.fixture
def lost(nc, gateway):
    """Return a function that makes the sweep of lost jobs."""

    def make(silence=SILENCE, folded=lambda: gateway.projector.folded):
        return LostJobs(
            JobStreams(nc),
            gateway.index,
            gateway.documents,
            gateway.publisher,
            folded,
            silence=silence,
            answer_seconds=2.0,
        )

    return make


@pytest.fixture
def taken(nc):
    """Return a function that takes the only task of the first stage, as a worker that then forgets it would."""

    async def take():
        message = await nc.jetstream().get_msg(INTAKE, seq=(await intake(nc)).first_seq)
        await nc.jetstream().delete_msg(INTAKE, message.seq)
        return codec.decode_task(message.data)

    return take


async def intake(nc):
    return (await nc.jetstream().stream_info(INTAKE)).state


async def status_of(api, job):
    return await (await api.get(f"/api/status/{job}")).json()


async def known(api, job):
    return (await api.get(f"/api/status/{job}")).status == 200


async def test_a_job_that_ended_long_ago_goes_with_all_it_had(api, completed, gateway, expired, sweep):
    job = await completed()
    await sweep(expired(LONG))
    assert await known(api, job)
    await sweep(expired(0.0))
    assert await status_of(api, job) == {"detail": "Job not found"}
    assert await gateway.store.size(layout.clip(job, 1)) is None


async def test_a_job_at_work_never_expires(api, submit, clip_of, published, gateway, expired):
    running, reopened = await submit(), await submit()
    failure = ClipFailed(job=reopened, clip=2, code=ErrorCode.OUT_OF_MEMORY, sentence="No memory was left.")
    rendered = ClipRendered(job=reopened, clip=1, public=clip_of(reopened, 1))
    await published(Started(job=running), ClipsPlanned(job=reopened, count=2), rendered, failure)
    await gateway.index.refresh()
    assert gateway.index.jobs[reopened].status == "completed"
    await published(Reopened(job=reopened, generation=1, clip=2))
    await expired(0.0).run()
    assert await known(api, running)
    assert await known(api, reopened)


async def test_a_deleting_that_was_broken_off_is_finished(api, nc, submit, completed, gateway, sweep):
    halfway, kept, cancelled = await completed(), await completed(), await submit()
    await gateway.ended.end(halfway, ENDED_FOR_GOOD)  # the first step of a removal
    await api.delete(f"/api/jobs/{cancelled}")
    await sweep(
        UnfinishedRemovals(await Bucket.open(nc, CONTROL, int), gateway.index, gateway.documents, gateway.removal)
    )
    assert not await known(api, halfway)
    assert await gateway.store.size(layout.clip(halfway, 1)) is None
    assert await known(api, kept)
    assert await known(api, cancelled)


async def test_artifacts_of_no_job_are_removed_once_they_are_old(gateway, orphans, sweep, tmp_path):
    old, young = new_job_id(), new_job_id()
    for job in (old, young):
        await gateway.store.put_bytes(layout.upload(job), b"a file whose gateway died")
        await gateway.store.put_bytes(layout.given_transcript(job), b"{}")
    for name in ("notes", str(old).upper()):
        await gateway.store.put_bytes(f"jobs/{name}/file", b"not ours")
    for path in (tmp_path / "store").rglob("*"):
        if str(young) not in str(path):
            os.utime(path, (time.time() - LONG, time.time() - LONG))
    await sweep(orphans(LONG / 2))
    assert await gateway.store.size(layout.upload(old)) is None
    assert await gateway.store.size(layout.upload(young)) is not None
    assert await gateway.store.size("jobs/notes/file") is not None
    assert await gateway.store.size(f"jobs/{str(old).upper()}/file") is not None


async def test_artifacts_of_a_job_that_is_known_are_kept(submit, completed, gateway, orphans):
    running, done = await submit(), await completed()
    await gateway.index.refresh()
    unseen = await submit()  # since the index was brought up to date
    for job in (running, unseen):
        await gateway.store.put_bytes(layout.source(job), b"source")
    await orphans(0.0, settling=0.0).run()
    for key in (layout.source(running), layout.source(unseen), layout.clip(done, 1)):
        assert await gateway.store.size(key) is not None


async def test_artifacts_of_a_job_whose_document_was_lost_are_kept_as_long_as_its_events_are(
    nc, completed, gateway, orphans
):
    job = await completed()
    await nc.jetstream().purge_stream("KV_jobs")
    await orphans(0.0).run()
    assert await gateway.store.size(layout.clip(job, 1)) is not None
    await nc.jetstream().purge_stream("EVENTS", subject=f"clipmill.event.{job}.>")
    await orphans(0.0).run()
    assert await gateway.store.size(layout.clip(job, 1)) is None


async def test_what_lands_after_a_job_was_cancelled_goes_in_the_end(
    api, submit, gateway, orphans, sweep, until, tmp_path
):
    job = await submit()
    await gateway.store.put_bytes(layout.media(job), b"stored before")
    assert (await api.delete(f"/api/jobs/{job}")).status == 200

    async def cleared():
        return not (tmp_path / "store" / layout.job_prefix(job)).exists()

    await until(cleared)
    await gateway.store.put_bytes(layout.source(job), b"stored while dying")
    await sweep(orphans(LONG))
    assert await gateway.store.size(layout.source(job)) is not None, "its workers may be dying still"
    sweeping = orphans(0.0, settling=0.0)
    await sweep(sweeping)
    assert await gateway.store.size(layout.source(job)) is None
    await gateway.store.put_bytes(layout.source(job), b"stored by a worker that was cut off")
    await sweep(sweeping)
    assert await gateway.store.size(layout.source(job)) is None


async def test_a_lost_job_is_restarted_once_and_then_fails(api, submit, nc, taken, lost, sweep, until):
    job = await submit(priority="high", target_clips=2)
    first = await taken()
    await asyncio.sleep(SILENCE)
    await sweep(lost())
    second = await taken()
    assert (second.generation, second.message_id) == (1, f"task.{job}.download.1")
    assert (second.url, second.options, second.priority) == (first.url, first.options, first.priority)

    async def said(line):
        return (await status_of(api, job))["logs"][-1] == line

    await until(lambda: said(log_lines.REVIVED))
    assert (await status_of(api, job))["status"] == "queued"

    await sweep(lost())
    assert (await intake(nc)).messages == 0, "it has only just been revived"
    await asyncio.sleep(SILENCE)
    await sweep(lost())
    sentence = "clipmill lost the work on this video twice; submit the video again."
    await until(lambda: said(f"Execution error: {sentence}"))
    view = await (await api.get(f"/api/jobs/{job}")).json()
    assert (view["status"], view["error"]) == ("failed", {"code": "lost_task", "sentence": sentence})
    await sweep(lost())
    assert (await intake(nc)).messages == 0


async def test_an_upload_is_restarted_from_its_file(api, taken, lost, sweep):
    form = FormData()
    form.add_field("file", b"a film", filename="film.mp4")
    answer = await api.post("/api/process", data=form)
    assert answer.status == 200
    await taken()
    await asyncio.sleep(SILENCE)
    await sweep(lost())
    again = await taken()
    assert (again.url, again.file_name) == (None, "film.mp4")


async def test_a_job_whose_task_waits_or_is_being_worked_on_is_not_lost(submit, nc, lost, sweep):
    await submit()
    await submit()
    subscription = await nc.jetstream().pull_subscribe_bind("download_normal", INTAKE)
    await subscription.fetch(1)
    await asyncio.sleep(SILENCE)
    await sweep(lost())
    assert (await intake(nc)).messages == 2
    await subscription.unsubscribe()


async def test_a_job_that_publishes_an_event_or_whose_events_wait_for_the_projector_is_not_lost(
    submit, nc, gateway, taken, lost, sweep
):
    job = await submit()
    await taken()
    await asyncio.sleep(SILENCE)
    await sweep(lost(folded=lambda: 0))
    gateway.projecting.cancel()
    await gateway.publisher.event(Started(job=job))
    await sweep(lost())
    assert (await intake(nc)).messages == 0
    await asyncio.sleep(SILENCE)
    await sweep(lost())
    assert (await intake(nc)).messages == 0, "its last event is not in its document yet"


async def test_a_job_that_ended_meanwhile_is_not_revived(api, submit, nc, gateway, taken, lost):
    job = await submit()
    await taken()
    await gateway.index.refresh()
    assert (await api.delete(f"/api/jobs/{job}")).status == 200
    await asyncio.sleep(SILENCE)
    await lost().run()
    assert (await intake(nc)).messages == 0


async def test_where_no_more_work_is_taken_in_a_lost_job_waits(api, submit, nc, taken, lost, sweep):
    job = await submit()
    await taken()
    await submit()
    js = nc.jetstream()
    await js.update_stream((await js.stream_info(INTAKE)).config.evolve(max_msgs=1))
    await asyncio.sleep(SILENCE)
    await sweep(lost())
    assert (await status_of(api, job))["logs"] == [f"Job {job} queued."]
    await taken()
    await sweep(lost())
    assert (await taken()).job == job


async def test_a_sweep_that_fails_does_not_keep_the_others_from_theirs(gateway, completed, expired, api):
    class Broken:
        name = "broken"

        async def run(self):
            raise NotFoundError

    job = await completed()
    await Sweeper(gateway.index, [Broken(), expired(0.0)], every=LONG).sweep()
    assert SWEEPS.labels("broken", "failed")._value.get() == 1
    assert not await known(api, job)


async def test_sweeping_goes_on_after_an_outage(gateway, completed, expired, nats_server, api, until):
    job = await completed()
    nats_server.kill()
    sweeping = asyncio.create_task(Sweeper(gateway.index, [expired(0.0)], every=0.05).run())
    failed = SWEEPS.labels("reading", "failed")
    before = failed._value.get()

    async def noticed():
        return failed._value.get() > before

    await until(noticed)
    nats_server.start()

    async def gone():
        return (await api.get(f"/api/status/{JobId(job)}")).status == 404

    await until(gone, 20)
    sweeping.cancel()


async def test_a_running_gateway_revives_fails_and_forgets_a_job_that_keeps_losing_its_task(
    nc, nats_server, tmp_path, unused_tcp_port, until
):
    environ = {
        **os.environ,
        "CLIPMILL_NATS_URL": nats_server.url,
        "CLIPMILL_STORE_URL": (tmp_path / "store").as_uri(),
        "CLIPMILL_JOB_RETENTION": "1",
        "CLIPMILL_GATEWAY_PORT": str(unused_tcp_port),
        "CLIPMILL_GATEWAY_SWEEP_SECONDS": "0.2",
        "CLIPMILL_GATEWAY_LOST_SECONDS": "0.5",
    }
    js, address = nc.jetstream(), f"http://127.0.0.1:{unused_tcp_port}"
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "clipmill.gateway", env=environ)
    try:
        async with ClientSession(address) as client:

            async def ready():
                try:
                    return (await client.get("/health/ready")).status == 200
                except ClientConnectionError:
                    return False

            await until(ready, 30)
            accepted = await client.post("/api/process", json={"url": "https://example.com/talk.mp4"})
            status = f"/api/status/{(await accepted.json())['job_id']}"
            await js.purge_stream(INTAKE)

            async def revived():
                return (await intake(nc)).messages == 1

            await until(revived)
            await js.purge_stream(INTAKE)
            seen = []

            async def forgotten():
                answer = await client.get(status)
                seen.append(await answer.json())
                return answer.status == 404

            await until(forgotten, 20)
    finally:
        process.terminate()
        assert await process.wait() == 0
    assert seen[-2]["status"] == "failed"
    assert seen[-2]["logs"][1:] == [
        log_lines.REVIVED,
        log_lines.FAILED,
        "Execution error: clipmill lost the work on this video twice; submit the video again.",
    ]
