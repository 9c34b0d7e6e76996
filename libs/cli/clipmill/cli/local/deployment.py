"""The installation on which an operator works: the one in the environment, or the `clipmill up` of a folder."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import nats.errors
from clipmill.artifacts.store import Store, open_store
from clipmill.cli.local.data_folder import DataFolder
from clipmill.cli.outcomes import ServerUnavailable, WrongRequest
from clipmill.contracts.failures import Permanent, Transient
from clipmill.messaging import connection
from clipmill.operations.settings import CommonSettings, SettingsError, data_directory, load_settings
from nats.aio.client import Client

NATS_VARIABLE = "CLIPMILL_NATS_URL"
STORE_VARIABLE = "CLIPMILL_STORE_URL"

PATIENCE_SECONDS = 10.0
"""Wait for a server that should run already; it may be electing a leader, but a person waits."""


def installation(data: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with the addresses of NATS and of the store.

    Args:
        data: Data folder of a running `clipmill up`; None to take the addresses of the environment, or else those of
            the `clipmill up` on the default folder.
        environ: Environment; an empty variable counts as unset.

    Raises:
        WrongRequest: if no clipmill runs on `data`, or, if nothing is named, on the default folder.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    if data is None and NATS_VARIABLE in given:
        return given
    folder = DataFolder(data or data_directory())
    state = folder.read_state()
    if state is None and data is not None:
        raise WrongRequest(f"No clipmill runs on {folder.path}; start it with `clipmill up --data {data}`.")
    if state is None:
        _require_default_server(folder.path)
        return given
    found = {NATS_VARIABLE: state.nats_url, STORE_VARIABLE: state.store_url}
    return {**given, **found} if data is not None else {**found, **given}


def _require_default_server(folder: Path) -> None:
    """Raise WrongRequest unless a server listens at the default address, which the user did not name."""
    address = urlsplit(CommonSettings().nats_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=1).close()
    except OSError:
        raise WrongRequest(
            f"No clipmill runs on {folder}; name the data folder of a running one with --data DIR, or its NATS server"
            f" with {NATS_VARIABLE}."
        ) from None


@asynccontextmanager
async def connected(environ: Mapping[str, str]) -> AsyncIterator[Client]:
    """Connect to the NATS server of `environ`; failures inside end the command with their sentence.

    Raises:
        WrongRequest: if another try would fail too.
        ServerUnavailable: if the server does not answer or is not clipmill's.
    """
    try:
        nc = await connection.connect(_settings(environ).nats_url, "clipmill-cli", patience=PATIENCE_SECONDS)
        try:
            yield nc
        finally:
            await connection.close(nc)
    except Permanent as failure:
        raise WrongRequest(failure.sentence) from failure
    except Transient as failure:
        raise ServerUnavailable(failure.sentence) from failure
    except nats.errors.Error as error:
        raise ServerUnavailable(f"NATS refuses a request of clipmill ({error}); read the log of NATS.") from error


def artifact_store(environ: Mapping[str, str]) -> Store:
    """Return the artifact store of `environ`.

    Raises:
        WrongRequest: if its address is wrong.
    """
    try:
        return open_store(_settings(environ).store_url)
    except ValueError as error:
        raise WrongRequest(f"{STORE_VARIABLE}: {error}") from error


def _settings(environ: Mapping[str, str]) -> CommonSettings:
    try:
        return load_settings(CommonSettings, "", environ)
    except SettingsError as error:
        raise WrongRequest(str(error)) from error
