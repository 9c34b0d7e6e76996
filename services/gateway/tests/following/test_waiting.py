"""Polls that wait for a change, over real HTTP with a real NATS: they are woken, and share what they read."""

import asyncio
import time

import msgspec
import pytest
from clipmill.contracts.events import Log, Started
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.gateway.api import watching
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.topology import JOBS
from suspension import suspended

LONG = "60"


@pytest.fixture
def poll(api):
    """Return a function that polls a status and returns the answer's status, entity tag and body."""

    async def ask(job, tag=None, wait=LONG, client=api):
        headers = {} if tag is None else {"If-None-Match": tag}
        async with client.get(f"/api/status/{job}", params={"wait": wait}, headers=headers) as answer:
            body = await answer.read()
            return answer.status, answer.headers.get("ETag"), msgspec.json.decode(body) if body else None

    return ask


@pytest.fixture
def following(gateway, until):
    """Return a function that waits until a number of polls wait for a change of a job."""

    async def wait(job, number):
        async def reached():
            followed = gateway.statuses.watch._followed.get(JobId(job))
            return followed is not None and followed.followers == number

        await until(reached)

    return wait


async def test_a_waiting_poll_is_answered_when_the_status_changes(submit, poll, published, following, monkeypatch):
    monkeypatch.setattr(watching, "READING_SECONDS", 3600.0)
    job = await submit()
    _, tag, _ = await poll(job)
    waiting = asyncio.create_task(poll(job, tag))
    await following(job, 1)
    assert not waiting.done()
    await published(Started(job=job))
    status, changed, body = await waiting
    assert (status, body["status"]) == (200, "processing")
    assert changed != tag


@pytest.mark.parametrize("tag", [None, '"0"', '"none"', '"999999999"', 'W/"0", "-1"'])
async def test_a_poll_without_the_present_tag_is_answered_at_once(submit, poll, tag):
    assert (await poll(await submit(), tag))[0] == 200


async def test_an_unknown_job_is_a_404_at_once(poll):
    assert (await poll(new_job_id()))[0] == 404


async def test_a_status_that_does_not_change_is_a_304_after_the_wait_and_not_before(submit, poll):
    job = await submit()
    _, tag, _ = await poll(job)
    begun = time.monotonic()
    assert await poll(job, tag, wait="1") == (304, tag, None)
    assert time.monotonic() - begun >= 1
    assert await poll(job, tag, wait="0") == (304, tag, None)


@pytest.mark.parametrize("wait", ["61", "-1", "1.5", "nan", "1e1", "x", "", "9" * 5000, "٣"])
async def test_a_bad_wait_is_refused_with_the_bounds(api, submit, wait):
    answer = await api.get(f"/api/status/{await submit()}", params={"wait": wait})
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (400, "bad_option")
    assert problem["detail"] == 'The parameter "wait" must be a whole number of seconds from 0 to 60.'


async def test_all_who_wait_for_a_job_cost_one_reading_a_change(submit, poll, published, following, questions, nc):
    job = await submit()
    _, tag, _ = await poll(job)
    for number in range(3):
        waiting = [asyncio.create_task(poll(job, tag)) for _ in range(50)]
        await following(job, 50)
        await nc.flush()
        before = len(questions)
        await published(Log(job=job, name=f"line_{number}", line=f"Line {number}."))
        answers = await asyncio.gather(*waiting)
        assert {status for status, _, _ in answers} == {200}
        assert len({changed for _, changed, _ in answers}) == 1
        tag = answers[0][1]
        await nc.flush()
        # the projector and the fixture `published` read too: the latter until it sees the change
        seen = len(questions) - before
        assert seen <= 10, f"{seen} readings for 50 polls"


async def test_a_write_that_is_stored_late_is_still_noticed(gateway, nc, poll, following, nats_server):
    gateway.projecting.cancel()
    bucket = await nc.jetstream().key_value(JOBS.name)
    document = JobDocument(job=new_job_id(), logs=["First."])
    revision = await bucket.create(document.job, msgspec.json.encode(document))
    _, tag, _ = await poll(document.job)
    waiting = asyncio.create_task(poll(document.job, tag))
    await following(document.job, 1)
    followed = gateway.statuses.watch._followed[document.job]
    followed.ring(revision)  # the bell of a write that is on its way
    document.logs.append("Second.")
    await bucket.update(document.job, msgspec.json.encode(document), last=revision)
    assert (await waiting)[2]["logs"] == ["First.", "Second."]


