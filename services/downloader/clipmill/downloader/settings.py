"""The downloader's settings: CLIPMILL_DOWNLOADER_*."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated

from clipmill.egress.addresses import Network
from clipmill.egress.upstream import UpstreamProxy
from clipmill.operations.settings import AT_LEAST, Secret, ServiceSettings, SettingsError
from msgspec import Meta


class DownloaderSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the downloader."""

    port: Annotated[int, Meta(description="Port of health and metrics; 0 lets the system choose.", ge=0, le=65535)] = (
        9101
    )
    slots: Annotated[int, Meta(description="Number of videos downloaded at the same time.", ge=1)] = 2
    attempts: Annotated[int, Meta(description="Number of attempts to download a video.", ge=1)] = 3
    retry_first_seconds: Annotated[
        float,
        Meta(
            description="Upper limit of the random delay before the second attempt to download a video, in seconds; "
            "the limit doubles with each further attempt.",
            gt=0,
        ),
    ] = 2.0
    retry_limit_seconds: Annotated[
        float,
        Meta(
            description="Highest upper limit of the random delay between two attempts to download a video, in seconds.",
            gt=0,
            extra={AT_LEAST: "retry_first_seconds"},
        ),
    ] = 120.0
    work_dir: Annotated[
        Path | None,
        Meta(
            description="Directory for temporary files, which needs twice CLIPMILL_DOWNLOADER_MAX_BYTES for each slot; "
            "the system's temporary directory if unset."
        ),
    ] = None

    max_bytes: Annotated[int, Meta(description="Largest download, in bytes.", ge=2**20)] = 4 * 2**30
    max_duration_seconds: Annotated[float, Meta(description="Longest video, in seconds.", gt=0)] = 4 * 3600.0

    fetch_timeout_seconds: Annotated[
        float, Meta(description="Longest time that a download may take, in seconds.", gt=0)
    ] = 3600.0
    fetch_memory_bytes: Annotated[
        int, Meta(description="Most resident memory that a download may use, in bytes.", ge=2**27)
    ] = 2**30
    socket_timeout_seconds: Annotated[
        float, Meta(description="Silence of a server after which a download is tried again, in seconds.", gt=0)
    ] = 20.0
    prepare_timeout_seconds: Annotated[
        float, Meta(description="Longest time that checking and repacking a video may take, in seconds.", gt=0)
    ] = 900.0
    prepare_memory_bytes: Annotated[
        int, Meta(description="Most resident memory that checking and repacking may use, in bytes.", ge=2**27)
    ] = 2 * 2**30

    allowed_networks: Annotated[
        tuple[str, ...],
        Meta(description="Networks that downloads may reach although they are not public, such as 10.1.0.0/16."),
    ] = ()
    upstream_proxy: Annotated[
        Secret | None,
        Meta(description="HTTP proxy that all downloads go through: http://user:password@host:port."),
    ] = None
    cookies_file: Annotated[
        Path | None,
        Meta(description="File of cookies in Netscape format, for videos that need an account; it is only read."),
    ] = None

    def check(self) -> None:
        """Check the networks, the proxy and the file of cookies."""
        self.networks()
        self.upstream()
        if self.cookies_file is not None:
            _check_readable("CLIPMILL_DOWNLOADER_COOKIES_FILE", self.cookies_file)

    def networks(self) -> tuple[Network, ...]:
        """Return `allowed_networks` as networks.

        Raises:
            SettingsError: if one of them is not a network.
        """
        return tuple(_network(text) for text in self.allowed_networks)

    def upstream(self) -> UpstreamProxy | None:
        """Return the proxy that `upstream_proxy` names, None if it is unset.

        Raises:
            SettingsError: if it is not the URL of an HTTP proxy; the sentence leaves out the value, which is secret.
        """
        if self.upstream_proxy is None:
            return None
        try:
            return UpstreamProxy.parse(self.upstream_proxy.reveal())
        except ValueError as error:
            sentence = (
                f"CLIPMILL_DOWNLOADER_UPSTREAM_PROXY {error}; write http://user:password@host:port, and special "
                "characters of the password as percent codes, such as %2F for a slash."
            )
            raise SettingsError(sentence) from None


def _network(text: str) -> Network:
    """Return the network that `text` names.

    Raises:
        SettingsError: if it names none; the sentence about an address within a network names that network.
    """
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        sentence = (
            f"CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS has {text!r}, which is not a network; write networks such as "
            "10.1.0.0/16."
        )
        raise SettingsError(sentence) from None
    if ip_address(text.partition("/")[0]) != network.network_address:
        sentence = (
            f"CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS has {text!r}, which does not begin with the first address of its "
            f"network; write {network}."
        )
        raise SettingsError(sentence)
    return network


def _check_readable(variable: str, path: Path) -> None:
    """Raise `SettingsError` if the file that a setting names cannot be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        remedy = "name a file that the downloader may read"
        sentence = f"{variable} names {path}, which cannot be read ({error.strerror}); {remedy}."
        raise SettingsError(sentence) from error
