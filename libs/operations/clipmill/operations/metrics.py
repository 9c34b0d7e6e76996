"""Prometheus metrics that are nobody else's, and their rendering. Every module owns the metrics of its own work."""

import platform
import time
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

_fallbacks = Counter(
    "clipmill_fallbacks", "Times that a second-best way was taken; each is also in the job's log.", ["kind"]
)
_build = Gauge("clipmill_build_info", "Always 1; the labels say what runs.", ["service", "version", "python"])
_started = Gauge("clipmill_process_started_seconds", "When this process started, seconds since 1970.", ["service"])


def fallback(kind: str) -> None:
    """Count that a second-best way was taken.

    Args:
        kind: which one, such as `local_picker`; a small closed set, never free text.
    """
    _fallbacks.labels(kind=kind).inc()


def started(service: str) -> None:
    """Say what runs and since when; called once at start-up."""
    _build.labels(service=service, version=version("clipmill-operations"), python=platform.python_version()).set(1)
    _started.labels(service=service).set(time.time())


def render() -> bytes:
    """Return all metrics of this process in the text format of `CONTENT_TYPE`."""
    return generate_latest()
