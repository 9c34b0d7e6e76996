"""What a model said about chunks of a transcript, kept in the store until the task is through."""

import hashlib

from clipmill.analyzer.talk.moments import Moment
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load, save_once
from clipmill.artifacts.store import Store
from clipmill.contracts.identifiers import JobId
from msgspec import Struct


class AnsweredChunk(Struct, frozen=True, kw_only=True):
    """The moments of one chunk; none where it has none."""

    moments: tuple[Moment, ...]


class AnsweredChunks:
    """Keeps answered chunks, so that a later try pays only for the others.

    Args:
        store: where they lie, beside the plan; they go when it does.
        job: whose they are.
        generation: of the task; one that an operator begins anew asks anew.
        model: who answered.
    """

    def __init__(self, store: Store, job: JobId, generation: int, model: str) -> None:
        self._store = store
        self._prefix = f"{layout.job_prefix(job)}/analyze/part-{generation}"
        self._model = model

    async def recall(self, request: str) -> tuple[Moment, ...] | None:
        """Return what was kept for `request`, None if nothing was."""
        kept = await load(self._store, self._key(request), AnsweredChunk)
        return None if kept is None else kept.moments

    async def keep(self, request: str, moments: tuple[Moment, ...]) -> None:
        """Keep `moments` for `request`."""
        await save_once(self._store, self._key(request), AnsweredChunk(moments=moments))

    def _key(self, request: str) -> str:
        digest = hashlib.sha256(f"{self._model}\n{request}".encode()).hexdigest()
        return f"{self._prefix}-{digest}.json"
