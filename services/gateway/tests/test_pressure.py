"""A gateway under pressure: a disk without room, a full queue, a stream without space. Accepted jobs stay unharmed."""

import asyncio
import contextlib
import io
import os
import subprocess

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer
from clipmill.artifacts import layout
from clipmill.artifacts.store import Room, open_store
from clipmill.contracts.identifiers import new_job_id
from clipmill.gateway.admission import Admission
from clipmill.gateway.submissions import Submissions
from clipmill.messaging.topology import EVENTS, INTAKE, JOBS

MIB = 1024**2
DISK_BYTES = 24 * MIB
"""A disk of this size is full before the client has sent everything."""

UPLOAD_BYTES = 48 * MIB
ANSWER_SECONDS = 2.0
SLACK_SECONDS = 3.0
"""What a busy machine may add to an answer."""


@pytest.fixture
def small_disk(tmp_path):
    """A disk of `DISK_BYTES`, really mounted; only the superuser may."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        assert not (os.environ.get("CI") and os.geteuid() == 0), mounted.stderr
        pytest.skip(f"a disk of our own to fill cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
async def serve(gateway, nc, secrets):
    """Return a function that serves a gateway's submissions over a store of the test's choice."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(store, *, reserve_bytes=None, max_upload_bytes=2 * UPLOAD_BYTES, bucket=None):
            js = nc.jetstream()
            submissions = Submissions(
                store,
                gateway.publisher,
                bucket or await js.key_value(JOBS.name),
                secrets,
                Admission(store, js, reserve_bytes),
                max_upload_bytes=max_upload_bytes,
                answer_seconds=ANSWER_SECONDS,
            )
            stack.push_async_callback(submissions.close)
            app = gateway.application(submissions)
            return await stack.enter_async_context(TestClient(TestServer(app)))

        yield start
