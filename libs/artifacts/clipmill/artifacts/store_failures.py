"""The failures of the object store, as failures of clipmill."""

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
"""The system's errors when a disk is full, or a user's quota of it."""

_log = logging.getLogger(__name__)


class MissingArtifact(Permanent):
    """There is no artifact under this key: it was never stored, or its job was removed."""

    def __init__(self, key: str) -> None:
        sentence = f"The artifact {key} does not exist, perhaps because its job has expired; submit the video again."
        super().__init__(ErrorCode.MISSING_ARTIFACT, sentence)
        self.key = key


class MissingBucket(Transient):
    """The bucket of the store does not exist."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, "The bucket of the artifact store does not exist; create it.")


class AlreadyThereError(Exception):
    """A create-only put found an artifact under its key."""


@contextmanager
def translated(key: str, place: str) -> Iterator[None]:
    """Turn exceptions of the object store into failures of clipmill.

    Args:
        key: Key of the artifact.
        place: Name of the store, for the log.
    """
    try:
        yield
    except AlreadyExistsError as error:
        raise AlreadyThereError from error
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            _log.warning("bucket_missing", extra={"place": place})
            raise MissingBucket from error
        raise MissingArtifact(key) from error
    except (BaseError, OSError) as error:
        # Details may name hosts and paths. They go to the log, and the sentence for people leaves them out.
        reason = str(error).partition("\n\nDebug source")[0]
        _log.warning("store_request_failed", extra={"place": place, "reason": reason})
        raise _failure(error) from error


def _failure(error: BaseError | OSError) -> Transient:
    full = isinstance(error, OSError) and error.errno in FULL_DISK
    if full or any(f"(os error {number})" in str(error) for number in FULL_DISK):
        return Transient(ErrorCode.OUT_OF_SPACE, "The disk is full; free some space.")
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        return Transient(ErrorCode.UNAVAILABLE, "The artifact store refuses access; check its credentials.")
    return Transient(ErrorCode.UNAVAILABLE, "The artifact store is unreachable or does not work; try again later.")
