"""An operator's HTTP proxy, through which the guard connects with CONNECT to the address that it checked."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import h11
from clipmill.egress.addresses import Address
from clipmill.egress.heads import authority, basic_credential, receive_response, send, server_side

PROXY_AUTHENTICATION_REQUIRED = 407


@dataclass(frozen=True)
class ProxyFailure:
    """A failure of the upstream proxy itself, for which no host is to blame.

    Attributes:
        reason: End of a sentence about the proxy, such as `cannot be reached`; it does not contain the proxy's address.
        credential: True if the proxy refused its user and password, or needs them and got none.
    """

    reason: str
    credential: bool = False


class ProxyFailedError(Exception):
    """The upstream proxy failed."""

    def __init__(self, failure: ProxyFailure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class TunnelRefusedError(Exception):
    """The upstream proxy works, and does not connect to the host."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the upstream proxy answered {status}")


@dataclass(frozen=True)
class UpstreamProxy:
    """A proxy between the guard and the internet.

    Attributes:
        host: Name or address of the proxy.
        port: Port of the proxy.
        credential: Value of the Proxy-Authorization header, None for a proxy that is open to all.
    """

    host: str
    port: int
    credential: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "UpstreamProxy":
        """Return the proxy at `url`.

        Raises:
            ValueError: if that is not `http://[user:password@]host[:port]`; the message ends a sentence about the URL,
                and neither the message nor the traceback repeats a part of it.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # its message may quote the password
            host, port = None, None
        if not host or parts.scheme != "http":
            raise ValueError("is not the URL of an HTTP proxy")
        credential = None
        if parts.username is not None:
            credential = basic_credential(unquote(parts.username), unquote(parts.password or ""))
        return cls(host, port or 80, credential)

    async def tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: Address, port: int
    ) -> None:
        """Have the proxy connect to `address`; afterwards the streams lead to that host.

        Raises:
            BadMessageError: if the proxy does not answer in HTTP.
            OSError: if the connection to the proxy breaks off.
            ProxyFailedError: if the proxy refuses its user and password.
            TunnelRefusedError: if the proxy does not connect to that host.
        """
        target = authority(str(address), port)
        headers = [("Host", target)]
        if self.credential is not None:
            headers.append(("Proxy-Authorization", self.credential))
        proxy = server_side()
        await send(proxy, h11.Request(method="CONNECT", target=target, headers=headers), writer)
        response = await receive_response(proxy, reader)
        while isinstance(response, h11.InformationalResponse):
            response = await receive_response(proxy, reader)
        if response.status_code == PROXY_AUTHENTICATION_REQUIRED:
            raise ProxyFailedError(ProxyFailure("refuses its user and password (HTTP 407)", credential=True))
        if response.status_code // 100 != 2:
            raise TunnelRefusedError(response.status_code)
