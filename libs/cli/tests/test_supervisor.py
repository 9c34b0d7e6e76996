"""Programs are kept running, stopped in order, and never left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from clipmill.cli.ports import free_ports
from clipmill.cli.supervisor import StartFailed, Supervisor

PATIENCE = 30.0
OWNER = Path(__file__).parent / "owner.py"


class Watcher:
    """Collects what a supervisor tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.events: list[str] = []

    def on_line(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    def on_event(self, sentence: str) -> None:
        self.events.append(sentence)


@pytest.fixture
async def watched():
    watcher = Watcher()
    supervisor = Supervisor(on_line=watcher.on_line, on_event=watcher.on_event)
    yield supervisor, watcher
    supervisor.kill()
    await supervisor.stop()


async def test_a_program_that_dies_is_started_again_with_the_same_port(watched, program):
    supervisor, watcher = watched
    (port,) = free_ports(1)
    await supervisor.start([program("worker", port)], patience=PATIENCE)
    (keeper,) = supervisor.keepers
    first = keeper.pid

    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(psutil.Process(first).wait, PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while keeper.pid in (None, first):
            await asyncio.sleep(0.02)
    await keeper.ready(PATIENCE)

    assert keeper.pid != first
    assert watcher.events == ["worker was ended by signal 9. Starting it again in 0.5 s."]


async def test_programs_stop_in_reverse_order_when_asked(watched, program):
    supervisor, watcher = watched
    first, second = free_ports(2)
    await supervisor.start([program("below", first)], patience=PATIENCE)
    await supervisor.start([program("above", second)], patience=PATIENCE)
    pids = [keeper.pid for keeper in supervisor.keepers]

    await supervisor.stop()

    assert [line for line in watcher.lines if line.endswith("stops")] == ["above: above stops", "below: below stops"]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert watcher.events == []


async def test_a_program_that_does_not_stop_is_ended(watched, program):
    supervisor, watcher = watched
    (port,) = free_ports(1)
    await supervisor.start([program("deaf", port, "stubborn", stop_seconds=0.2)], patience=PATIENCE)
    (keeper,) = supervisor.keepers
    pid = keeper.pid

    await supervisor.stop()

    assert watcher.events == ["deaf did not stop in 0 s and is ended."]
    assert not psutil.pid_exists(pid)


async def test_a_program_that_ends_by_itself_at_the_start_says_why(watched, program):
    supervisor, _ = watched
    good, bad = free_ports(2)
    with pytest.raises(StartFailed, match=r"worker ended with status 1\.\n.*CLIPMILL_X_SLOTS is 'many'"):
        await supervisor.start([program("fine", good), program("worker", bad, "wrong")], patience=PATIENCE)


async def test_a_program_that_is_never_ready_fails_the_start(watched, program):
    supervisor, _ = watched
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


async def test_what_a_stopped_program_started_is_gone_too(watched, program):
    supervisor, watcher = watched
    (port,) = free_ports(1)
    await supervisor.start([program("parent", port, "parent")], patience=PATIENCE)
    child = int(next(line for line in watcher.lines if ": child " in line).rsplit(" ", 1)[1])
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
