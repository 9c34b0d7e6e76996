"""Limits on the Hugging Face hub: no access when all models are on this machine, and never an endless wait."""

import os
import socket
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

HUB_SECONDS = 30
"""Longest silence of the hub, once a download has begun."""

_OFFLINE = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
"""True if whoever started this process forbids the network, read before `restrain_libraries` sets the variable."""


def offline_by_choice() -> bool:
    """Return whether the operator forbids the use of the hub (HF_HUB_OFFLINE)."""
    return _OFFLINE


def restrain_libraries(environ: MutableMapping[str, str], *, offline: bool) -> None:
    """Set the variables by which the model libraries limit their use of the hub; call it before importing them.

    Args:
        environ: Environment variables to change, such as `os.environ`.
        offline: True to forbid the libraries the network.
    """
    environ["HF_HUB_OFFLINE"] = environ["TRANSFORMERS_OFFLINE"] = "1" if offline else "0"
    environ["HF_HUB_ETAG_TIMEOUT"] = environ["HF_HUB_DOWNLOAD_TIMEOUT"] = str(HUB_SECONDS)
    environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    environ["PYANNOTE_METRICS_ENABLED"] = "0"


@contextmanager
def hub_timeout() -> Iterator[None]:
    """Limit the silence of connections opened within this context to `HUB_SECONDS`."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(HUB_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
