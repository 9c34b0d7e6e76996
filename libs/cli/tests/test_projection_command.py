"""`clipmill projection rebuild` runs the gateway's rebuild on the server that it finds."""

import json

import pytest
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import new_job_id
from clipmill.messaging.publisher import Publisher

pytestmark = pytest.mark.slow


async def test_documents_are_checked_and_rebuilt(clipmill_process, nats_server, nc):
    environ = {"CLIPMILL_NATS_URL": nats_server.url}
    job = new_job_id()
    await Publisher(nc).event(Queued(job=job, source="talk.mp4", upload=True))
    status, out, _ = await clipmill_process("projection", "rebuild", "--check", "--json", environ=environ)
    assert (status, json.loads(out)["missing"]) == (1, [job])
    status, out, _ = await clipmill_process("projection", "rebuild", environ=environ)
    assert status == 0
    assert f"missing          1  created: {job}" in out
    status, out, _ = await clipmill_process("projection", "rebuild", "--check", "--json", environ=environ)
    assert (status, json.loads(out)["equal"]) == (0, 1)


async def test_nothing_is_rebuilt_where_nothing_runs(clipmill_process, tmp_path):
    status, _, err = await clipmill_process("projection", "rebuild", "--data", tmp_path)
    assert status == 2
    assert f"No `clipmill up` runs on {tmp_path}" in err
