"""Processes that die with their owner."""

import asyncio
import signal
import sys

import psutil
import pytest
from clipmill.operations.processes import start_process

pytestmark = pytest.mark.slow

PIPE = asyncio.subprocess.PIPE


async def test_a_program_gets_its_arguments_environment_and_directory(tmp_path):
    code = "import os, sys; print(sys.argv[1], os.environ['COLOUR'], os.getcwd())"
    process = await start_process(
        [sys.executable, "-c", code, "a b"], stdout=PIPE, environ={"COLOUR": "blue"}, directory=tmp_path
    )
    assert process.stdout is not None
    output = await process.stdout.read()
    assert await process.wait() == 0
    assert output.decode().split("\n")[0] == f"a b blue {tmp_path.resolve()}"


async def test_the_exit_status_is_the_programs_own():
    process = await start_process([sys.executable, "-c", "raise SystemExit(7)"])
    assert await process.wait() == 7
    assert process.returncode == 7
    assert not process.running


async def test_a_program_that_does_not_exist_ends_with_an_error(capfd):
    process = await start_process(["/nowhere/program"])
    assert await process.wait() == 1
    assert "No such file" in capfd.readouterr().err


async def test_terminate_lets_the_program_end_in_its_own_way():
    code = "import signal, sys; signal.signal(15, lambda *_: sys.exit(3)); print('up', flush=True); signal.pause()"
    process = await start_process([sys.executable, "-c", code], stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    process.terminate()
    assert await process.wait() == 3


async def test_kill_ends_the_group_and_wait_leaves_nobody(wait_gone):
    process = await start_process(["/bin/sh", "-c", "sleep 600 & echo up; wait"], stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    members = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    wait_gone(process.pid, *members)


async def test_what_a_program_leaves_running_ends_with_it(wait_gone):
    process = await start_process(["/bin/sh", "-c", "sleep 600 >/dev/null & echo $!"], stdout=PIPE)
    assert process.stdout is not None
    left_behind = int(await process.stdout.readline())
    assert await process.wait() == 0
    wait_gone(left_behind)


async def test_acting_on_a_process_that_has_ended_is_harmless():
    process = await start_process(["/bin/true"])
    await process.wait()
    process.terminate()
    process.kill()
    assert await process.wait() == 0


async def test_output_ends_with_the_program_although_its_watcher_lives_a_little_longer():
    process = await start_process([sys.executable, "-c", "print('done')"], stdout=PIPE)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.read(), 5) == b"done\n"
    await process.wait()


SUBREAPER = """
import asyncio, ctypes, os
from clipmill.operations.processes import start_process

PR_SET_CHILD_SUBREAPER = 36

async def main():
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    process = await start_process(["/bin/sh", "-c", "sleep 600 & exit 0"])
    await process.wait()

asyncio.run(main())
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("nobody left")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process other than PID 1 inherit orphans")
async def test_as_the_first_process_of_a_container_no_zombies_gather():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SUBREAPER, stdout=PIPE)
    output, _ = await process.communicate()
    assert output == b"nobody left\n"


@pytest.mark.parametrize("factory", ["asyncio", "uvloop"])
def test_processes_run_under_either_event_loop(factory):
    async def main() -> int:
        process = await start_process(["/bin/sh", "-c", "echo out; exit 5"], stdout=PIPE)
        assert process.stdout is not None
        assert await process.stdout.read() == b"out\n"
        return await process.wait()

    if factory == "uvloop":
        import uvloop

        assert uvloop.run(main()) == 5
    else:
        assert asyncio.run(main()) == 5
