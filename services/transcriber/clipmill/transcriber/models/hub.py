"""How the Hugging Face hub may be reached: not at all where everything is on this machine, and never for ever."""

import socket
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

HUB_SECONDS = 30
"""How long the hub may keep silent."""


def restrain_libraries(environ: MutableMapping[str, str], *, offline: bool) -> None:
    """Tell the model libraries, before they are imported, whether and how patiently to ask the hub.

    Args:
        environ: such as `os.environ`.
        offline: whether they must not reach for the network.
    """
    environ["HF_HUB_OFFLINE"] = environ["TRANSFORMERS_OFFLINE"] = "1" if offline else "0"
    environ["HF_HUB_ETAG_TIMEOUT"] = environ["HF_HUB_DOWNLOAD_TIMEOUT"] = str(HUB_SECONDS)
    environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    environ["PYANNOTE_METRICS_ENABLED"] = "0"


@contextmanager
def hub_timeout() -> Iterator[None]:
    """Limit how long any connection opened meanwhile may keep silent, to `HUB_SECONDS`."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(HUB_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