async def test_a_change_whose_bell_nobody_heard_is_found_by_the_slow_reading(
    submit, poll, published, following, gateway, monkeypatch
):
    monkeypatch.setattr(watching, "READING_SECONDS", 0.2)
    job = await submit()
    _, tag, _ = await poll(job)
    await gateway.statuses.watch._subscription.unsubscribe()
    waiting = asyncio.create_task(poll(job, tag))
    await following(job, 1)
    await published(Started(job=job))
    assert (await waiting)[2]["status"] == "processing"


async def test_a_poll_that_waits_through_an_outage_hears_of_the_change_after_it(
    submit, poll, published, following, nats_server, monkeypatch
):
    monkeypatch.setattr(watching, "READING_SECONDS", 0.05)
    job = await submit()
    _, tag, _ = await poll(job)
    waiting = asyncio.create_task(poll(job, tag))
    await following(job, 1)
    with suspended(nats_server):
        await asyncio.wait({waiting}, timeout=0.3)
        assert not waiting.done()
    await published(Started(job=job))
    assert (await waiting)[2]["status"] == "processing"


async def test_a_wait_that_ends_in_an_outage_is_a_503_and_no_claim_that_nothing_changed(
    submit, api, poll, following, nats_server, monkeypatch
):
    monkeypatch.setattr(watching, "READING_SECONDS", 0.05)
    job = await submit()
    _, tag, _ = await poll(job)
    waiting = asyncio.create_task(poll(job, tag, wait="4"))
    await following(job, 1)
    with suspended(nats_server):
        status, _, problem = await waiting
    assert (status, problem["code"]) == (503, "unavailable")


async def test_a_deleted_job_is_a_404_for_those_who_wait(submit, api, poll, following):
    job = await submit()
    await api.delete(f"/api/jobs/{job}")
    _, tag, _ = await poll(job)
    waiting = asyncio.create_task(poll(job, tag))
    await following(job, 1)
    assert (await (await api.delete(f"/api/jobs/{job}")).json())["status"] == "deleted"
    assert (await waiting)[0] == 404


async def test_a_poll_with_a_tag_of_another_gateway_that_knows_more_never_gets_less(
    submit, poll, published, following, gateway
):
    job = await submit()
    _, tag, _ = await poll(job)
    waiting = asyncio.create_task(poll(job, tag))
    await following(job, 1)
    followed = gateway.statuses.watch._followed[JobId(job)]
    await gateway.statuses.watch._subscription.unsubscribe()
    await published(Started(job=job))  # this gateway has not heard of it
    assert not waiting.done()
    later = (await poll(job))[1]
    followed.entry = None
    await followed.refresh()
    assert (await poll(job, later, wait="1"))[:2] == (304, later)
    assert (await waiting)[1] == later


async def test_a_gateway_that_stops_answers_those_who_wait_at_once(submit, poll, following, api):
    job = await submit()
    _, tag, _ = await poll(job)
    waiting = [asyncio.create_task(poll(job, tag)) for _ in range(3)]
    await following(job, 3)
    begun = time.monotonic()
    await api.server.close()
    assert {status for status, _, _ in await asyncio.gather(*waiting)} == {304}
    assert time.monotonic() - begun < 30, "they would have waited for 60 s"


async def test_those_whose_client_left_stop_waiting_and_the_job_is_no_longer_followed(
    submit, poll, following, gateway, monkeypatch, until
):
    monkeypatch.setattr(watching, "READING_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LINGERING_SECONDS", 0.05)
    job = await submit()
    _, tag, _ = await poll(job)
    waiting = asyncio.create_task(poll(job, tag))
    await following(job, 1)
    waiting.cancel()
    await asyncio.wait({waiting})

    async def left():
        return not gateway.statuses.watch._followed and not gateway.statuses.watch._running

    await until(left)
