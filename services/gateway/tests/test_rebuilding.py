"""The rebuild of job documents from the events: correct to the byte, while projectors fold and jobs go on."""

import asyncio
import contextlib
import json
import os
import random
import sys

import msgspec
import pytest
from clipmill.artifacts.store import open_store
from clipmill.contracts import codec
from clipmill.contracts.events import Cancelled, ClipsPlanned, Failed, Log, Queued, StageStarted, Started
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection import fold, rebuilding
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.projection.rebuild_command import UNREACHABLE
from clipmill.gateway.projection.rebuilding import Rebuilding
from clipmill.gateway.removal import Removal
from clipmill.messaging import topology
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector, read_to_end
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import CHECKPOINT, CONTROL, JOBS, SECRETS
from nats.js.errors import KeyNotFoundError

BUCKET = JOBS.stream


class Folding:
    """The parts of a gateway's projector; each call makes new ones."""

    def __init__(self, nc):
        self.nc = nc
        self.streams = JobStreams(nc)

    async def parts(self):
        js = self.nc.jetstream()
        ended = EndedJobs(await Bucket.open(self.nc, CONTROL, int))
        view = JobsView(self.streams, ended, Secrets(await Bucket.open(self.nc, SECRETS, bytes), None))
        checkpoints = await Bucket.open(self.nc, CHECKPOINT, int)
        projector = Projector(self.streams, await self.documents(), checkpoints, view)
        return await js.key_value(JOBS.name), projector, view, ended

    async def documents(self):
        return await Bucket.open(self.nc, JOBS, JobDocument)

    @contextlib.asynccontextmanager
    async def projecting(self):
        """Run a projector that starts again after an error, as the gateway's does."""

        async def run():
            while True:
                try:
                    await (await self.parts())[1].run()
                except* msgspec.DecodeError:
                    await asyncio.sleep(0.1)

        task = asyncio.create_task(run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def rebuild(self, *, check=False):
        _, projector, view, _ = await self.parts()
        return await Rebuilding(self.streams, await self.documents(), projector, view, check=check).run()

    async def refolded(self):
        """Return the fold of all events, one after the other, by job."""
        documents = {}
        async for batch in read_to_end(self.streams, 0):
            for stored in batch:
                event = codec.decode_event(stored.data)
                if stored.job in documents:
                    fold.fold(documents[stored.job], stored.sequence, event)
                elif begun := fold.begin(stored.sequence, event):
                    documents[stored.job] = begun
        return {job: msgspec.json.encode(document) for job, document in documents.items()}

    async def held(self):
        """Return the documents in the bucket, by job."""
        jobs = (await self.parts())[0]
        found = {}
        for job in await self.refolded():
            with contextlib.suppress(KeyNotFoundError):
                found[job] = (await jobs.get(job)).value
        return found


@pytest.fixture
def folding(nc):
    return Folding(nc)


@pytest.fixture
def publisher(nc):
    return Publisher(nc)


@pytest.fixture
def publish_job(publisher):
    """Return a function that publishes the events of a job, with a random number of lines, and returns the job."""
    chance = random.Random(7)

    async def publish(*, end=None):
        job = new_job_id()
        await publisher.event(Queued(job=job, source="talk.mp4", upload=True))
        await publisher.event(Started(job=job))
        await publisher.event(StageStarted(job=job, stage=Stage.DOWNLOAD, line="Receiving upload..."))
        for number in range(chance.randrange(6)):
            await publisher.event(Log(job=job, name=str(number), line=f"Line {number}"))
        if end is not None:
            await publisher.event(end(job))
        return job

    return publish


def failed(job):
    return Failed(job=job, stage=Stage.DOWNLOAD, code=ErrorCode.UNREADABLE_MEDIA, sentence="No video.")


async def settled(folding):
    """Wait until the bucket holds the fold of all events."""
    async with asyncio.timeout(60):
        while await folding.held() != await folding.refolded():
            await asyncio.sleep(0.05)


async def test_a_bucket_that_is_right_is_left_alone(nc, folding, publish_job):
    async with folding.projecting():
        for _ in range(5):
            await publish_job()
        await settled(folding)
    last = (await nc.jetstream().stream_info(BUCKET)).state.last_seq
    report = await folding.rebuild()
    assert (report.jobs, report.equal, report.rewritten, report.created, report.without_events) == (5, 5, 0, 0, ())
    assert (await nc.jetstream().stream_info(BUCKET)).state.last_seq == last


async def test_a_job_whose_document_is_too_large_is_named_and_left_as_it_is(command, folding, publish_job, publisher):
    large = await publish_job()
    for number in range(3):
        await publisher.event(Log(job=large, name=f"long {number}", line="x" * 500_000))
    other = await publish_job()
    for check in (True, False):
        report = await folding.rebuild(check=check)
        assert (report.jobs, report.too_large, report.different, report.missing) == (2, (large,), (), (other,))
    assert list(await folding.held()) == [other]
    status, out, _ = await command("--check")
    assert (status, out.splitlines()[-1]) == (1, f"too large        1  left unchanged: {large}")


async def test_an_emptied_bucket_is_filled_while_projectors_fold_and_jobs_go_on(nc, folding, publish_job, publisher):
    async with folding.projecting(), folding.projecting():
        old = [await publish_job() for _ in range(20)]
        await settled(folding)
        writing = True

        async def go_on():
            number = 0
            while writing:
                for job in old[:8]:
                    await publisher.event(Log(job=job, name=f"more {number}", line="More."))
                await publish_job()
                number += 1
            return number

        writer = asyncio.create_task(go_on())
        await nc.jetstream().purge_stream(BUCKET)
        report = await folding.rebuild()
        writing = False
        assert await writer > 0
        assert set(old) <= set(report.missing)
        assert (report.created, report.rewritten, report.without_events) == (len(report.missing), 0, ())
        await settled(folding)
        assert (await folding.rebuild(check=True)).missing == ()


async def test_a_wrong_document_is_rewritten_and_a_right_one_is_not_touched(folding, publish_job, nc):
    async with folding.projecting():
        right, garbled, other, ahead, gone = [await publish_job() for _ in range(5)]
        await settled(folding)
        expected = await folding.refolded()
        jobs = (await folding.parts())[0]
        wrong = msgspec.json.decode(expected[other], type=JobDocument)
        wrong.logs.append("Nobody said this.")
        await jobs.put(other, msgspec.json.encode(wrong))
        wrong = msgspec.json.decode(expected[ahead], type=JobDocument)
        wrong.sequence = 10**9
        await jobs.put(ahead, msgspec.json.encode(wrong))
        await jobs.put(garbled, b"\x00 not a document")
        await jobs.delete(gone)
        before = await folding.held()

        checked = await folding.rebuild(check=True)
        assert (checked.different, checked.missing) == (tuple(sorted([garbled, other, ahead])), (gone,))
        assert (checked.equal, checked.rewritten, checked.created) == (1, 0, 0)
        assert await folding.held() == before, "a check writes nothing"

        report = await folding.rebuild()
        assert (report.jobs, report.equal, report.rewritten, report.created) == (5, 1, 3, 1)
        assert await folding.held() == expected
        statuses = Statuses(await folding.documents(), answer_seconds=2)
        assert [(await statuses.document(job)).state for job in (right, garbled, gone)] == [JobState.PROCESSING] * 3


async def test_a_projector_that_cannot_decode_a_document_goes_on_after_it(folding, publish_job, publisher):
    async with folding.projecting():
        job = await publish_job()
        await settled(folding)
        jobs = (await folding.parts())[0]
        await jobs.put(job, b"{")
        await publisher.event(Log(job=job, name="while it is broken", line="Still here."))
        report = await folding.rebuild()
        assert report.rewritten == 1
        await publisher.event(ClipsPlanned(job=job, count=2))
        await settled(folding)


async def test_without_a_projector_a_job_that_ended_is_ended_before_its_document_says_so(
    folding, publish_job, monkeypatch
):
    monkeypatch.setattr(rebuilding, "STALLED_SECONDS", 0.3)
    failing, cancelled, living = (
        await publish_job(end=failed),
        await publish_job(end=lambda job: Cancelled(job=job)),
        await publish_job(),
    )
    report = await folding.rebuild()
    ended = (await folding.parts())[3]
    assert (report.created, report.jobs) == (3, 3)
    assert await folding.held() == await folding.refolded()
    assert [await ended.ended(job, 0) for job in (failing, cancelled, living)] == [True, True, False]
    assert not await ended.ended(failing, 1), "it may be reopened"


async def test_a_topology_that_was_deleted_and_applied_again_gets_its_documents_back(
    nc, nats_server, folding, publish_job
):
    if not nats_server.whole:
        pytest.skip("new buckets need all three servers")
    async with folding.projecting():
        for _ in range(4):
            await publish_job()
        await settled(folding)
    expected = await folding.refolded()
    js = nc.jetstream()
    for bucket in topology.BUCKETS:
        await js.delete_key_value(bucket.name)
    await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
    async with folding.projecting():
        await folding.rebuild()
        assert await folding.held() == expected


async def test_a_deleted_job_does_not_come_back_and_a_document_without_events_stays(nc, folding, publish_job, tmp_path):
    async with folding.projecting():
        deleted, forgotten, kept = [await publish_job(end=failed) for _ in range(3)]
        await settled(folding)
        jobs, _, _, ended = await folding.parts()
        js = nc.jetstream()
        store = open_store(tmp_path.as_uri())
        await Removal(folding.streams, store, await folding.documents(), ended, answer_seconds=5).job(deleted)
        await js.purge_stream("EVENTS", subject=f"clipmill.event.{forgotten}.>")
        report = await folding.rebuild()
    assert (report.jobs, report.equal, report.without_events) == (1, 1, (forgotten,))
    assert (await jobs.get(kept)).value
    with pytest.raises(KeyNotFoundError):
        await jobs.get(deleted)


async def test_a_job_deleted_during_the_rebuild_does_not_come_back(nc, folding, publish_job, tmp_path, monkeypatch):
    async with folding.projecting():
        job = await publish_job(end=failed)
        await settled(folding)
        jobs, projector, view, ended = await folding.parts()
        documents = await folding.documents()
        removal = Removal(folding.streams, open_store(tmp_path.as_uri()), documents, ended, answer_seconds=5)
        rebuild = Rebuilding(folding.streams, documents, projector, view)
        read = rebuild._read

        async def read_and_then_it_is_deleted():
            await read()
            await removal.job(job)

        monkeypatch.setattr(rebuild, "_read", read_and_then_it_is_deleted)
        report = await rebuild.run()
    assert (report.jobs, report.created) == (0, 0)
    with pytest.raises(KeyNotFoundError):
        await jobs.get(job)


async def test_an_event_that_nobody_can_decode_is_counted_and_skipped(nc, folding, publish_job):
    async with folding.projecting():
        job = await publish_job()
        await nc.jetstream().publish(f"clipmill.event.{job}.log", b"not json")
        await nc.jetstream().publish("clipmill.event.no!job.queued", codec.encode(Queued(job=new_job_id())))
        report = await folding.rebuild()
    assert (report.jobs, report.undecodable_events) == (1, 1)


@pytest.fixture
def command(nats_server):
    """Return a function that runs the command, and returns its exit status, output and errors."""

    async def run(*words):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clipmill.gateway", "rebuild", *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "CLIPMILL_NATS_URL": nats_server.url},
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    return run


async def test_the_command_says_by_its_exit_status_whether_anything_differs(command, folding, publish_job):
    async with folding.projecting():
        job = await publish_job()
        await settled(folding)
    await (await folding.parts())[0].put(job, b"{}")
    status, out, _ = await command("--check", "--json")
    report = json.loads(out)
    assert (status, report["different"], report["mended"]) == (1, [job], 0)
    status, out, _ = await command()
    assert status == 0
    assert f"different        1  rewritten: {job}" in out
    assert out.startswith("1 job, ")
    assert (await command("--check"))[0] == 0


async def test_the_command_reports_one_or_several_documents_in_the_same_words(command, folding, publish_job):
    jobs = sorted([await publish_job(), await publish_job()])
    _, out, _ = await command("--check")
    assert out.startswith("2 jobs, ")
    assert f"missing          2  would be created: {jobs[0]}, {jobs[1]}\n" in out
    await (await folding.parts())[0].put("stray", b"{}")
    _, out, _ = await command()
    assert f"missing          2  created: {jobs[0]}, {jobs[1]}\n" in out
    assert "without events   1  left unchanged: stray\n" in out


@pytest.mark.parametrize("stream", [CONTROL.stream, "EVENTS"])
async def test_the_command_without_a_bucket_or_a_stream_names_the_command_that_creates_it(nc, command, stream):
    await nc.jetstream().delete_stream(stream)
    sentence = "Error: NATS lacks a stream or bucket of clipmill; run `clipmill topology apply` first.\n"
    assert await command() == (UNREACHABLE, "", sentence)


async def test_the_command_that_nats_refuses_otherwise_does_not_name_the_topology(nc, nats_server, command):
    if not nats_server.whole:
        pytest.skip("a new stream needs all three servers")
    js = nc.jetstream()
    await js.delete_key_value(SECRETS.name)
    await js.add_stream(name=SECRETS.stream, subjects=[SECRETS.subject(">")], max_msgs_per_subject=-1)
    status, out, err = await command()
    assert (status, out) == (UNREACHABLE, "")
    assert err.startswith("Error: NATS refuses a request of the rebuild (")
    assert err.endswith("; check CLIPMILL_NATS_URL and the log of the NATS server.\n")
