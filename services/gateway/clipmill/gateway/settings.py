"""The gateway's settings: CLIPMILL_GATEWAY_*."""

from typing import Annotated

from clipmill.operations.settings import ServiceSettings
from msgspec import Meta

GIBIBYTE = 1024**3


class GatewaySettings(ServiceSettings, frozen=True, kw_only=True):
    """What an operator may choose about the gateway."""

    port: Annotated[
        int, Meta(description="Port of the API, health and metrics; 0 lets the system choose.", ge=0, le=65535)
    ] = 8000
    max_upload_bytes: Annotated[
        int, Meta(description="The largest upload taken, bytes; the downloader's own limit should not be lower.", ge=1)
    ] = 4 * GIBIBYTE
    store_reserve_bytes: Annotated[
        int | None,
        Meta(
            description="No job is taken in when a local store's disk has less than this free, bytes, so that those "
            "taken in keep room; unset: 1 GiB or 5 % of the disk, whichever is less.",
            ge=0,
        ),
    ] = None
    answer_seconds: Annotated[
        float, Meta(description="How long a request waits for NATS before it is answered 503, seconds.", gt=0)
    ] = 5.0
    sweep_seconds: Annotated[
        float, Meta(description="Time between two looks for expired, lost and orphaned work, seconds.", gt=0)
    ] = 60.0
    lost_seconds: Annotated[
        float,
        Meta(description="A job without a task is begun anew after so long without a sign of life, seconds.", gt=0),
    ] = 300.0
    orphan_seconds: Annotated[
        float, Meta(description="Artifacts of no job are removed once they are so old, seconds.", gt=0)
    ] = 3600.0
