"""The installation on which an operator works: the one in the environment, or the `clipmill up` of a folder."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import nats.errors
from clipmill.artifacts.store import Store, open_store
from clipmill.cli.local.data_folder import DataFolder, FolderUnusable
from clipmill.cli.outcomes import ServerUnavailable, WrongRequest
from clipmill.contracts.failures import Permanent, Transient
from clipmill.messaging import connection
from clipmill.operations.settings import CommonSettings, SettingsError, data_directory, load_settings
from nats.aio.client import Client

NATS_VARIABLE = "CLIPMILL_NATS_URL"
STORE_VARIABLE = "CLIPMILL_STORE_URL"

READ_LOG = "the log of NATS says why (for `clipmill up`: the file logs/nats.log in the data folder)."
"""End of a sentence about a request that NATS refused."""

PATIENCE_SECONDS = 10.0
"""Wait for a server that should run already: long enough for the election of a leader, short for a waiting person."""


def installation(data: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with the addresses of NATS and of the store.

    Args:
        data: Data folder of a running `clipmill up`; None to take the addresses of the environment, or else those of
            the `clipmill up` on the default folder.
        environ: Environment; an empty variable counts as unset.

    Raises:
        WrongRequest: if no `clipmill up` runs on `data` or, with neither `data` nor addresses, on the default folder,
            or if the folder cannot be read.
    """
    given = {name: value for name, value in environ.items() if value.strip()}
    if data is None and NATS_VARIABLE in given:
        return given
    folder = DataFolder(data or data_directory())
    try:
        with folder.usable():
            state = folder.read_state()
    except FolderUnusable as error:
        raise WrongRequest(str(error)) from error
    if state is None and data is not None:
        raise WrongRequest(f"No `clipmill up` runs on {folder.path}; start it with `clipmill up --data {data}`.")
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
            f"No `clipmill up` runs on {folder}; name the data folder of a running `clipmill up` with --data DIR, or"
            f" the NATS server of your services with {NATS_VARIABLE}."
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
    except SettingsError as error:
        raise WrongRequest(str(error)) from None
    except Permanent as failure:
        raise WrongRequest(failure.sentence) from failure
    except Transient as failure:
        raise ServerUnavailable(failure.sentence) from failure
    except nats.errors.Error as error:
        raise ServerUnavailable(f"NATS refuses a request of clipmill ({error}); {READ_LOG}") from error


def artifact_store(environ: Mapping[str, str]) -> Store:
    """Return the artifact store of `environ`.

    Raises:
        WrongRequest: if its address is wrong or its directory cannot be used.
    """
    try:
        return open_store(_settings(environ).store_url)
    except ValueError as error:
        raise WrongRequest(f"{STORE_VARIABLE}: {error}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise WrongRequest(f"The artifact store cannot be used ({reason}); check {STORE_VARIABLE}.") from error


def _settings(environ: Mapping[str, str]) -> CommonSettings:
    try:
        return load_settings(CommonSettings, "", environ)
    except SettingsError as error:
        raise WrongRequest(str(error)) from error
