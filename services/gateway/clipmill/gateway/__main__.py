"""The gateway: the HTTP application, with projector and sweeper while this replica holds the lease."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import structlog
from clipmill.gateway.api.admission import Admission
from clipmill.gateway.api.application import application, waiting
from clipmill.gateway.api.archives import Archives
from clipmill.gateway.api.clips import Clips
from clipmill.gateway.api.configuration import Configuration
from clipmill.gateway.api.jobs import Jobs
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.api.submissions import Submissions
from clipmill.gateway.api.transcripts import Transcripts
from clipmill.gateway.api.videos import Videos
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import JobIndex
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.removal import Removal
from clipmill.gateway.settings import GatewaySettings
from clipmill.gateway.sweeping.expired_jobs import ExpiredJobs
from clipmill.gateway.sweeping.lost_jobs import LostJobs
from clipmill.gateway.sweeping.orphans import Orphans
from clipmill.gateway.sweeping.sweeper import Sweeper
from clipmill.gateway.sweeping.unfinished_removals import UnfinishedRemovals
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.lease import Lease
from clipmill.messaging.projection import Projector
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.topology import CHECKPOINT, CONTROL, JOBS, LEASE, LEASE_SECONDS
from clipmill.messaging.worker import StageWorker

log = structlog.stdlib.get_logger()

PROJECTOR_PAUSE = 1.0
"""The pause before a projector that stopped on an error is started again, in seconds."""


@asynccontextmanager
async def build(settings: GatewaySettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Serve the API and run projector and sweeper while the context lasts."""
    shared, streams, seconds = runtime.shared, runtime.streams, settings.answer_seconds
    documents = await runtime.bucket(JOBS, JobDocument)
    statuses = Statuses(documents, answer_seconds=seconds)
    index = JobIndex(documents, answer_seconds=seconds)
    removal = Removal(streams, runtime.store, documents, shared.ended, answer_seconds=seconds)
    jobs = Jobs(index, statuses, shared.publisher, shared.ended, removal, answer_seconds=seconds)
    admission = Admission(runtime.store, streams, settings.store_reserve_bytes)
    submissions = Submissions(
        runtime.store,
        shared.publisher,
        documents,
        shared.secrets,
        admission,
        max_upload_bytes=settings.max_upload_bytes,
        models=settings.models,
        answer_seconds=seconds,
    )
    store = runtime.store
    app = application(
        submissions,
        statuses,
        jobs,
        Transcripts(store, statuses),
        Videos(store, statuses),
        clips=Clips(store, statuses, shared.publisher, streams, admission, answer_seconds=seconds),
        archives=Archives(store, statuses),
        configuration=Configuration(settings.max_upload_bytes, settings.models, runtime.common.job_retention),
        health=runtime.health,
        entrance=settings.entrance(),
    )
    view = JobsView(streams, shared.ended, shared.secrets)
    projector = Projector(streams, documents, await runtime.bucket(CHECKPOINT, int), view)
    sweeper = _sweeper(
        settings,
        runtime,
        documents=documents,
        control=await runtime.bucket(CONTROL, int),
        index=index,
        removal=removal,
        projector=projector,
    )
    leading = asyncio.create_task(_lead(runtime, projector, sweeper))
    try:
        async with runtime.port.answering(app, runtime.common.shutdown_seconds):
            yield []
    finally:
        await jobs.close()
        await submissions.close()
        leading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leading


def _sweeper(
    settings: GatewaySettings,
    runtime: Runtime,
    *,
    documents: Bucket[JobDocument],
    control: Bucket[int],
    index: JobIndex,
    removal: Removal,
    projector: Projector[JobDocument],
) -> Sweeper:
    seconds = settings.answer_seconds
    documents, control = documents.within(seconds), control.within(seconds)
    sweeps = (
        ExpiredJobs(index, documents, removal, retention=runtime.common.job_retention),
        UnfinishedRemovals(control, index, documents, removal),
        Orphans(index, documents, runtime.store, removal, age=settings.orphan_seconds),
        LostJobs(
            runtime.streams,
            index,
            documents,
            runtime.shared.publisher,
            lambda: projector.folded,
            silence=settings.lost_seconds,
            answer_seconds=seconds,
        ),
    )
    return Sweeper(index, sweeps, every=settings.sweep_seconds)


async def _lead(runtime: Runtime, projector: Projector[JobDocument], sweeper: Sweeper) -> None:
    """Run projector and sweeper whenever this replica holds the lease; after an error, log it and start again."""

    async def project_and_sweep() -> None:
        sweeping = asyncio.create_task(sweeper.run())
        try:
            await projector.run()
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    lease = Lease(await runtime.bucket(LEASE, bytes), "projector", str(uuid4()), ttl=LEASE_SECONDS)
    healthy = runtime.health.flag("projector", value=True)
    while True:
        try:
            await lease.run(project_and_sweep)
        except Exception:
            healthy.set(False)
            log.exception("projector_stopped")
            await asyncio.sleep(PROJECTOR_PAUSE)
            healthy.set(True)


if __name__ == "__main__":
    commands = {"rebuild": "clipmill.gateway.projection.rebuild_command:rebuild"}
    main("gateway", GatewaySettings, build, front=waiting, commands=commands)
