"""The command `python -m clipmill.gateway rebuild`, which rebuilds the job documents from the events."""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import uvloop
from clipmill.contracts.failures import Transient
from clipmill.gateway.projection import rebuilding
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.projection.rebuilding import Rebuilding, Report
from clipmill.gateway.settings import GatewaySettings
from clipmill.messaging import connection
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.connection import NatsClient
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.service import configured
from clipmill.messaging.topology import CHECKPOINT, CONTROL, JOBS, SECRETS, BucketConfig

T = TypeVar("T")

PATIENCE_SECONDS = 10.0
"""The longest wait for NATS, in seconds; it should be running already."""

DIFFERENT = 1
"""The exit status of a check that found a difference."""

FAILED = 1
"""The exit status of a rebuild that could not go on, because a stream or bucket vanished meanwhile."""

UNREACHABLE = 3
"""The exit status if NATS does not answer or does not have the streams and buckets of clipmill."""

VANISHED = "A stream or bucket of clipmill vanished meanwhile; run `clipmill topology apply`, then the rebuild again."

NAMES_SHOWN = 10


class Vanished(Exception):
    """A stream or bucket that the rebuild had opened is gone."""


def rebuild(arguments: Sequence[str]) -> int:
    """Rebuild the job documents, while gateways run, and print the report.

    Args:
        arguments: Command-line arguments after the word `rebuild`.

    Returns:
        The exit status: 0, `DIFFERENT`, `FAILED` or `UNREACHABLE`.

    Raises:
        SettingsError: A variable has a bad value.
    """
    parser = argparse.ArgumentParser(
        prog="python -m clipmill.gateway rebuild",
        description="Rebuild the job documents from the events, while gateways run.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; the exit status is 1 if anything differs")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    settings = configured("gateway", GatewaySettings)
    try:
        report = uvloop.run(_rebuild(settings.common.nats_url, check=options.check))
    except Vanished:
        sys.stderr.write(f"Error: {VANISHED}\n")
        return FAILED
    except Transient as failure:
        return _unreachable(failure.sentence)
    except connection.MissingError:
        return _unreachable("NATS lacks a stream or bucket of clipmill; run `clipmill topology apply` first.")
    except connection.NatsError as error:
        return _unreachable(
            f"NATS refuses a request of the rebuild ({error}); check CLIPMILL_NATS_URL and the log of the NATS server."
        )
    text = msgspec.json.encode(report).decode() + "\n" if options.json else _summary(report, check=options.check)
    sys.stdout.write(text)
    return DIFFERENT if options.check and (report.different or report.missing or report.too_large) else 0


async def _rebuild(nats_url: str, *, check: bool) -> Report:
    nc = await connection.connect(nats_url, "clipmill-gateway-rebuild", patience=PATIENCE_SECONDS)
    try:
        begun = await _opened(nc, check=check)
        try:
            report = await begun.run()
        except (Transient, connection.NatsError) as failure:
            if await _complete(nc):
                raise
            raise Vanished from failure
        if not await _complete(nc):  # the jobs of a stream that is gone look like deleted ones
            raise Vanished
        return report
    finally:
        await connection.close(nc)


async def _opened(nc: NatsClient, *, check: bool) -> Rebuilding:
    """Return a rebuild that has not begun; its requests end after `ANSWER_SECONDS`.

    Raises:
        Transient: `unavailable`, NATS does not answer in time.
        connection.MissingError: A stream or bucket does not exist.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    streams = JobStreams(nc).within(rebuilding.ANSWER_SECONDS)
    documents = await _bucket(nc, JOBS, JobDocument, deadline)
    ended = EndedJobs(await _bucket(nc, CONTROL, int, deadline))
    view = JobsView(streams, ended, Secrets(await _bucket(nc, SECRETS, bytes, deadline), None))
    projector = Projector(streams, documents, await _bucket(nc, CHECKPOINT, int, deadline), view)
    await streams.events_end(deadline=deadline)
    return Rebuilding(streams, documents, projector, view, check=check)


async def _bucket(nc: NatsClient, config: BucketConfig, kind: type[T], deadline: float) -> Bucket[T]:
    return (await Bucket.open(nc, config, kind, deadline=deadline)).within(rebuilding.ANSWER_SECONDS)


async def _complete(nc: NatsClient) -> bool:
    """Return whether all streams and buckets of a rebuild exist, as far as NATS answers."""
    try:
        await _opened(nc, check=True)
    except connection.MissingError:
        return False
    except Transient:
        return True
    return True


def _unreachable(sentence: str) -> int:
    sys.stderr.write(f"Error: {sentence}\n")
    return UNREACHABLE


def _summary(report: Report, *, check: bool) -> str:
    """Return the report as lines for a person."""
    would = "would be " if check else ""
    lines = [
        f"{_count(report.jobs, 'job')}, {_count(report.events, 'event')}, {report.seconds:.1f} s",
        f"equal            {report.equal}",
        f"different        {len(report.different)}{_named(report.different, f'{would}rewritten')}",
        f"missing          {len(report.missing)}{_named(report.missing, f'{would}created')}",
        f"without events   {len(report.without_events)}{_named(report.without_events, 'left unchanged')}",
    ]
    if report.too_large:
        lines.append(f"too large        {len(report.too_large)}{_named(report.too_large, 'left unchanged')}")
    if report.undecodable_events:
        lines.append(f"undecodable      {_count(report.undecodable_events, 'event')}, skipped")
    return "\n".join(lines) + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _named(keys: tuple[str, ...], fate: str) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - NAMES_SHOWN} more" if len(keys) > NAMES_SHOWN else ""
    return f"  {fate}: {', '.join(keys[:NAMES_SHOWN])}{more}"
