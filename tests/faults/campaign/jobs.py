"""The clients' knowledge of a campaign's jobs, and the violations that no client may ever see."""

import random
from dataclasses import dataclass, field

from campaign.media import Source

ORDER = {"queued": 0, "processing": 1, "completed": 2, "failed": 2}


@dataclass(frozen=True)
class Seen:
    """The furthest public status that a poll has seen."""

    status: str = "queued"
    logs: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()

    @property
    def terminal(self) -> bool:
        """Return whether the status is terminal."""
        return ORDER[self.status] == ORDER["completed"]


@dataclass
class Job:
    """An accepted job.

    Attributes:
        name: Id of the job.
        source: Source that was submitted.
        seen: Furthest status that a poll has seen.
        ending: True if a DELETE was sent.
        answer: Answer to the DELETE, None if it was lost.
        gone: True if a poll after the DELETE found no such job.
    """

    name: str
    source: Source
    seen: Seen = Seen()
    ending: bool = False
    answer: str | None = None
    gone: bool = False


@dataclass
class Jobs:
    """All accepted jobs, and the broken promises.

    Attributes:
        accepted: Accepted jobs by id.
        polls: Number of checked answers.
        violations: Sentences about broken promises, each with the job's id.
    """

    accepted: dict[str, Job] = field(default_factory=dict)
    polls: int = 0
    violations: list[str] = field(default_factory=list)

    def any(self, chance: random.Random) -> Job | None:
        """Return a random job, None while there is none."""
        return chance.choice(list(self.accepted.values())) if self.accepted else None

    def unended(self, choice: float) -> Job | None:
        """Return the job that `choice` (0 to 1) picks among those that nobody has ended or seen to end."""
        running = [job for job in self.accepted.values() if not job.seen.terminal and not job.ending]
        return running[int(choice * len(running))] if running else None

    def polled(self, job: Job, before: Seen, now: Seen, *, gone: bool) -> None:
        """Check that an answer continues from `before` and `gone`, which were known when it was requested."""
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
        """Note a 404."""
        self.polls += 1
        if not job.ending:
            self._violated(job, "was not found")
        job.gone = True

    def _violated(self, job: Job, what: str) -> None:
        self.violations.append(f"{job.name} {what}")
