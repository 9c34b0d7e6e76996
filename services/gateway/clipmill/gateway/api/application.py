"""The routes of the gateway, and the metrics of each request."""

import time
import warnings

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web
from clipmill.contracts.api import CLIPS_PATH
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.gateway.api.answers import WAITED, Handler, failures, route_of
from clipmill.gateway.api.archives import Archives
from clipmill.gateway.api.clips import Clips
from clipmill.gateway.api.configuration import Configuration
from clipmill.gateway.api.event_streams import EventStreams
from clipmill.gateway.api.forms import TEXT_BYTES
from clipmill.gateway.api.jobs import Jobs
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.api.submissions import Submissions
from clipmill.gateway.api.transcripts import Transcripts
from clipmill.gateway.api.videos import Videos
from clipmill.gateway.entrance import Entrance
from clipmill.operations.health import Health
from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "clipmill_http_requests_total", "Requests answered, by route, method and status.", ["route", "method", "status"]
)
SECONDS = Histogram(
    "clipmill_http_request_duration_seconds",
    "Request durations in seconds, by route.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
DISCONNECTED = 499
"""The status that counts a request whose client left before the answer, as nginx does."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def application(
    submissions: Submissions,
    statuses: Statuses,
    jobs: Jobs,
    transcripts: Transcripts,
    videos: Videos,
    *,
    clips: Clips,
    archives: Archives,
    configuration: Configuration,
    health: Health,
    entrance: Entrance | None = None,
) -> web.Application:
    """Return the application with the routes of all of them, behind `entrance`."""
    for warning in (BadContentDispositionHeader, BadContentDispositionParam):  # Python would keep each text for good
        warnings.simplefilter("ignore", warning)
    app = web.Application(middlewares=[measured, failures], client_max_size=TEXT_BYTES)
    (entrance or Entrance()).add_to(app)
    app.router.add_post("/api/process", submissions.process)
    app.router.add_get("/api/status/{job}", statuses.status)
    app.router.add_get("/api/jobs", jobs.list)
    app.router.add_get("/api/jobs/{job}", statuses.job)
    app.router.add_delete("/api/jobs/{job}", jobs.delete)
    app.router.add_get("/api/jobs/{job}/events", EventStreams(statuses).events, allow_head=False)
    app.router.add_get("/api/jobs/{job}/transcript", transcripts.transcript)
    app.router.add_get("/api/jobs/{job}/clips", clips.list)
    app.router.add_post("/api/jobs/{job}/clips", clips.more)
    app.router.add_get("/api/jobs/{job}/clips.zip", archives.clips)
    app.router.add_get("/api/jobs/{job}/download-all", archives.clips)
    app.router.add_get("/api/config", configuration.config)
    app.router.add_get("/api/source/{job}", videos.source)
    app.router.add_get(f"{CLIPS_PATH}/{{job}}/{{name}}", videos.file)
    health.add_routes(app)
    statuses.watch.serve(app)
    return app


def waiting(health: Health) -> web.Application:
    """Return the application for the time before NATS is reached and while the gateway stops.

    It answers probes and metrics, and any other request with 503.
    """
    app = web.Application(middlewares=[_closing, measured, failures])
    health.add_routes(app)
    app.router.add_route("*", "/{path:.*}", _not_yet)
    return app


async def _not_yet(_request: web.Request) -> web.StreamResponse:
    sentence = "The gateway is starting, stopping or waiting for NATS; try again in a moment."
    raise Transient(ErrorCode.UNAVAILABLE, sentence, retry_after=2)


@web.middleware
async def _closing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Close the connection after the answer: the next request then reaches the application itself."""
    response = await handler(request)
    response.force_close()
    return response


@web.middleware
async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count and time a request by its route, never by its path; a wait that the client asked for does not count."""
    begun = time.perf_counter()
    route = route_of(request)
    method = request.method if request.method in METHODS else "other"
    status = DISCONNECTED
    try:
        response = await handler(request)
        status = response.status
    finally:
        REQUESTS.labels(route, method, str(status)).inc()
        SECONDS.labels(route).observe(time.perf_counter() - begun - request.get(WAITED, 0.0))
    return response
