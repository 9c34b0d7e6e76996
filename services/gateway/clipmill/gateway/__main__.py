"""Runs the gateway: the HTTP application, and the projector whenever this replica holds the lease."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import structlog
from clipmill.gateway.application import application, waiting
from clipmill.gateway.projector import JobsView
from clipmill.gateway.settings import GatewaySettings
from clipmill.gateway.statuses import Statuses
from clipmill.gateway.submissions import Submissions
from clipmill.gateway.videos import Videos
from clipmill.messaging.lease import Lease
from clipmill.messaging.projection import Projector
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.topology import CHECKPOINT, JOBS, LEASE, LEASE_SECONDS
from clipmill.messaging.worker import StageWorker

log = structlog.stdlib.get_logger()

PROJECTOR_PAUSE = 1.0
"""Seconds before a projector that stopped on an error is started again."""


@asynccontextmanager
async def build(settings: GatewaySettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Serve the API and keep the projector running while the context lasts."""
    jobs = await runtime.bucket(JOBS)
    statuses = Statuses(jobs, answer_seconds=settings.answer_seconds)
    submissions = Submissions(
        runtime.store,
        runtime.shared.publisher,
        jobs,
        runtime.shared.secrets,
        max_upload_bytes=settings.max_upload_bytes,
        answer_seconds=settings.answer_seconds,
    )
    app = application(submissions, statuses, Videos(runtime.store, statuses), runtime.health)
    projecting = asyncio.create_task(_project(runtime))
    try:
        async with runtime.port.answering(app, runtime.common.shutdown_seconds):
            yield []
    finally:
        projecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await projecting


async def _project(runtime: Runtime) -> None:
    """Be the projector whenever the lease is ours; an error is told and the projector begins again."""
    view = JobsView(runtime.js, runtime.shared.ended, runtime.shared.secrets)
    projector = Projector(runtime.nc, await runtime.bucket(JOBS), await runtime.bucket(CHECKPOINT), view)
    lease = Lease(await runtime.bucket(LEASE), "projector", str(uuid4()), ttl=LEASE_SECONDS)
    healthy = runtime.health.flag("projector", value=True)
    while True:
        try:
            await lease.run(projector.run)
        except Exception:
            healthy.set(False)
            log.exception("projector_stopped")
            await asyncio.sleep(PROJECTOR_PAUSE)
            healthy.set(True)


if __name__ == "__main__":
    main("gateway", GatewaySettings, build, front=waiting)
