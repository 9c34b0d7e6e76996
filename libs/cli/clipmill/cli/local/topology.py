"""`clipmill topology apply`: the streams, consumers and buckets on the user's NATS server."""

import nats.errors
from clipmill.cli.local.deployment import READ_LOG
from clipmill.cli.outcomes import ServerUnavailable, WrongRequest
from clipmill.contracts.failures import Transient
from clipmill.messaging import connection, topology
from clipmill.operations.settings import CommonSettings, SettingsError

PATIENCE_SECONDS = 30.0
"""Time for the server to answer, because a deployment starts the server and this command at the same time."""


async def apply_topology(common: CommonSettings) -> None:
    """Create or update all streams, consumers and buckets on the server of `common`.

    Raises:
        ServerUnavailable: if the server does not answer or refuses.
        WrongRequest: if the address of the server is malformed.
    """
    try:
        nc = await connection.connect(common.nats_url, "clipmill-topology", patience=PATIENCE_SECONDS)
        try:
            await topology.apply(nc, common.nats_replicas, retention=common.job_retention)
        finally:
            await connection.close(nc)
    except SettingsError as error:
        raise WrongRequest(str(error)) from None
    except Transient as failure:
        raise ServerUnavailable(failure.sentence) from failure
    except nats.errors.Error as error:
        sentence = f"NATS refuses the streams that clipmill needs ({error}); {READ_LOG}"
        raise ServerUnavailable(sentence) from error
