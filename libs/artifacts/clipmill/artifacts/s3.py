"""How we talk to S3."""

import os
from datetime import timedelta

from obstore.store import S3Store

SINGLE_PUT_BYTES = 64 * 1024 * 1024
"""Up to this size an upload in one request gets by with the usual time-outs."""

MAX_SINGLE_PUT_BYTES = 5 * 1024**3
"""What S3 takes in one request (Amazon S3 user guide, "Uploading objects")."""

SLOWEST_UPLOAD_BYTES_PER_SECOND = 1024 * 1024
"""An upload in one request is given up below this speed."""

RESPONSE_SECONDS = 60.0
"""How long S3 may take for an answer and between two pieces of one; a request's own data must be through by then."""

MAX_RETRIES = 6
"""Tries again within one operation, 0.1 s apart at first, doubling: a server may restart meanwhile."""


def s3_store(bucket: str, prefix: str, response_seconds: float = RESPONSE_SECONDS) -> S3Store:
    """Return the objects of `bucket` below `prefix`; endpoint, region and keys come from the AWS_* variables."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": timedelta(seconds=response_seconds),
            # A whole answer may take long: whoever reads it through us may be slow.
            "timeout": timedelta(hours=6),
        },
        retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=30)},
    )


def patient(store: S3Store, size: int) -> S3Store:
    """Return `store` with the patience that `size` bytes in one request need."""
    if size <= SINGLE_PUT_BYTES:
        return store
    return s3_store(store.config["bucket"], store.prefix or "", size / SLOWEST_UPLOAD_BYTES_PER_SECOND)
