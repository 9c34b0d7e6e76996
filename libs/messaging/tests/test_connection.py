"""Waiting for the server's answers: through outages, and never past a cancellation."""

import asyncio
import time
import traceback

import pytest
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.messaging.connection import close, connect, reraise_cancel, retry_until
from clipmill.operations.settings import SettingsError
from nats.js.errors import KeyNotFoundError


async def test_a_cancellation_that_arrives_with_the_answer_is_not_lost():
    """In Python 3.11 `asyncio.wait_for` swallows a cancellation that arrives together with the answer."""

    async def swallowing():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            return "answer"

    for waiting in (reraise_cancel, lambda answer: retry_until(lambda: answer)):
        task = asyncio.create_task(waiting(swallowing()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_cancellation_that_arrives_with_a_refusal_is_not_lost():
    """The answer may say that there is no such key: the exception must not hide the cancellation."""

    async def swallowing():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise KeyNotFoundError from None

    for waiting in (reraise_cancel, lambda answer: retry_until(lambda: answer)):
        task = asyncio.create_task(waiting(swallowing()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_task_that_is_cleaning_up_may_still_ask():
    async def answer():
        return 1

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await retry_until(answer)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == 1


async def test_a_deadline_is_kept_while_a_call_hangs():
    async def silence():
        await asyncio.Event().wait()

    begun = time.monotonic()
    with pytest.raises(Transient) as caught:
        await retry_until(silence, deadline=begun + 0.1)
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert time.monotonic() - begun < 10.0


async def test_a_connection_is_closed_for_good_while_its_servers_are_away(nats_server):
    """The tries to reconnect end too, even if the server refuses one at the moment when it is cancelled."""
    before = asyncio.all_tasks()
    clients = [await connect(nats_server.url, "test") for _ in range(8)]
    nats_server.kill()
    for _ in range(5):  # in the midst of tries
        await asyncio.sleep(0.03)
    await asyncio.gather(*(close(nc) for nc in clients))
    left = asyncio.all_tasks() - before
    assert not left or not (await asyncio.wait(left, timeout=60))[1]


@pytest.mark.parametrize(
    "url", ["nats://user:s3cret/x@nats:4222", "nats://user:s3cret℀@nats:4222", "nats://user:[s3cret@nats:4222"]
)
async def test_a_malformed_address_is_refused_without_quoting_its_password(url):
    with pytest.raises(SettingsError, match=r"^CLIPMILL_NATS_URL is not a list of NATS servers; ") as caught:
        await connect(url, "test", patience=5)
    assert "separate several by commas. Write special characters" in str(caught.value)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
