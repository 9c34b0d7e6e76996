"""The gateway's settings: CLIPMILL_GATEWAY_*."""

from ipaddress import ip_network
from typing import Annotated

from clipmill.operations.connections import ConnectionLimits, Network
from clipmill.operations.settings import ServiceSettings, SettingsError
from msgspec import Meta

GIBIBYTE = 1024**3


class GatewaySettings(ServiceSettings, frozen=True, kw_only=True):
    """The settings of the gateway."""

    port: Annotated[
        int, Meta(description="Port of the API, health and metrics; 0 lets the system choose.", ge=0, le=65535)
    ] = 8000
    max_upload_bytes: Annotated[
        int,
        Meta(
            description="Largest upload accepted, in bytes; CLIPMILL_DOWNLOADER_WORK_DIR needs twice the space per "
            "slot.",
            ge=1,
        ),
    ] = 4 * GIBIBYTE
    store_reserve_bytes: Annotated[
        int | None,
        Meta(
            description="Free disk space that is reserved for running jobs, in bytes; if there is less, no new job is "
            "accepted. By default 1 GiB or 5 % of the disk of a local store, whichever is less.",
            ge=0,
        ),
    ] = None
    models: Annotated[
        tuple[str, ...],
        Meta(
            description="Whisper models that a job may choose with its option `model`, by names that "
            "CLIPMILL_TRANSCRIBER_MODEL would take; if empty, no job may choose."
        ),
    ] = ()
    max_connections: Annotated[
        int,
        Meta(
            description="Most connections that are answered or kept open; fewer if the system allows too few open "
            "files.",
            ge=1,
        ),
    ] = ConnectionLimits().connections
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of the reverse proxies whose X-Forwarded-For names the client; without "
            "them, all clients of a proxy count as one."
        ),
    ] = ()
    answer_seconds: Annotated[
        float, Meta(description="Longest wait for NATS before a request is answered with 503, in seconds.", gt=0)
    ] = 5.0
    sweep_seconds: Annotated[
        float, Meta(description="Pause between two sweeps for expired, lost and orphaned work, in seconds.", gt=0)
    ] = 60.0
    lost_seconds: Annotated[
        float,
        Meta(description="Time without events after which a job that has no task is restarted, in seconds.", gt=0),
    ] = 300.0
    orphan_seconds: Annotated[
        float, Meta(description="Age at which artifacts that belong to no job are removed, in seconds.", gt=0)
    ] = 3600.0

    def check(self) -> None:
        """Check the networks of the proxies."""
        self.connection_limits()

    def connection_limits(self) -> ConnectionLimits:
        """Return the limits of the connections to the port.

        Raises:
            SettingsError: if a trusted proxy is no address and no network.
        """
        proxies = tuple(_network(text) for text in self.trusted_proxies)
        return ConnectionLimits(connections=self.max_connections, trusted_proxies=proxies)


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        sentence = (
            f"CLIPMILL_GATEWAY_TRUSTED_PROXIES has {text!r}, which is neither an address nor a network; write "
            "addresses such as 10.1.0.7, or networks such as 10.1.0.0/16."
        )
        raise SettingsError(sentence) from None
