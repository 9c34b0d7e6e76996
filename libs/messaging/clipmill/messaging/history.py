"""One job's failures and retries, as the EVENTS stream has them."""

import msgspec
from clipmill.contracts import codec
from clipmill.contracts.events import (
    FAILURES,
    Cancelled,
    ClipRendered,
    ClipsWanted,
    Queued,
    Reopened,
    clip_of,
    is_retry,
)

NEVER = -1
"""Generation of something that has not happened."""


class JobHistory:
    """The part of a job's past that matters for reopening it.

    Attributes:
        queued: First event of the job, None if the stream no longer has it.
        cancelled: True if somebody cancelled the job.
        generation: Latest generation that was begun.
        wanted: Numbers of the clips of the reserve that somebody wanted.
    """

    def __init__(self) -> None:
        self.queued: Queued | None = None
        self.cancelled = False
        self.generation = 0
        self.wanted: set[int] = set()
        self._retries: list[Reopened] = []
        self._failed: dict[int | None, int] = {}
        self._heard: dict[int | None, int] = {}
        self._rendered: dict[int, int] = {}

    def note(self, data: bytes) -> None:
        """Take in the next event; one that cannot be decoded changes nothing."""
        try:
            event = codec.decode_event(data)
        except msgspec.DecodeError:
            return
        self.generation = max(self.generation, event.generation)
        if isinstance(event, Reopened):
            if is_retry(event):
                self._retries.append(event)
            return
        if isinstance(event, ClipsWanted):  # it announces work, and nobody has done any yet
            self.wanted.update(event.numbers)
            return
        clip = clip_of(event)
        self._heard[clip] = max(self._heard.get(clip, NEVER), event.generation)
        if isinstance(event, FAILURES):
            self._failed[clip] = max(self._failed.get(clip, NEVER), event.generation)
        elif isinstance(event, ClipRendered):
            self._rendered[event.clip] = max(self._rendered.get(event.clip, NEVER), event.generation)
        elif isinstance(event, Queued):
            self.queued = event
        elif isinstance(event, Cancelled):
            self.cancelled = True

    def failed(self, clip: int | None) -> int:
        """Return the latest generation in which `clip` or the whole job failed."""
        return max(self._failed.get(clip, NEVER), self._failed.get(None, NEVER))

    def rendered(self, clip: int | None) -> int:
        """Return the latest generation in which `clip` was rendered, `NEVER` for the whole job."""
        return NEVER if clip is None else self._rendered.get(clip, NEVER)

    @property
    def reserve_only(self) -> bool:
        """True if nothing but clips of the reserve failed and was not rendered later."""
        failed = {clip for clip, made in self._failed.items() if self.rendered(clip) < made}
        return failed <= self.wanted

    def heard(self, clip: int | None) -> int:
        """Return the latest generation with an event about `clip`, or with any event if `clip` is None."""
        return max(self._heard.values(), default=NEVER) if clip is None else self._heard.get(clip, NEVER)

    def last_retry(self, clip: int | None, generation: int) -> Reopened | None:
        """Return the operator's last retry of `clip` or of the whole job after `generation`."""
        retries = [each for each in self._retries if each.generation > generation and each.clip in {None, clip}]
        return retries[-1] if retries else None
