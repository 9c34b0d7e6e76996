"""The connection to S3."""

import os
from datetime import timedelta
from urllib.parse import urlsplit

from obstore.store import S3Store

SINGLE_PUT_BYTES = 64 * 1024 * 1024
"""Up to this size, the usual time-outs suffice for an upload in one request."""

MAX_SINGLE_PUT_BYTES = 5 * 1024**3
"""The largest upload that S3 accepts in one request (Amazon S3 user guide, "Uploading objects")."""

SLOWEST_UPLOAD_BYTES_PER_SECOND = 1024 * 1024
"""An upload in one request fails below this speed."""

RESPONSE_SECONDS = 60.0
"""The longest wait for an answer, or for its next piece; it includes the time to send the request."""

MAX_RETRIES = 6
"""Retries within one operation, after 0.1 s at first and then twice as long each time: a server may restart."""


def s3_store(bucket: str, prefix: str, response_seconds: float = RESPONSE_SECONDS) -> S3Store:
    """Return the objects of `bucket` below `prefix`. The AWS_* variables give endpoint, region and keys.

    Raises:
        ValueError: The endpoint is malformed; the message is a sentence for a person.
    """
    endpoint = _endpoint()
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "read_timeout": timedelta(seconds=response_seconds),
            # A whole answer may take long because the client that reads it may be slow.
            "timeout": timedelta(hours=6),
        },
        retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=30)},
    )


def patient(store: S3Store, size: int) -> S3Store:
    """Return `store` with time-outs that suffice for `size` bytes in one request."""
    if size <= SINGLE_PUT_BYTES:
        return store
    return s3_store(store.config["bucket"], store.prefix or "", size / SLOWEST_UPLOAD_BYTES_PER_SECOND)


def _endpoint() -> str:
    """Return the URL of the S3 server, empty for Amazon's own; a user in it would come back in every error."""
    for variable in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if url := os.environ.get(variable, ""):
            try:
                parts = urlsplit(url)
                usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            except ValueError:
                usable = False
            if not usable or "@" in parts.netloc:
                raise ValueError(f"{variable} is not the URL of a server; write http://host:port without a user.")
            return url
    return ""
