"""The NATS server of a single machine."""

import asyncio
import os
import signal
from pathlib import Path

import nats
import psutil
import pytest
from clipmill.cli.embedded_nats import NatsPorts, find_nats_server, nats_program
from clipmill.cli.ports import free_ports, port_is_free
from clipmill.cli.supervisor import Supervisor

PATIENCE = 30.0


@pytest.fixture
async def embedded(tmp_path: Path):
    ports = NatsPorts(*free_ports(2))
    supervisor = Supervisor(on_line=lambda *_: None, on_event=lambda _: None)
    await supervisor.start([nats_program(tmp_path / "nats", ports, os.environ)], patience=PATIENCE)
    yield ports, supervisor
    await supervisor.stop()


def test_the_binary_comes_from_its_wheel():
    assert find_nats_server().name == "nats-server"


async def test_it_stores_streams_below_its_folder(embedded, tmp_path):
    ports, _ = embedded
    client = await nats.connect(ports.url)
    js = client.jetstream()
    await js.add_stream(name="KEPT", subjects=["kept.>"])
    await js.publish("kept.one", b"1")
    await client.close()
    assert (tmp_path / "nats" / "jetstream").is_dir()


async def test_it_listens_on_the_loopback_interface_alone(embedded):
    ports, supervisor = embedded
    (keeper,) = supervisor.keepers
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(keeper.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", ports.client), ("127.0.0.1", ports.monitoring)}


async def test_messages_survive_its_death_at_the_same_address(embedded):
    ports, supervisor = embedded
    (keeper,) = supervisor.keepers
    client = await nats.connect(ports.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    js = client.jetstream()
    await js.add_stream(name="KEPT", subjects=["kept.>"])
    await js.publish("kept.one", b"1")

    first = keeper.pid
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while keeper.pid in (None, first):
            await asyncio.sleep(0.02)
    await keeper.ready(PATIENCE)

    async with asyncio.timeout(PATIENCE):
        while not client.is_connected:
            await asyncio.sleep(0.02)
    assert (await js.stream_info("KEPT")).state.messages == 1
    await client.close()


async def test_its_ports_are_free_again_when_it_has_stopped(tmp_path):
    ports = NatsPorts(*free_ports(2))
    supervisor = Supervisor(on_line=lambda *_: None, on_event=lambda _: None)
    await supervisor.start([nats_program(tmp_path / "nats", ports, os.environ)], patience=PATIENCE)
    assert not port_is_free(ports.client)
    await supervisor.stop()
    assert port_is_free(ports.client)
