"""Ports that several processes choose at once."""

import asyncio
import sys

import pytest
from clipmill.cli.local import ports

CHOOSER = """
import sys
from clipmill.cli.local import ports
ports.FIRST_PORT, ports.LAST_PORT = int(sys.argv[1]), int(sys.argv[2])
print(*ports.free_ports(2), flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
async def test_two_processes_never_choose_the_same_port(monkeypatch):
    (first,) = ports.free_ports(1)
    last = min(first + 12, 32_000)
    candidates = [port for port in range(first, last) if ports.port_is_free(port)]
    monkeypatch.setattr(ports, "FIRST_PORT", first)
    monkeypatch.setattr(ports, "LAST_PORT", last)
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHOOSER, str(first), str(last)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    taken = {int(port) for port in (await other.stdout.readline()).split()}
    mine = {*ports.free_ports(1), *(ports.free_ports(1)[0] for _ in range(60))}
    await other.communicate(b"")
    assert len(taken) == 2
    assert taken <= set(candidates)
    assert not mine & taken
    assert {*mine, *(ports.free_ports(1)[0] for _ in range(60))} & taken


def test_a_port_is_not_chosen_twice_while_there_are_others(monkeypatch):
    (first,) = ports.free_ports(1)
    monkeypatch.setattr(ports, "FIRST_PORT", first)
    monkeypatch.setattr(ports, "LAST_PORT", min(first + 12, 32_000))
    (second,) = ports.free_ports(1)
    assert second != first


def test_too_few_free_ports_are_an_error(monkeypatch):
    monkeypatch.setattr(ports, "FIRST_PORT", 20_000)
    monkeypatch.setattr(ports, "LAST_PORT", 20_001)
    with pytest.raises(ports.NoPort, match="stop programs that use some"):
        ports.free_ports(2)
