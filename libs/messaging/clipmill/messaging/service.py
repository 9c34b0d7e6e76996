"""The frame of every service: settings, logs, health, NATS, the store, workers, and an orderly stop."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Generic, TypeVar

import msgspec
import uvloop
from clipmill.artifacts.store import Store, open_store
from clipmill.contracts.failures import Transient
from clipmill.messaging import connection
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.connection import REQUEST_SECONDS, retry_until
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import ATTEMPTS, BUCKETS, CONSUMERS, CONTROL, SECRETS, BucketConfig
from clipmill.messaging.worker import Facilities, StageWorker, Worker
from clipmill.operations import logs, metrics
from clipmill.operations.connections import raise_descriptor_limit
from clipmill.operations.credentials import without_credentials
from clipmill.operations.health import Flag, Front, Health
from clipmill.operations.listening import ListeningPort, open_port
from clipmill.operations.settings import (
    CommonSettings,
    ServiceSettings,
    SettingsError,
    current,
    describe,
    load_settings,
    renamed_variables,
    sources,
    unknown_variables,
)
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import BucketNotFoundError, NotFoundError

log = logs.get_logger(__name__)

TOPOLOGY_PAUSE = 0.5
"""Seconds between two checks for streams that `clipmill topology apply` has not created yet."""

STORE_CHECK_SECONDS = 10.0
"""Time between two checks whether the store answers, for readiness."""

STORE_RETRY_SECONDS = 1.0

BAD_SETTING = 2
"""Exit status for a wrong setting, after which another start would not help."""


S = TypeVar("S", bound=ServiceSettings)
V = TypeVar("V")


@dataclass(frozen=True)
class Runtime:
    """The connections and facilities of a running service.

    Attributes:
        nc: Connection to NATS.
        streams: Streams of jobs.
        store: Artifact store.
        health: Registry of readiness checks.
        port: Port of the service, which answers health and metrics; another application may take over.
        shared: Facilities that workers share.
        common: Settings that all services share.
        ack_wait: Ack wait of the task consumers, in seconds.
    """

    nc: Client
    streams: JobStreams
    store: Store
    health: Health
    port: ListeningPort
    shared: Facilities
    common: CommonSettings
    ack_wait: float

    async def bucket(self, config: BucketConfig, kind: type[V]) -> Bucket[V]:
        """Return one of the topology's buckets, with values of type `kind`."""
        return await Bucket.open(self.nc, config, kind)


Build = Callable[[S, Runtime], AbstractAsyncContextManager[Sequence[StageWorker]]]


