"""The entrance: the names by which the gateway may be called, and the pages that may call it.

A page of a stranger can reach a gateway that only its visitor can reach, in two ways. It points its own name at the
gateway's address (DNS rebinding), and its scripts read everything; such a request has a foreign `Host`. Or it sends a
form, whose answer it does not see but which does its work; such a request has a foreign `Origin`. Programs send no
`Origin`, and neither way is open to an address in place of a name.
"""

import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.health import PROBES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{0,5})?")
ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
ANY = "*"

HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""

OWN_PAGES = frozenset({"same-origin", "none"})
"""The values of `Sec-Fetch-Site` for the gateway's own pages and for what a person typed; no page can forge it."""

KNOWN_LIMIT = 256
"""The most values of `Host` that are remembered as accepted."""

CORS_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_EXPOSED = "Content-Disposition, Content-Range, ETag, Location, Retry-After"
CORS_SECONDS = "7200"
"""Time for which a browser remembers a permission, in seconds: the most that Chromium allows."""


class Entrance:
    """The check of each request before it reaches its route.

    Args:
        bound: Address on which the gateway listens. On one that stands for all, each address is the gateway's.
        hosts: Further names of the gateway; one with a leading dot stands for all names that end so, `*` for all.
        public_url: Address under which others reach the gateway.
        cors_origins: Origins whose pages may call the gateway, `*` for all.
    """

    def __init__(
        self,
        bound: str = "127.0.0.1",
        *,
        hosts: Iterable[str] = (),
        public_url: str | None = None,
        cors_origins: Sequence[str] = (),
    ) -> None:
        names = [name.lower() for name in hosts]
        self._any_host = ANY in names
        self._suffixes = (".localhost", *(name for name in names if name.startswith(".")))
        self._names = {"localhost", _bare(bound), *names}
        address = _address(bound)
        self._any_address = bound != "localhost" if address is None else address.is_unspecified
        if self._any_address:
            machine = socket.gethostname().lower()
            self._names |= {machine, f"{machine}.local"}
        self._origins = {origin.lower() for origin in cors_origins}
        self._own_origin = None
        if public_url is not None:
            parts = urlsplit(public_url.lower())
            self._names.add(_bare(parts.hostname or ""))
            self._own_origin = f"{parts.scheme}://{parts.netloc}"
        self._known: set[str] = set()

    def add_to(self, application: web.Application) -> None:
        """Check the requests to `application`, which must be the last to get a middleware."""
        application.middlewares.append(self._checked)
        if self._origins:
            application.on_response_prepare.append(self._permit)

    def accepts(self, host: str) -> bool:
        """Return whether the gateway answers under a value of `Host`."""
        found = HOST.fullmatch(host)
        if found is None:
            return False
        name = _bare(found["name"])
        address = _address(name)
        if address is not None and (self._any_address or address.is_loopback):
            return True
        return self._any_host or name in self._names or name.endswith(self._suffixes)

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a request under a foreign name or from a foreign page.

        Raises:
            Permanent: `foreign_host`, `cross_site`, or `bad_request` if there is no Host or more than one.
        """
        headers = request.headers
        host = headers.get("Host", "")
        if host not in self._known and request.path not in PROBES:
            self._check_host(request)
        if request.method not in HARMLESS:
            self._check_origin(headers.get("Origin"), headers.get("Sec-Fetch-Site"), host)
        elif request.method == "OPTIONS" and "Access-Control-Request-Method" in headers and self._allowed(request):
            return web.Response(status=204)
        return await handler(request)

    def _check_host(self, request: web.Request) -> None:
        sent = request.headers.getall("Host", [])
        if not sent and request.version < HttpVersion11:
            return
        if len(sent) != 1:
            raise Permanent(ErrorCode.BAD_REQUEST, "The request needs exactly one header Host; send it with one.")
        if not self.accepts(sent[0]):
            sentence = (
                f'The gateway does not answer under the name "{sent[0][:100]}"; call it by its own, or have its '
                "operator add this one to CLIPMILL_GATEWAY_HOSTS."
            )
            raise Permanent(ErrorCode.FOREIGN_HOST, sentence)
        if len(self._known) >= KNOWN_LIMIT:
            self._known.clear()
        self._known.add(sent[0])

    def _check_origin(self, origin: str | None, site: str | None, host: str) -> None:
        if site in OWN_PAGES or (origin is None and site is None):
            return
        if origin is not None and (self._permits(origin) or _same(origin, host)):
            return
        page = f"A page of {origin[:100]}" if origin not in (None, "null") else "A page of another site"
        sentence = (
            f"{page} may not change anything here; open the gateway's own address, or have its operator add the origin "
            "of the page to CLIPMILL_GATEWAY_CORS_ORIGINS."
        )
        raise Permanent(ErrorCode.CROSS_SITE, sentence)

    def _permits(self, origin: str) -> bool:
        return origin.lower() == self._own_origin or origin.lower() in self._origins or ANY in self._origins

    def _allowed(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        return bool(self._origins) and origin is not None and self._permits(origin)

    async def _permit(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let the pages of permitted origins read the answer."""
        response.headers.add("Vary", "Origin")
        if not self._allowed(request):
            return
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = CORS_EXPOSED
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = CORS_METHODS
            response.headers["Access-Control-Max-Age"] = CORS_SECONDS
            if wanted := request.headers.get("Access-Control-Request-Headers"):
                response.headers["Access-Control-Allow-Headers"] = wanted


def _bare(host: str) -> str:
    """Return a host as it is compared: in lower case, without the brackets of IPv6 and the dot of the root."""
    return host.lower().strip("[]").removesuffix(".")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _same(origin: str, host: str) -> bool:
    """Return whether a page of `origin` came from `host`; the scheme does not count, because a proxy may change it."""
    scheme, _, place = origin.lower().partition("://")
    default = DEFAULT_PORTS.get(scheme, "")
    return bool(place) and place.removesuffix(default) == host.lower().removesuffix(default)
