"""Fetching tasks one at a time from a stage's consumers, with no pull ever left pending.

A cancellation or a restart can orphan a pull that waits at the server; such a pull then swallows the next task for a
whole ack wait. So every pull says `no_wait` and is answered at once. A core NATS subscription to the stage's subjects
(the doorbell) starts the next pull, and a slow poll covers what the doorbell misses: a redelivery, an outage.
"""

import asyncio

import nats.errors
from clipmill.contracts import subjects
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.stages import Stage
from clipmill.messaging.job_streams import pull_subject
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

FAIRNESS = 4
"""Every fourth pick prefers the normal priority, so that urgent work cannot starve it."""

POLL_SECONDS = 1.0
"""Longest pause between two pulls while no bell rings."""

FIRST_PAUSE = 0.001
"""Pause before the first repeated pull, in seconds, doubled before each later one. Pulls are repeated because the
doorbell rings before the task is stored."""

ANSWER_SECONDS = 1.0
UNREACHABLE_PAUSE = 0.1

NOTHING_THERE = "404"
_PULL = b'{"batch":1,"no_wait":true}'


class TaskSource:
    """The tasks of one stage, those of high priority first."""

    def __init__(self, nc: Client, stage: Stage) -> None:
        self._nc = nc
        self._stage = stage
        self._high, self._normal = (pull_subject(stage, priority) for priority in (Priority.HIGH, Priority.NORMAL))
        self._inbox = nc.new_inbox()
        self._answers: asyncio.Queue[Msg] = asyncio.Queue()
        self._bell = asyncio.Event()
        self._picks = 0
        self._unanswered = 0
        self._subscriptions: list[Subscription] = []

    async def start(self) -> None:
        """Subscribe to the answers and the doorbell."""
        self._subscriptions = [
            await self._nc.subscribe(self._inbox, cb=self._answered),
            await self._nc.subscribe(subjects.tasks_of(self._stage), cb=self._rang),
        ]

    async def next(self) -> Msg:
        """Wait for the next task and return its message; a cancellation loses nothing."""
        self._picks += 1
        order = (self._high, self._normal) if self._picks % FAIRNESS else (self._normal, self._high)
        pause = FIRST_PAUSE  # the last pick may have heard the bell of a task that is not stored yet
        while True:
            if self._bell.is_set():
                self._bell.clear()
                pause = FIRST_PAUSE
            for consumer in order:
                if (message := await self._ask(consumer)) is not None:
                    return message
            try:
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            except TimeoutError:
                pause = min(pause * 2, POLL_SECONDS)

    async def stop(self) -> None:
        """Unsubscribe, and give back at once any task that was delivered and not taken.

        A cancelled pull may still bring a task. Its answer is waited for, because nobody else would get the task for a
        whole ack wait.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while self._unanswered > 0 or not self._answers.empty():
                    message = await self._answers.get()
                    if _status(message) is None:
                        await message.nak()
        except (TimeoutError, nats.errors.Error):
            pass  # the server is away; it delivers the tasks again after the ack wait
        for subscription in self._subscriptions:
            await subscription.unsubscribe()

    async def _ask(self, consumer: str) -> Msg | None:
        while not self._answers.empty():  # it came after the wait for it had ended
            message = self._answers.get_nowait()
            if _status(message) is None:
                return message
        try:
            self._unanswered += 1
            await self._nc.publish(consumer, _PULL, reply=self._inbox)
            async with asyncio.timeout(ANSWER_SECONDS):
                message = await self._answers.get()
        except (TimeoutError, nats.errors.Error):
            self._unanswered = 0  # lost with the connection, most likely
            await asyncio.sleep(UNREACHABLE_PAUSE)
            return None
        status = _status(message)
        if status is not None and status != NOTHING_THERE:
            await asyncio.sleep(UNREACHABLE_PAUSE)  # no responders, a leader election, a consumer not yet made
        return message if status is None else None

    async def _answered(self, message: Msg) -> None:
        self._unanswered = max(0, self._unanswered - 1)
        self._answers.put_nowait(message)

    async def _rang(self, _message: Msg) -> None:
        self._bell.set()


def _status(message: Msg) -> str | None:
    return (message.headers or {}).get("Status")
