"""What clients know of the jobs of a campaign, and what no client may ever see."""

import random
from dataclasses import dataclass, field

from campaign.media import Source

ORDER = {"queued": 0, "processing": 1, "completed": 2, "failed": 2}


@dataclass(frozen=True)
class Seen:
    """The public status as far as some poll has seen it."""

    status: str = "queued"
    logs: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()

    @property
    def terminal(self) -> bool:
        """Whether nothing more will happen."""
        return ORDER[self.status] == ORDER["completed"]


@dataclass
class Job:
    """An accepted job.

    Attributes:
        name: its id.
        source: what was submitted.
        seen: the furthest status that any poll has seen.
        ending: whether a DELETE was ever sent.
        answer: what the DELETE was answered, None if nobody heard it.
        gone: whether a poll has found that there is no such job, after a DELETE.
    """

    name: str
    source: Source
    seen: Seen = Seen()
    ending: bool = False
    answer: str | None = None
    gone: bool = False


@dataclass
class Jobs:
    """All accepted jobs, and what went against the promises.

    Attributes:
        accepted: by id.
        polls: answers looked at.
        violations: sentences, each with the job's id.
    """

    accepted: dict[str, Job] = field(default_factory=dict)
    polls: int = 0
    violations: list[str] = field(default_factory=list)

    def any(self, chance: random.Random) -> Job | None:
        """Return one of them, None while there is none."""
        return chance.choice(list(self.accepted.values())) if self.accepted else None

    def unended(self, choice: float) -> Job | None:
        """Return the one that `choice` (0 to 1) picks among those not seen to have ended and not being ended."""
        running = [job for job in self.accepted.values() if not job.seen.terminal and not job.ending]
        return running[int(choice * len(running))] if running else None

    def polled(self, job: Job, before: Seen, now: Seen, *, gone: bool) -> None:
        """Take in an answer that was asked for when `before` and `gone` were known: it must go on from there."""
        self.polls += 1
        if gone:
            self._violated(job, "was there again after it was gone")
        if ORDER[now.status] < ORDER[before.status] or (before.terminal and now.status != before.status):
            self._violated(job, f"went from {before.status} to {now.status}")
        if now.logs[: len(before.logs)] != before.logs:
            self._violated(job, f"has other log lines: {before.logs} became {now.logs}")
        if now.clips[: len(before.clips)] != before.clips and now.status != "failed":
            self._violated(job, f"has other clips: {before.clips} became {now.clips}")
        if len(now.logs) > len(job.seen.logs) or (now.terminal and not job.seen.terminal):
            job.seen = now

    def missed(self, job: Job) -> None:
        """Take in a 404."""
        self.polls += 1
        if not job.ending:
            self._violated(job, "was not found")
        job.gone = True

    def _violated(self, job: Job, what: str) -> None:
        self.violations.append(f"{job.name} {what}")
