"""Child processes that wait ready, as real processes."""

import asyncio
import os
import signal
from contextlib import suppress

import psutil
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.child import NO_LIMITS
from clipmill.operations.warm_pool import WarmPool
from msgspec import Struct

pytestmark = [pytest.mark.usefixtures("_targets_importable"), pytest.mark.slow]


class Request(Struct):
    path: str = ""
    number: int = 0


class Result(Struct):
    text: str
    pid: int


def children():
    """Return the ids of our processes that answer calls."""
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile, or nobody has collected it yet
            if "clipmill.operations.child_main" in child.cmdline():
                found.add(child.pid)
    return found


async def waiting(count):
    """Wait until there are exactly `count` children, and return their process ids."""
    async with asyncio.timeout(10):
        while len(found := children()) != count:
            await asyncio.sleep(0.01)
    return found


async def test_a_call_takes_the_process_that_waits_and_the_next_one_another():
    async with WarmPool("child_targets:double", NO_LIMITS, 1) as pool:
        ready = await waiting(1)
        first = await pool.call(Request(number=21), Result)
        assert {first.pid} == ready
        assert first.text == "42"
        assert not psutil.pid_exists(first.pid)
        second = await pool.call(Request(number=4), Result)
        assert second.pid != first.pid


async def test_what_waits_ends_with_its_owner():
    async with WarmPool("child_targets:double", NO_LIMITS, 2):
        await waiting(2)
    assert not children()


async def test_without_waiting_processes_a_call_starts_its_own():
    pool = WarmPool("child_targets:double", NO_LIMITS, 0)
    assert (await pool.call(Request(number=2), Result)).text == "4"
    assert not children()


async def test_a_call_that_comes_before_the_process_is_started_leaves_none_behind():
    async with WarmPool("child_targets:double", NO_LIMITS, 1) as pool:
        await pool.call(Request(number=1), Result)
        await waiting(1)
        await pool._waiting[0].preparing
        assert len(children()) == 1


async def test_a_process_that_died_while_it_waited_is_replaced():
    async with WarmPool("child_targets:double", NO_LIMITS, 1) as pool:
        (pid,) = await waiting(1)
        os.kill(pid, signal.SIGKILL)
        await waiting(0)
        assert (await pool.call(Request(number=3), Result)).text == "6"


async def test_a_function_that_refuses_leaves_a_process_for_the_next():
    async with WarmPool("child_targets:refuse", NO_LIMITS, 1) as pool:
        for _ in range(2):
            with pytest.raises(Permanent) as refusal:
                await pool.call(Request(), Result)
            assert refusal.value.code is ErrorCode.UNREADABLE_MEDIA
            await waiting(1)
