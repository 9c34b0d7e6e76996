"""The NATS server of a single machine."""

import asyncio
import os
import signal
from pathlib import Path

import nats
import psutil
import pytest
from clipmill.cli.local.embedded_nats import NatsPorts, find_nats_server, nats_program
from clipmill.cli.local.ports import free_ports, port_is_free

pytestmark = pytest.mark.slow

PATIENCE = 30.0


@pytest.fixture
async def ports(supervisor, tmp_path: Path) -> NatsPorts:
    """Return the ports of the running server."""
    ports = NatsPorts(*free_ports(2))
    await supervisor.start([nats_program(tmp_path / "nats", ports, os.environ)], patience=PATIENCE)
    return ports


def test_the_binary_comes_from_its_wheel():
    assert find_nats_server().name == "nats-server"


async def test_it_stores_streams_below_its_folder(ports, tmp_path):
    client = await nats.connect(ports.url)
    js = client.jetstream()
    await js.add_stream(name="KEPT", subjects=["kept.>"])
    await js.publish("kept.one", b"1")
    await client.close()
    assert (tmp_path / "nats" / "jetstream").is_dir()


async def test_it_listens_on_the_loopback_interface_alone(ports, supervisor):
    (member,) = supervisor.members
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(member.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", ports.client), ("127.0.0.1", ports.monitoring)}


async def test_messages_survive_its_death_at_the_same_address(ports, supervisor, listener):
    (member,) = supervisor.members
    back = asyncio.Event()

    async def reconnected() -> None:
        back.set()

    client = await nats.connect(
        ports.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1, reconnected_cb=reconnected
    )
    js = client.jetstream()
    await js.add_stream(name="KEPT", subjects=["kept.>"])
    await js.publish("kept.one", b"1")

    os.kill(member.pid, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        await back.wait()
    await member.ready(PATIENCE)

    assert listener.events == ["nats was ended by signal 9. Starting it again in 0.5 s."]
    assert (await js.stream_info("KEPT")).state.messages == 1
    await client.close()


async def test_its_ports_are_free_again_when_it_has_stopped(ports, supervisor):
    assert not port_is_free(ports.client)
    await supervisor.stop()
    assert port_is_free(ports.client)
