"""Documents in the store: read as their types, written once."""

from typing import TypeVar

import msgspec
from clipmill.artifacts.store import MissingArtifact, Store
from clipmill.contracts.codec import decode_document, encode
from clipmill.contracts.failures import ErrorCode, Permanent
from msgspec import Struct

T = TypeVar("T", bound=Struct)


async def load(store: Store, key: str, kind: type[T]) -> T | None:
    """Return the document under `key`, or None if there is none.

    Args:
        store: Store of the document.
        key: Key of the document, from `clipmill.artifacts.layout`.
        kind: Type of the document.

    Raises:
        Permanent: `internal`, the artifact under the key is not such a document.
        Transient: `unavailable`, the store cannot be reached.
    """
    try:
        data = await store.get_bytes(key)
    except MissingArtifact:
        return None
    try:
        return decode_document(data, kind)
    except msgspec.DecodeError as error:
        sentence = (
            f"This version of clipmill cannot read the stored document {key} ({error}); "
            "update every service to one version, or submit the video again."
        )
        raise Permanent(ErrorCode.INTERNAL, sentence) from error


async def save_once(store: Store, key: str, document: T) -> T:
    """Store `document` under `key` unless there is one already, and return the one that is stored.

    If two workers did the same work, the first document stays and both go on from it. So the result of a
    non-deterministic stage is decided once.

    Raises:
        MissingArtifact: There was a document, but it was deleted before it could be read because the job has ended.
        Transient: `out_of_space` or `unavailable`.
    """
    if await store.put_bytes(key, encode(document), create=True):
        return document
    stored = await load(store, key, type(document))
    if stored is None:
        raise MissingArtifact(key)
    return stored
