"""Programs are kept running, stopped in order, and never left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from clipmill.cli.local.ports import free_ports
from clipmill.cli.local.supervisor import StartFailed

pytestmark = pytest.mark.slow

PATIENCE = 30.0
OWNER = Path(__file__).parent / "owner.py"


async def test_a_program_that_dies_is_started_again_with_the_same_port(supervisor, listener, program):
    (port,) = free_ports(1)
    await supervisor.start([program("worker", port)], patience=PATIENCE)
    (member,) = supervisor.members
    first = member.pid

    os.kill(first, signal.SIGKILL)
    assert str(first) in await listener.line("worker runs as")
    again = await listener.line("worker runs as")
    assert str(member.pid) in again
    await member.ready(PATIENCE)

    assert member.pid != first
    assert listener.events == ["worker was ended by signal 9. Starting it again in 0.5 s."]


async def test_programs_stop_in_reverse_order_when_asked(supervisor, listener, program):
    first, second = free_ports(2)
    await supervisor.start([program("below", first)], patience=PATIENCE)
    await supervisor.start([program("above", second)], patience=PATIENCE)
    pids = [member.pid for member in supervisor.members]

    await supervisor.stop()

    assert [line for line in listener.lines if line.endswith("stops")] == ["above: above stops", "below: below stops"]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert listener.events == []


async def test_a_program_that_does_not_stop_is_ended(supervisor, listener, program):
    (port,) = free_ports(1)
    await supervisor.start([program("deaf", port, "stubborn", stop_seconds=0.2)], patience=PATIENCE)
    (member,) = supervisor.members
    pid = member.pid

    await supervisor.stop()

    assert listener.events == ["deaf did not stop within 0 s and is killed."]
    assert not psutil.pid_exists(pid)


async def test_a_program_that_ends_by_itself_at_the_start_says_why(supervisor, listener, program):
    good, bad = free_ports(2)
    with pytest.raises(StartFailed, match=r"worker ended with status 1\.\n.*CLIPMILL_X_SLOTS is 'many'"):
        await supervisor.start([program("fine", good), program("worker", bad, "wrong")], patience=PATIENCE)


async def test_a_program_that_is_never_ready_fails_the_start(supervisor, listener, program):
    elsewhere, nowhere = free_ports(2)
    silent = program("silent", elsewhere)
    other_port = type(silent)(
        name="silent",
        command=silent.command,
        environ=silent.environ,
        ready_url=f"http://127.0.0.1:{nowhere}/",
        stop_seconds=5,
    )
    with pytest.raises(StartFailed, match="silent is not ready after 1 s"):
        await supervisor.start([other_port], patience=1)


async def test_what_a_stopped_program_started_is_gone_too(supervisor, listener, program):
    (port,) = free_ports(1)
    await supervisor.start([program("parent", port, "parent")], patience=PATIENCE)
    child = int(next(line for line in listener.lines if ": child " in line).rsplit(" ", 1)[1])
    process = psutil.Process(child)

    await supervisor.stop()

    await asyncio.to_thread(process.wait, PATIENCE)


async def test_nothing_is_left_when_the_owner_is_killed(program, tmp_path):
    command = program("parent", 0).command[:2]
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, OWNER, tmp_path / "nats", *command), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    pids = []
    while (line := (await owner.stdout.readline()).strip()) != b"ready":
        pids.append(int(line))
    processes = [psutil.Process(pid) for pid in pids]
    assert len(processes) == 3
    assert any(process.name() == "nats-server" for process in processes)

    owner.kill()
    await owner.wait()

    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, PATIENCE)
    assert alive == []
