"""The command `python -m clipmill.gateway rebuild`, which rebuilds the job documents from the events."""

import argparse
import sys
import time
from collections.abc import Sequence

import msgspec
import uvloop
from clipmill.contracts.failures import Transient
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.projection.rebuilding import Rebuilding, Report
from clipmill.gateway.settings import GatewaySettings
from clipmill.messaging import connection
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.service import configured
from clipmill.messaging.topology import CHECKPOINT, CONTROL, JOBS, SECRETS

PATIENCE_SECONDS = 10.0
"""The longest wait for NATS, in seconds; it should be running already."""

DIFFERENT = 1
"""The exit status of a check that found a difference."""

UNREACHABLE = 3
"""The exit status if NATS does not answer or does not have the streams and buckets of clipmill."""

NAMES_SHOWN = 10


def rebuild(arguments: Sequence[str]) -> int:
    """Rebuild the job documents, while gateways run, and print the report.

    Args:
        arguments: Command-line arguments after the word `rebuild`.

    Returns:
        The exit status: 0, `DIFFERENT` or `UNREACHABLE`.

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
    return DIFFERENT if options.check and (report.different or report.missing) else 0


async def _rebuild(nats_url: str, *, check: bool) -> Report:
    nc = await connection.connect(nats_url, "clipmill-gateway-rebuild", patience=PATIENCE_SECONDS)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        streams = JobStreams(nc)
        documents = await Bucket.open(nc, JOBS, JobDocument, deadline=deadline)
        ended = EndedJobs(await Bucket.open(nc, CONTROL, int, deadline=deadline))
        view = JobsView(streams, ended, Secrets(await Bucket.open(nc, SECRETS, bytes, deadline=deadline), None))
        projector = Projector(streams, documents, await Bucket.open(nc, CHECKPOINT, int, deadline=deadline), view)
        return await Rebuilding(streams, documents, projector, view, check=check).run()
    finally:
        await connection.close(nc)


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
