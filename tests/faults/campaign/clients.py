"""The users of the API during a campaign: they submit, poll and end jobs."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from campaign.jobs import Job, Jobs, Seen
from campaign.media import CLIP_OPTIONS
from campaign.schedule import Submission

PATIENCE = aiohttp.ClientTimeout(total=30)
"""Patience with a gateway: it answers, if only with 503, within its `answer_seconds` of 5 even when NATS is away. The
rest is for a stopped gateway to continue and for a busy machine."""

POLL_PAUSE = 0.05
RETRY_PAUSE = 0.5
UNREACHED = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
"""Errors of a request whose gateway was killed before or while it answered."""


class Clients:
    """Clients of several gateways.

    Args:
        gateways: Addresses of the gateways.
        jobs: Jobs that the clients update with every answer.
        media: Folder of sources.
        media_url: Address at which the sources are served.
        chance: Random generator that picks gateways and jobs.

    Attributes:
        answers: Number of answers by method and outcome.
    """

    def __init__(self, gateways: Sequence[str], jobs: Jobs, media: Path, media_url: str, chance: random.Random) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()
        self._gateways = gateways
        self._jobs = jobs
        self._media = media
        self._media_url = media_url
        self._chance = chance
        self._http = aiohttp.ClientSession(timeout=PATIENCE)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def submit(self, submission: Submission) -> None:
        """Submit until a gateway accepts, as a patient client would; each try may become another job."""
        while True:
            body = self._body(submission)
            status, answer = await self._ask("POST", "/api/process", data=body)
            if status == 200:
                name = json.loads(answer)["job_id"]
                self._jobs.accepted[name] = Job(name, submission.source)
                return
            await asyncio.sleep(RETRY_PAUSE)

    async def poll(self) -> None:
        """Poll one job after the other, at any gateway, until cancelled."""
        while True:
            await asyncio.sleep(POLL_PAUSE)
            job = self._jobs.any(self._chance)
            if job is not None:
                await self.look(job)

    async def look(self, job: Job) -> int | None:
        """Poll the status of one job; return the HTTP status, None if nobody answered."""
        before, gone = job.seen, job.gone
        status, answer = await self._ask("GET", f"/api/status/{job.name}")
        if status == 200:
            self._jobs.polled(job, before, _seen(answer), gone=gone)
        elif status == 404:
            self._jobs.missed(job)
        return status

    async def end(self, job: Job) -> int | None:
        """Cancel or delete a job, once; return the HTTP status, None if nobody answered."""
        job.ending = True
        status, answer = await self._ask("DELETE", f"/api/jobs/{job.name}")
        if status in (200, 202):
            job.answer = json.loads(answer)["status"]
        return status

    async def _ask(self, method: str, path: str, data: aiohttp.FormData | None = None) -> tuple[int | None, bytes]:
        """Ask any gateway, and note an answer that no client should get."""
        gateway = self._chance.choice(self._gateways)
        status, answer = None, b""
        try:
            async with self._http.request(method, gateway + path, data=data) as response:
                status, answer = response.status, await response.read()
            outcome = str(status)
        except UNREACHED:
            status, outcome = None, "unreached"
        except TimeoutError:
            outcome = "hung"
            self._jobs.violations.append(f"{method} {gateway}{path} was not answered")
        self.answers[method, outcome] += 1
        if status not in (None, 200, 202, 404, 409, 503):
            self._jobs.violations.append(f"{method} {path} was answered {status}: {answer[:200]!r}")
        return status, answer

    def _body(self, submission: Submission) -> aiohttp.FormData:
        form = aiohttp.FormData(CLIP_OPTIONS)
        if submission.by_url:
            form.add_field("url", f"{self._media_url}/{submission.source}")
        else:
            data = (self._media / submission.source).read_bytes()
            form.add_field("file", data, filename=submission.source, content_type="video/mp4")
        return form


def _seen(answer: bytes) -> Seen:
    status = json.loads(answer)
    clips = status["result"]["clips"] if status["result"] else []
    return Seen(status["status"], tuple(status["logs"]), tuple(json.dumps(clip, sort_keys=True) for clip in clips))
