"""A projector whose stream is re-created, vanishes, is not there yet, or is behind the checkpoint."""

import asyncio
import json
import time

import pytest
from clipmill.messaging import projection, topology
from clipmill.messaging.topology import EVENTS
from nats.js.errors import KeyNotFoundError

REQUESTS = f"$JS.API.DIRECT.GET.{EVENTS}"


@pytest.mark.parametrize("refused", [False, True], ids=["unanswered", "refused"])
async def test_a_stream_that_is_re_created_while_it_is_read_stops_the_projector(
    nc, nats_server, projector_of, heard, monkeypatch, refused, publish, soon
):
    async def refuse(message):
        if away:
            await nc.publish(message.reply, headers={"Status": "503"})

    away = False
    if refused:  # as a server does that has lost its leader
        await nc.subscribe(REQUESTS, cb=refuse)
    else:
        monkeypatch.setattr(projection, "ANSWER_SECONDS", 0.1)
    _, last = await publish("0", "1")
    js, projector, requests = nc.jetstream(), projector_of(), await heard(REQUESTS)
    first = (await js.stream_info(EVENTS)).created
    task = asyncio.create_task(projector.run())
    await soon(lambda: projector.folded == last)
    away = True
    await js.delete_stream(EVENTS)
    since = time.monotonic()
    requests.clear()
    await soon(lambda: len(requests) >= 6)
    pause = projection.UNREACHABLE_PAUSE + (0 if refused else projection.ANSWER_SECONDS)
    for number, (when, _) in enumerate(requests):  # one may have been under way
        assert when - since >= (number - 1) * pause
    await next_second(first)
    await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
    away = False
    with pytest.raises(RuntimeError, match="re-created"):
        await asyncio.wait_for(task, 60)


async def next_second(moment):
    """Wait until the second of `moment` is over: a stream is known by the second in which it was made."""
    while int(time.time()) == int(moment.timestamp()):
        await asyncio.sleep(0.01)


async def test_a_stream_that_vanishes_again_while_it_is_re_created_is_waited_for(
    nc, nats_server, projector_of, heard, publish, running, soon
):
    async def answer(message):
        if status is not None:
            await nc.publish(message.reply, headers={"Status": status})

    status = None
    await nc.subscribe(REQUESTS, cb=answer)
    _, last = await publish("0", "1")
    js, projector, requests = nc.jetstream(), projector_of(), await heard(REQUESTS)
    first = (await js.stream_info(EVENTS)).created
    async with running(projector) as task:
        await soon(lambda: projector.folded == last)
        status = "503"
        await js.delete_stream(EVENTS)
        requests.clear()
        await soon(lambda: len(requests) >= 3)
        looks = await heard(f"$JS.API.STREAM.INFO.{EVENTS}")
        status = "404"  # an empty stream answers so, but is gone before its name is asked for
        await soon(lambda: len(looks) >= 3 or task.done())
        assert not task.done()
        await next_second(first)
        await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
        with pytest.raises(RuntimeError, match="re-created"):
            await asyncio.wait_for(task, 60)


async def test_a_projector_that_starts_before_its_stream_waits_for_it(
    nc, nats_server, projector_of, heard, publish, running, soon
):
    js, projector = nc.jetstream(), projector_of()
    first = (await js.stream_info(EVENTS)).created
    await js.delete_stream(EVENTS)
    looks = await heard(f"$JS.API.STREAM.INFO.{EVENTS}")
    async with running(projector) as task:
        await soon(lambda: len(looks) >= 3 or task.done())
        assert not task.done()
        await next_second(first)
        await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
        _, last = await publish("0")
        await soon(lambda: projector.folded == last)


async def test_a_stream_that_is_behind_the_checkpoint_is_waited_for(
    nc, projector_of, buckets, heard, publish, running, soon
):
    """A new leader may not have all messages of the stream yet."""
    job, last = await publish("0")
    created = int((await nc.jetstream().stream_info(EVENTS)).created.timestamp())
    await buckets[1].put(f"events_{created}", str(last + 2).encode())
    looks, projector = await heard(f"$JS.API.STREAM.INFO.{EVENTS}"), projector_of()
    since = time.monotonic()
    async with running(projector) as task:
        await soon(lambda: len(looks) >= 4)
        for number, (when, _) in enumerate(looks):  # the first two follow each other at once
            assert when - since >= (number - 1) * projection.PATIENCE_PAUSE
        assert not task.done()
        assert projector.folded == 0
        await publish("1", "2", job=job)
        await soon(lambda: projector.folded == last + 2)
        other, last = await publish("0")
        await soon(lambda: projector.folded == last)
    assert json.loads((await buckets[0].get(other)).value)["names"] == ["0"]
    with pytest.raises(KeyNotFoundError):
        await buckets[0].get(job)
