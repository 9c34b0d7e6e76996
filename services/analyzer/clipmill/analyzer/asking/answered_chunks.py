"""The answers of a model about chunks of a transcript, kept in the store until the task is done."""

import hashlib

from clipmill.analyzer.talk.moments import Moment
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load, save_once
from clipmill.artifacts.store import Store
from clipmill.contracts.identifiers import JobId
from msgspec import Struct


class AnsweredChunk(Struct, frozen=True, kw_only=True):
    """The moments that a model found in one chunk, which may be none."""

    moments: tuple[Moment, ...]


class AnsweredChunks:
    """Keeps answered chunks, so a later try asks only about the others.

    Args:
        store: Artifact store, which keeps the chunks next to the plan and deletes them with it.
        job: Job that the transcript belongs to.
        generation: Generation of the task; an operator who restarts the job restarts the questions too.
        model: Name of the model that answered.
    """

    def __init__(self, store: Store, job: JobId, generation: int, model: str) -> None:
        self._store = store
        self._prefix = f"{layout.job_prefix(job)}/analyze/part-{generation}"
        self._model = model

    async def recall(self, request: str) -> tuple[Moment, ...] | None:
        """Return the moments kept for `request`, None if there are none."""
        kept = await load(self._store, self._key(request), AnsweredChunk)
        return None if kept is None else kept.moments

    async def keep(self, request: str, moments: tuple[Moment, ...]) -> None:
        """Keep `moments` for `request`."""
        await save_once(self._store, self._key(request), AnsweredChunk(moments=moments))

    def _key(self, request: str) -> str:
        digest = hashlib.sha256(f"{self._model}\n{request}".encode()).hexdigest()
        return f"{self._prefix}-{digest}.json"
