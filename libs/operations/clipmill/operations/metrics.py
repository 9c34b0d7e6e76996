"""Prometheus metrics that belong to no other module, and their rendering."""

import platform
import time
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

_fallbacks = Counter("clipmill_fallbacks", "Fallbacks to a second-best way, by kind.", ["kind"])
_build = Gauge(
    "clipmill_build_info",
    "Running builds (always 1), by service, version and python.",
    ["service", "version", "python"],
)
_started = Gauge(
    "clipmill_process_started_seconds", "Start times of processes in Unix seconds, by service.", ["service"]
)


def fallback(kind: str) -> None:
    """Count a fallback to a second-best way.

    Args:
        kind: Kind of the fallback, such as `local_picker`; one of a small closed set, never free text.
    """
    _fallbacks.labels(kind=kind).inc()


def started(service: str) -> None:
    """Record the running build and its start; called once at start-up."""
    _build.labels(service=service, version=version("clipmill-operations"), python=platform.python_version()).set(1)
    _started.labels(service=service).set(time.time())


def render() -> bytes:
    """Return all metrics of this process in the text format of `CONTENT_TYPE`."""
    return generate_latest()
