"""The gateway's settings: CLIPMILL_GATEWAY_*."""

from typing import Annotated

from clipmill.operations.settings import ServiceSettings
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
