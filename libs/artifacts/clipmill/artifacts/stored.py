"""Facts that a store has about an artifact without reading it."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from obstore import ObjectMeta  # it exists for type checkers only

UNQUOTABLE = re.compile(r"[^\x21\x23-\x7e]")
"""The characters that no entity tag of HTTP may have (RFC 9110, 8.8.3)."""


class StoredFacts(NamedTuple):
    """The facts about an artifact.

    Attributes:
        size_bytes: Size of the artifact, in bytes.
        tag: Text that another artifact under this key would not have: ASCII that HTTP allows in an entity tag, without
            the quotes. S3 makes it from the content, a directory from the file's identity, time and size.
        stored: Time at which the artifact was stored, in UTC.
    """

    size_bytes: int
    tag: str
    stored: datetime


def facts_of(meta: "ObjectMeta") -> StoredFacts:
    """Return the facts in an object's metadata; a server that gives no tag gets one from time and size."""
    stored = meta["last_modified"].astimezone(UTC)
    tag = UNQUOTABLE.sub("", (meta["e_tag"] or "").removeprefix("W/"))
    return StoredFacts(meta["size"], tag or f"{int(stored.timestamp() * 1e6):x}-{meta['size']:x}", stored)
