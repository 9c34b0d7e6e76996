"""Health and metrics over HTTP: /health/live, /health/ready (also /health) and /metrics."""

from collections.abc import Callable

import msgspec
from aiohttp import web
from clipmill.operations import metrics

LIVE = "/health/live"
READY = "/health/ready"
METRICS = "/metrics"
ALIAS = "/health"
PROBES = frozenset({ALIAS, LIVE, READY, METRICS})
"""The paths that are answered to anyone at any time."""

Check = Callable[[], bool]
"""A check of something already known; it never blocks and never asks the network."""


class Flag:
    """A readiness check with a value that is set from outside."""

    def __init__(self, value: bool = False) -> None:
        self.value = value

    def set(self, value: bool = True) -> None:
        """Make the check pass (or fail)."""
        self.value = value

    def __call__(self) -> bool:
        """Return whether the check passes."""
        return self.value


class Health:
    """The checks of one service and the routes that answer for them."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def register(self, name: str, check: Check) -> None:
        """Make readiness depend on `check`, shown under `name`."""
        self._checks[name] = check

    def flag(self, name: str, value: bool = False) -> Flag:
        """Make readiness depend on a flag, and return it."""
        flag = Flag(value)
        self.register(name, flag)
        return flag

    def readiness(self) -> dict[str, bool]:
        """Return the present result of each check."""
        return {name: check() for name, check in self._checks.items()}

    @property
    def ready(self) -> bool:
        """True if all checks pass."""
        return all(self.readiness().values())

    def add_routes(self, application: web.Application) -> None:
        """Answer /health/live, /health/ready, its alias /health, and /metrics on `application`."""
        application.router.add_get(LIVE, self._live)
        application.router.add_get(READY, self._ready)
        application.router.add_get(ALIAS, self._ready)
        application.router.add_get(METRICS, self._metrics)

    def application(self) -> web.Application:
        """Return an application that answers these routes and no others."""
        application = web.Application()
        self.add_routes(application)
        return application

    async def _live(self, _request: web.Request) -> web.Response:
        return _json({"status": "live"}, 200)

    async def _ready(self, _request: web.Request) -> web.Response:
        checks = self.readiness()
        ready = all(checks.values())
        return _json({"status": "ready" if ready else "not ready", "checks": checks}, 200 if ready else 503)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})


Front = Callable[[Health], web.Application]
"""A function that makes the application which answers on a service's port from its start to its stop."""


def _json(body: object, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
