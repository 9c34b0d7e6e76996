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
        store: where to look.
        key: from `clipmill.artifacts.layout`.
        kind: the document's type.

    Raises:
        Permanent: with `internal` if what lies there is not such a document.
        Transient: if the store cannot be reached.
    """
    try:
        data = await store.get_bytes(key)
    except MissingArtifact:
        return None
    try:
        return decode_document(data, kind)
    except msgspec.DecodeError as error:
        sentence = f"The stored document {key} cannot be read by this version of clipmill: {error}"
        raise Permanent(ErrorCode.INTERNAL, sentence) from error


async def save_once(store: Store, key: str, document: T) -> T:
    """Store `document` under `key` unless there is one already, and return the one that is stored.

    Of two workers that did the same work, one wins; both go on from the winner's document, so what a
    non-deterministic stage answered is decided once.

    Raises:
        MissingArtifact: if another's document was there and was deleted before it could be read (the job has ended).
        Transient: if the store cannot be reached.
    """
    if await store.put_bytes(key, encode(document), create=True):
        return document
    stored = await load(store, key, type(document))
    if stored is None:
        raise MissingArtifact(key)
    return stored
