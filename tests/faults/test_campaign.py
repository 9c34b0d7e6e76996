"""A bounded fault campaign; `make soak` runs the long one with the same code."""

import os
import secrets

import pytest
from campaign import campaign, schedule
from campaign.schedule import Kind, Size

pytestmark = pytest.mark.slow

SIZE = Size(jobs=10, seconds=45.0, kills=26, nats_kills=2, duplicates=8, stops=4, cancels=2, deletes=3)

QUIET_SECONDS = 90.0
"""Time for an outage, a redelivery and a lost task after the last fault: 20 s in all, more on a busy machine."""


@pytest.fixture
def seed():
    """`FAULTS_SEED=7 pytest tests/faults` replays the schedule of a seed."""
    return int(os.environ.get("FAULTS_SEED") or secrets.randbelow(2**31))


def test_the_same_seed_draws_the_same_schedule():
    one, same, other = (schedule.draw(seed, SIZE, ack_wait=2.0) for seed in (7, 7, 8))
    assert one == same != other
    kinds = [fault.kind for fault in one.faults]
    assert [kinds.count(kind) for kind in Kind] == [26, 2, 8, 4, 2]
    assert all(fault.at <= SIZE.seconds for fault in one.faults)


@pytest.mark.timeout(400)
async def test_every_job_ends_once_with_every_clip_it_can_have_whatever_dies(tmp_path, seed):
    outcome = await campaign.run(tmp_path, seed, SIZE, quiet_seconds=QUIET_SECONDS)
    report = "\n".join([f"seed {seed}, logs in {tmp_path}", *outcome.figures, *outcome.findings])
    print(report)
    assert not outcome.findings, report
