"""Keys that submitters lend for one job, encrypted at rest and removed when the job ends."""

import base64
import hashlib

from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId
from clipmill.messaging.buckets import Bucket
from cryptography.fernet import Fernet, InvalidToken


class Secrets:
    """The bucket `secrets`, readable only with the installation's secret key.

    Args:
        bucket: Bucket of the encrypted values.
        secret_key: Text of good entropy, from which a key of Fernet (AES-128-CBC with HMAC-SHA-256) is derived; None if
            the installation has none, so that no secret can be kept.
    """

    def __init__(self, bucket: Bucket[bytes], secret_key: str | None) -> None:
        self._bucket = bucket
        self._cipher = None
        if secret_key:
            self._cipher = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret_key.encode()).digest()))

    async def put(self, job: JobId, secret: str, *, deadline: float | None = None) -> None:
        """Keep `secret` until `job` ends.

        Raises:
            Permanent: `secrets_not_configured`, if the installation has no secret key.
            Transient: `unavailable`, after the deadline (`time.monotonic()`).
        """
        if self._cipher is None:
            raise Permanent(
                ErrorCode.SECRETS_NOT_CONFIGURED,
                "This server cannot keep a key for a job; leave the key out, "
                "or ask the operator to set CLIPMILL_SECRET_KEY.",
            )
        value = self._cipher.encrypt(secret.encode())
        await self._bucket.put(job, value, deadline=deadline)

    async def get(self, job: JobId) -> str | None:
        """Return the secret lent for `job`, None if there is none.

        Raises:
            Permanent: `secrets_not_configured`, if it was encrypted with another secret key.
        """
        if self._cipher is None:
            return None
        value = (await self._bucket.get(job)).value
        if value is None:
            return None
        try:
            return self._cipher.decrypt(value).decode()
        except InvalidToken:
            raise Permanent(
                ErrorCode.SECRETS_NOT_CONFIGURED,
                "The key sent with this job cannot be read; set the same CLIPMILL_SECRET_KEY for all services.",
            ) from None

    async def forget(self, job: JobId) -> None:
        """Remove the secret lent for `job`, every older value included."""
        await self._bucket.purge(job)
