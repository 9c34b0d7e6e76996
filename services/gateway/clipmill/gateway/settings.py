"""The gateway's settings: CLIPMILL_GATEWAY_*."""

import re
from ipaddress import ip_network
from typing import Annotated

from clipmill.gateway.entrance import ANY, ORIGIN, Entrance
from clipmill.operations.connections import ConnectionLimits, Network
from clipmill.operations.settings import ServiceSettings, SettingsError
from msgspec import Meta

GIBIBYTE = 1024**3

HOST_NAME = re.compile(r"\*|\.?[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
PUBLIC_URL = re.compile(ORIGIN.pattern + "/?")


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
    public_url: Annotated[
        str | None,
        Meta(description="Address under which others reach the gateway, such as https://clipmill.example.com."),
    ] = None
    hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Further names under which the gateway answers, beside localhost, the host of "
            "CLIPMILL_GATEWAY_PUBLIC_URL and its own addresses; .example.com stands for all names that end so, * for "
            "all."
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Origins, such as https://app.example.com, whose pages may call the gateway; * for all. "
            "Without them, only its own pages may."
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
        """Check the networks of the proxies, and the names of the gateway."""
        self.connection_limits()
        self.entrance()

    def connection_limits(self) -> ConnectionLimits:
        """Return the limits of the connections to the port.

        Raises:
            SettingsError: if a trusted proxy is no address and no network.
        """
        proxies = tuple(_network(text) for text in self.trusted_proxies)
        return ConnectionLimits(connections=self.max_connections, trusted_proxies=proxies)

    def entrance(self) -> Entrance:
        """Return the check of the names by which the gateway is called.

        Raises:
            SettingsError: if a name, an origin or the public address is none.
        """
        if self.public_url is not None and not PUBLIC_URL.fullmatch(self.public_url):
            sentence = (
                f"CLIPMILL_GATEWAY_PUBLIC_URL is {self.public_url!r}, which is no address of a server; write one such "
                "as https://clipmill.example.com."
            )
            raise SettingsError(sentence)
        for name in self.hosts:
            if not HOST_NAME.fullmatch(name):
                sentence = (
                    f"CLIPMILL_GATEWAY_HOSTS has {name!r}, which is no name of a host; write names without port, such "
                    "as clipmill.example.com."
                )
                raise SettingsError(sentence)
        for origin in self.cors_origins:
            if origin != ANY and not ORIGIN.fullmatch(origin):
                sentence = (
                    f"CLIPMILL_GATEWAY_CORS_ORIGINS has {origin!r}, which is no origin; write origins such as "
                    "https://app.example.com, without a path."
                )
                raise SettingsError(sentence)
        return Entrance(self.common.host, hosts=self.hosts, public_url=self.public_url, cors_origins=self.cors_origins)


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        sentence = (
            f"CLIPMILL_GATEWAY_TRUSTED_PROXIES has {text!r}, which is neither an address nor a network; write "
            "addresses such as 10.1.0.7, or networks such as 10.1.0.0/16."
        )
        raise SettingsError(sentence) from None