def main(
    name: str,
    kind: type[S],
    build: Build[S],
    *,
    front: Front = Health.application,
    commands: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run a service from its command line: `python -m clipmill.<name> [run | config [--json] | …]`.

    Args:
        name: Name of the service, also in the prefix of its settings.
        kind: Type of its settings.
        build: Context manager that gets settings and runtime, yields the stages to work on, and cleans up.
        front: Function that makes the application on the port until `build` puts another one there.
        commands: Further commands: each name with its function as `module:function`, which takes the words after the
            name and returns the exit status. Only the function of the given command is imported.
    """
    with _explaining(name):
        if sys.argv[1:] and sys.argv[1] in commands:
            command: Callable[[Sequence[str]], int] = resolve_name(commands[sys.argv[1]])
            sys.exit(command(sys.argv[2:]))
        arguments = _parse(name, commands)
        if arguments.command == "config":
            settings = load_settings(kind, name, os.environ)
            settings.check()
            _print_config(settings, name, as_json=arguments.json)
            return
        settings = configured(name, kind)
        settings.check()
        metrics.started(name)
        raise_descriptor_limit()
        uvloop.run(_Service(name, settings, build).run(front))


def configured(name: str, kind: type[S]) -> S:
    """Return a service's settings; set up the log by them, and warn there about unknown and renamed variables.

    Raises:
        SettingsError: if a variable has a bad value.
    """
    settings = load_settings(kind, name, os.environ)
    logs.configure(name, settings.common.log_format, settings.common.log_level)
    for sentence in unknown_variables(kind, name, os.environ):
        log.warning("unknown_setting", sentence=sentence)
    for sentence in renamed_variables(kind, name, os.environ):
        log.warning("renamed_setting", sentence=sentence)
    return settings


class CannotServe(Exception):
    """The service cannot work on this machine now; the message says why and what to do."""


@contextlib.contextmanager
def _explaining(name: str) -> Iterator[None]:
    """End the process with a sentence if its settings or its surroundings are wrong."""
    try:
        yield
    except SettingsError as error:
        sys.stderr.write(f"clipmill {name}: {error}\n")
        sys.exit(BAD_SETTING)
    except CannotServe as error:
        sys.exit(f"clipmill {name}: {error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"clipmill {name}: {place}{_reason(error)}")


def _parse(name: str, commands: Iterable[str]) -> argparse.Namespace:
    more = "".join(f" `{word} --help` describes another command." for word in commands)
    parser = argparse.ArgumentParser(prog=f"python -m clipmill.{name}", epilog=more or None)
    parsers = parser.add_subparsers(dest="command")
    parsers.add_parser("run", help="work until SIGTERM (the default)")
    config = parsers.add_parser("config", help="print every setting with its value")
    config.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _print_config(settings: msgspec.Struct, name: str, *, as_json: bool) -> None:
    values = current(settings, name)
    origins = sources(type(settings), name, os.environ)
    rows = [
        {
            "variable": setting.variable,
            "type": setting.type,
            "default": setting.default,
            "description": setting.doc,
            "value": values[setting.variable],
            "source": origins[setting.variable],
        }
        for setting in describe(type(settings), name)
    ]
    if as_json:
        text = msgspec.json.encode(rows).decode()
    else:
        text = "\n".join(
            f"{row['variable']}={row['value']}\n    {row['description']} ({row['type']}; from: {row['source']})"
            for row in rows
        )
    sys.stdout.write(text + "\n")


class _Service(Generic[S]):
    """One service from its start to its stop."""

    def __init__(self, name: str, settings: S, build: Build[S]) -> None:
        self._name = name
        self._settings = settings
        self._build = build
        self._common = settings.common
        self._port = settings.port
        self._health = Health()
        self._started = self._health.flag("started")
        self._stopping = asyncio.Event()
        self._begun = False

    async def run(self, front: Front) -> None:
        """Serve until SIGTERM or SIGINT, also if it comes while the service is still starting."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        async with contextlib.AsyncExitStack() as opened:
            port = await self._open_port(opened, front)
            log.info("port_opened", host=self._common.host, port=port.number)
            serving = asyncio.create_task(self._serve(port))
            stopped = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not self._begun:  # still waiting for NATS or the topology, so there is no task to give back
                serving.cancel()
            stopped.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
        log.info("service_stopped")

    async def _open_port(self, opened: contextlib.AsyncExitStack, front: Front) -> ListeningPort:
        host = self._common.host
        try:
            limits = self._settings.connection_limits()
            return await opened.enter_async_context(open_port(host, self._port, front(self._health), limits))
        except OSError as error:
            variable = f"CLIPMILL_{self._name.upper()}_PORT"
            sentence = (
                f"Port {self._port} of {host} cannot be opened ({_reason(error)}); stop the program that uses it, or "
                f"set {variable} or CLIPMILL_HOST."
            )
            raise CannotServe(sentence) from error

    async def _serve(self, port: ListeningPort) -> None:
        async with (
            open_runtime(self._name, self._common, self._health, port) as runtime,
            self._build(self._settings, runtime) as works,
        ):
            workers = [Worker(work, runtime.shared, ack_wait=runtime.ack_wait) for work in works]
            running = [asyncio.create_task(worker.run()) for worker in workers]
            self._begun = True
            self._started.set()
            log.info("service_started", stages=[str(work.stage) for work in works])
            stopped = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({stopped, *running}, return_when=asyncio.FIRST_COMPLETED)
            self._started.set(False)
            log.info("service_stopping")
            await asyncio.gather(*(worker.stop(self._common.shutdown_seconds) for worker in workers))
            stopped.cancel()
            await asyncio.gather(*running)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _open_store(url: str) -> Store:
    try:
        return open_store(url)
    except ValueError as error:
        raise SettingsError(f"CLIPMILL_STORE_URL: {error}") from None
    except OSError as error:
        place = without_credentials(url)
        sentence = f"The artifact store {place} cannot be used ({_reason(error)}); check CLIPMILL_STORE_URL."
        raise CannotServe(sentence) from error


@asynccontextmanager
async def open_runtime(
    name: str, common: CommonSettings, health: Health, port: ListeningPort | None = None
) -> AsyncIterator[Runtime]:
    """Connect to everything that a service needs, wait for what is not there yet, and close it at the end.

    Args:
        name: Name of the service in NATS's monitoring.
        common: Settings that all services share.
        health: Registry of readiness checks, which show what is missing.
        port: Port of the service, None for a program without one.

    Raises:
        CannotServe: if the artifact store cannot be used.
        SettingsError: if CLIPMILL_STORE_URL is not the URL of a store.
    """
    health.flag("nats")
    stored = health.flag("store")
    store = _open_store(common.store_url)
    checking = asyncio.create_task(_watch_store(store, stored))
    nc = await connection.connect(common.nats_url, f"clipmill-{name}")
    try:
        health.register("nats", lambda: nc.is_connected)
        js = nc.jetstream(timeout=REQUEST_SECONDS)
        ack_wait = await _await_topology(js)
        ended = EndedJobs(await Bucket.open(nc, CONTROL, int))
        attempts = Attempts(await Bucket.open(nc, ATTEMPTS, Tally))
        secret_key = common.secret_key.reveal() if common.secret_key else None
        secrets = Secrets(await Bucket.open(nc, SECRETS, bytes), secret_key)
        await ended.start()
        yield Runtime(
            nc=nc,
            streams=JobStreams(nc),
            store=store,
            health=health,
            port=port or ListeningPort(),
            shared=Facilities(nc, Publisher(nc), attempts, ended, secrets),
            common=common,
            ack_wait=ack_wait,
        )
        await ended.stop()
    finally:
        checking.cancel()
        await connection.close(nc)


async def _await_topology(js: JetStreamContext) -> float:
    """Wait until `clipmill topology apply` has run and return the consumers' ack wait, in seconds."""
    reported = False
    while True:
        try:
            for consumer in CONSUMERS:
                info = await retry_until(partial(js.consumer_info, consumer.stream, consumer.name))
            for bucket in BUCKETS:
                await retry_until(partial(js.key_value, bucket.name))
        except (NotFoundError, BucketNotFoundError):
            if not reported:
                log.warning(
                    "topology_missing",
                    sentence="NATS lacks streams that clipmill needs; run `clipmill topology apply`.",
                )
                reported = True
            await asyncio.sleep(TOPOLOGY_PAUSE)
        else:
            return float(info.config.ack_wait or 0)


async def _watch_store(store: Store, flag: Flag) -> None:
    while True:
        try:
            await store.ready()
        except Transient as reason:
            if flag.value:
                log.warning("store_lost", sentence=reason.sentence)
            flag.set(False)
            await asyncio.sleep(STORE_RETRY_SECONDS)
        else:
            flag.set(True)
            await asyncio.sleep(STORE_CHECK_SECONDS)
