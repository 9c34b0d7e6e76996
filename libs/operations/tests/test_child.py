"""Child processes, as real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import uvloop
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations import child as child_module
from clipmill.operations.child import NO_LIMITS, Child, Limits, run_child, tree_resident_bytes
from msgspec import Struct
from structlog.testing import capture_logs

pytestmark = [pytest.mark.usefixtures("_targets_importable"), pytest.mark.slow]

MIB = 1024 * 1024


class Request(Struct):
    path: str = ""
    number: int = 0


class Result(Struct):
    text: str
    pid: int


@pytest.fixture
def hanging(tmp_path):
    """Return a function that starts a child which hangs with a grandchild; it returns the task and both pids."""

    async def start(limits=NO_LIMITS):
        reached = asyncio.Event()
        pids = tmp_path / "pids"
        call = asyncio.create_task(
            run_child(
                "child_targets:hang",
                Request(path=str(pids)),
                Result,
                limits=limits,
                on_progress=lambda _: reached.set(),
            )
        )
        await asyncio.wait_for(reached.wait(), 10)
        return call, [int(pid) for pid in pids.read_text().split()]

    return start


async def test_a_child_that_was_prepared_answers_and_can_be_prepared_again():
    async with Child("child_targets:double") as child:
        await child.prepare()
        await child.prepare()
        prepared = child.pid
        assert (await child.call(Request(number=2), Result)).pid == prepared
        await child.prepare()


async def test_a_child_that_cannot_import_its_function_says_so(sample):
    target = "child_targets_that_are_not_there:double"
    async with Child(target) as child:
        with pytest.raises(Transient) as failure:
            await child.prepare()
        assert failure.value.code is ErrorCode.WORKER_CRASHED
    assert sample("clipmill_child_exits_total", target=target, reason="crashed") == 1


async def test_a_child_that_is_not_ready_in_time_is_ended():
    async with Child("child_targets:double", Limits(seconds=0.001)) as child:
        with pytest.raises(Transient) as failure:
            await child.prepare()
        assert failure.value.code is ErrorCode.TIMED_OUT
        assert not child.running


async def test_a_function_runs_in_another_process_and_returns_its_result(sample):
    result = await run_child("child_targets:double", Request(number=21), Result)
    assert result.text == "42"
    assert result.pid != os.getpid()
    assert not psutil.pid_exists(result.pid)
    assert sample("clipmill_child_exits_total", target="child_targets:double", reason="finished") == 1


async def test_progress_arrives_in_order():
    seen: list[float] = []
    await run_child("child_targets:double", Request(number=1), Result, on_progress=seen.append)
    assert seen == [10.0, 50.0, 100.0]


async def test_a_long_answer_arrives_whole():
    result = await run_child("child_targets:long_answer", Request(number=3_000_000), Result)
    assert len(result.text) == 3_000_000


async def test_a_long_request_arrives_whole():
    result = await run_child("child_targets:double", Request(path="x" * 3_000_000, number=4), Result)
    assert result.text == "8"


async def test_a_permanent_failure_arrives_as_itself():
    with pytest.raises(Permanent) as caught:
        await run_child("child_targets:refuse", Request(), Result)
    assert (caught.value.code, caught.value.sentence) == (ErrorCode.UNREADABLE_MEDIA, "This is no video.")


async def test_a_transient_failure_arrives_as_itself():
    with pytest.raises(Transient) as caught:
        await run_child("child_targets:give_up_for_now", Request(), Result)
    assert (caught.value.code, caught.value.retry_after) == (ErrorCode.PROVIDER_FAILED, 7.5)


async def test_a_crash_is_transient_and_says_what_happened(sample):
    with pytest.raises(Transient) as caught:
        await run_child("child_targets:crash", Request(number=signal.SIGSEGV), Result)
    assert caught.value.code is ErrorCode.WORKER_CRASHED
    assert "Segmentation fault" in caught.value.sentence
    assert sample("clipmill_child_exits_total", target="child_targets:crash", reason="crashed") == 1


async def test_an_unexpected_exception_is_a_crash_whose_traceback_is_logged():
    with capture_logs() as lines, pytest.raises(Transient) as caught:
        await run_child("child_targets:fail_unexpectedly", Request(), Result)
    assert caught.value.code is ErrorCode.WORKER_CRASHED
    assert any("a programming error" in line["stderr"] for line in lines if line["log_level"] == "error")
    assert "exit status 1" in caught.value.sentence


async def test_a_crash_is_reported_with_its_own_status_however_long_the_interpreter_takes_to_end():
    with pytest.raises(Transient, match="exit status 1"):
        await run_child("child_targets:fail_and_end_slowly", Request(), Result)


async def test_a_process_that_the_system_kills_has_probably_run_out_of_memory():
    with pytest.raises(Transient) as caught:
        await run_child("child_targets:crash", Request(number=signal.SIGKILL), Result)
    assert caught.value.sentence == (
        "The system killed the process doing the work, most likely because memory ran out; "
        "add memory, or run fewer tasks at the same time."
    )


@pytest.mark.parametrize("status", [0, 3])
async def test_a_process_that_ends_without_an_answer_has_crashed_with_its_status(status):
    with pytest.raises(Transient, match=f"stopped with exit status {status};"):
        await run_child("child_targets:end_early", Request(number=status), Result)


async def test_a_process_that_hangs_up_and_stays_is_ended(tmp_path, monkeypatch, wait_gone):
    monkeypatch.setattr(child_module, "EXIT_SECONDS", 0.1)
    path = tmp_path / "pid"
    async with Child("child_targets:hang_up") as child:
        with pytest.raises(Transient) as caught:
            await child.call(Request(path=str(path)), Result)
        assert caught.value.code is ErrorCode.WORKER_CRASHED
        wait_gone(int(path.read_text()))
        assert child.pid is None


def test_a_process_that_left_the_group_with_standard_error_open_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(child_module, "STDERR_END_SECONDS", 0.1)
    path = tmp_path / "pid"

    async def main() -> None:
        await run_child("child_targets:double", Request(), Result)
        descriptors = psutil.Process().num_fds()
        with pytest.raises(Transient, match="exit status 1"):
            await run_child("child_targets:leave_a_process", Request(path=str(path)), Result)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        os.kill(int(path.read_text()), signal.SIGKILL)
        async with asyncio.timeout(30):
            while psutil.Process().num_fds() > descriptors:  # its end closes the pipe
                await asyncio.sleep(0.01)

    uvloop.run(main())  # as services do; asyncio's own loop waits for the end of a program and of its pipes


async def test_a_target_that_does_not_exist_is_a_crash():
    with pytest.raises(Transient) as caught:
        await run_child("child_targets:nothing", Request(), Result)
    assert caught.value.code is ErrorCode.WORKER_CRASHED


async def test_much_standard_error_does_not_block_the_child():
    result = await run_child("child_targets:print_without_end", Request(number=2 * MIB), Result)
    assert result.text == "fine"


async def test_a_call_over_its_time_limit_ends_with_its_whole_group(hanging, wait_gone, sample):
    call, pids = await hanging(Limits(seconds=3))
    with pytest.raises(Transient) as caught:
        await call
    assert caught.value.code is ErrorCode.TIMED_OUT
    wait_gone(*pids)
    assert sample("clipmill_child_exits_total", target="child_targets:hang", reason="timed_out") == 1


async def test_a_call_over_its_memory_limit_ends_even_if_a_grandchild_took_it(sample):
    with pytest.raises(Transient) as caught:
        await run_child(
            "child_targets:fill_memory", Request(number=300 * MIB), Result, limits=Limits(resident_bytes=200 * MIB)
        )
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY
    assert "but may use 200 MiB" in caught.value.sentence
    assert sample("clipmill_child_exits_total", target="child_targets:fill_memory", reason="out_of_memory") == 1


async def test_calls_within_their_memory_limit_return_and_leave_no_watch_behind():
    async with Child("child_targets:crash", Limits(resident_bytes=1024 * MIB)) as child:
        for _ in range(3):
            assert (await child.call(Request(), Result)).text == "fine"
        await asyncio.sleep(0)  # what was cancelled ends now
        assert len(asyncio.all_tasks()) == 2  # this test, and the reader of the child's standard error


async def test_a_crash_below_the_memory_limit_is_no_lack_of_memory():
    with pytest.raises(Transient) as caught:
        await run_child(
            "child_targets:crash", Request(number=signal.SIGSEGV), Result, limits=Limits(resident_bytes=1024 * MIB)
        )
    assert caught.value.code is ErrorCode.WORKER_CRASHED


def test_a_group_without_a_process_has_no_memory():
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    assert tree_resident_bytes(process.pid) == 0


async def test_a_file_over_its_limit_is_a_permanent_failure(tmp_path):
    path = tmp_path / "big"
    with pytest.raises(Permanent) as caught:
        await run_child(
            "child_targets:fill_file",
            Request(path=str(path), number=2 * MIB),
            Result,
            limits=Limits(file_bytes=MIB),
        )
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert path.stat().st_size <= MIB


async def test_cancelling_a_call_ends_child_and_grandchild_at_once(hanging, wait_gone, sample):
    call, pids = await hanging()
    begun = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    wait_gone(*pids)
    assert time.monotonic() - begun < 30, "1 s at most where nothing else runs; the child would hang for minutes"
    assert sample("clipmill_child_exits_total", target="child_targets:hang", reason="cancelled") == 1


def test_child_and_grandchild_die_with_an_owner_that_is_killed(tmp_path, wait_gone):
    pids = tmp_path / "pids"
    owner = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("child_owner.py"), str(pids)], stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "hanging\n"
        group = [int(pid) for pid in pids.read_text().split()]
        watchers = [
            process.pid for process in psutil.Process(group[0]).children(recursive=True) if process.pid not in group
        ]
        assert len(watchers) == 1
        owner.kill()
        owner.wait()
        wait_gone(*group, *watchers)


async def test_a_long_lived_child_keeps_its_process_between_calls(sample):
    async with Child("child_targets:double") as child:
        assert not child.running
        first = await child.call(Request(number=1), Result)
        second = await child.call(Request(number=2), Result)
        assert (first.text, second.text) == ("2", "4")
        assert first.pid == second.pid == child.pid
    assert not child.running
    assert sample("clipmill_child_exits_total", target="child_targets:double", reason="stopped") == 1


async def test_calls_of_one_child_take_turns():
    async with Child("child_targets:double") as child:
        results = await asyncio.gather(*(child.call(Request(number=n), Result) for n in range(5)))
    assert [result.text for result in results] == ["0", "2", "4", "6", "8"]
    assert len({result.pid for result in results}) == 1


async def test_a_child_that_crashed_is_started_again_at_the_next_call():
    async with Child("child_targets:crash") as child:
        first = await child.call(Request(), Result)
        with pytest.raises(Transient):
            await child.call(Request(number=signal.SIGKILL), Result)
        assert not child.running
        second = await child.call(Request(), Result)
        assert second.text == "fine"
        assert second.pid != first.pid


async def test_a_child_that_died_between_two_calls_is_replaced_unnoticed(wait_gone):
    async with Child("child_targets:double") as child:
        first = await child.call(Request(number=1), Result)
        os.kill(first.pid, signal.SIGKILL)
        wait_gone(first.pid)
        assert child.pid is None
        second = await child.call(Request(number=2), Result)
        assert second.text == "4"
        assert second.pid != first.pid


async def test_a_failure_of_the_function_leaves_a_long_lived_child_alive():
    async with Child("child_targets:refuse") as child:
        with pytest.raises(Permanent):
            await child.call(Request(), Result)
        assert child.running


async def test_no_descriptor_or_thread_is_left_behind_by_many_calls():
    me = psutil.Process()
    await run_child("child_targets:double", Request(number=1), Result)
    before = me.num_fds()
    for _ in range(10):
        await run_child("child_targets:double", Request(number=1), Result)
    assert me.num_fds() <= before


def test_children_work_under_uvloop_too():
    async def main() -> None:
        async with Child("child_targets:crash") as child:
            first = await child.call(Request(), Result)
            with pytest.raises(Transient):
                await child.call(Request(number=signal.SIGSEGV), Result)
            assert (await child.call(Request(), Result)).pid != first.pid
        result = await run_child("child_targets:long_answer", Request(number=3_000_000), Result)
        assert len(result.text) == 3_000_000

    uvloop.run(main())
