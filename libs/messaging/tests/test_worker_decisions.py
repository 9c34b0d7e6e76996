"""A model in which workers decide about one task: a server of a few lines, any number of workers, and a clock that only
the rules move. The decisions are the product's: the tally, when to give up, when a worker may still settle its task.
"""

import random

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.messaging.attempts import Tally
from clipmill.messaging.delivery import MARGIN, Standing
from clipmill.messaging.retry import Retry, RetryPolicy, blameless
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

pytestmark = pytest.mark.slow

ACK_WAIT = 30.0
LATENCY = st.sampled_from([0.0, ACK_WAIT * MARGIN])
"""Longest time by which a worker may begin to count later than the server."""


class OneTask(RuleBasedStateMachine):
    """A task from its publishing to its end; `holder` is the delivery that the server takes for the current one."""

    workers = Bundle("workers")

    @initialize(limit=st.integers(1, 4), seed=st.integers())
    def publish(self, limit, seed):
        self.policy, self.chance = RetryPolicy(attempts=limit), random.Random(seed)
        self.now = self.available = 0.0
        self.deadline = 0.0
        self.holder = None
        self.deliveries = 0
        self.tally = Tally()
        self.alive: dict[int, Standing] = {}
        self.noticed: set[int] = set()
        self.spent = 0  # tries that died or failed by the task's own fault
        self.letters = 0
        self.stored = False
        self.gone = False

    # the server

    @rule(seconds=st.sampled_from([1.0, ACK_WAIT / 3, ACK_WAIT * (1 - MARGIN / 2), ACK_WAIT * 1.01, 2 * ACK_WAIT]))
    def time_passes(self, seconds):
        self.now += seconds
        if self.holder is not None and self.now >= self.deadline:
            self.holder, self.available = None, self.now

    def _settle(self, worker, *, again_in=None):
        """Send a `nak` (with a delay) or a `term`. The server accepts it from any worker, so only the holder may."""
        if self.gone:
            return  # the server has forgotten the message: a late word changes nothing
        assert self.holder in (worker, None), "a superseded worker hit the new worker's delivery"
        self.holder = None
        if again_in is None:
            self.gone = True
        else:
            self.available = self.now + again_in

    # the workers

    @precondition(lambda self: not self.gone and self.holder is None and self.now >= self.available)
    @rule(target=workers, latency=LATENCY)
    def deliver(self, latency):
        self.deliveries += 1
        worker = self.deliveries
        self.holder, self.deadline = worker, self.now + ACK_WAIT
        self.tally = self.tally.try_begun()
        if self.policy.exhausted(self.tally):
            assert self.spent + len(self.alive.keys() - self.noticed) >= self.policy.attempts, "given up too early"
            self.spent += 1  # the try that was only counted to see this
            self.letters += 1
            self._settle(worker)
            return multiple()
        self.alive[worker] = Standing(ACK_WAIT, self.now + latency)
        return worker

    @rule(worker=workers, heard=st.booleans())
    def beat(self, worker, heard):
        standing = self.alive.get(worker)
        if standing is None:
            return
        if heard and self.holder == worker:
            self.deadline = self.now + ACK_WAIT
            standing.beat(self.now)
        if standing.superseded(self.now) and worker not in self.noticed:
            self.noticed.add(worker)
            self.tally = self.tally.try_taken_back()

    @rule(worker=consumes(workers), answered=st.booleans())
    def finish(self, worker, answered):
        if self.alive.pop(worker, None) is None:
            return
        self.stored = True
        if answered:
            self.gone = True  # an acknowledgement counts whoever sends it: the work is done
            self.holder = None
        elif worker not in self.noticed:
            self.tally = self.tally.try_taken_back()

    @rule(worker=consumes(workers))
    def crash(self, worker):
        if self.alive.pop(worker, None) is not None and worker not in self.noticed:
            self.spent += 1

    @rule(worker=consumes(workers))
    def stop(self, worker):
        standing = self.alive.pop(worker, None)
        if standing is None:
            return
        if worker not in self.noticed:
            self.tally = self.tally.try_taken_back()
        if not standing.superseded(self.now):
            self._settle(worker, again_in=0.0)

    @rule(
        worker=consumes(workers),
        failure=st.sampled_from(
            [
                Permanent(ErrorCode.NO_VIDEO, "There is no video."),
                Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left."),
                Transient(ErrorCode.UNAVAILABLE, "The store is away."),
            ]
        ),
    )
    def fail(self, worker, failure):
        standing = self.alive.pop(worker, None)
        if standing is None:
            return
        if standing.superseded(self.now):
            self.spent += worker not in self.noticed
            return
        if blameless(failure):
            self.tally = self.tally.try_waited()
        else:
            self.spent += 1
        decision = self.policy.decide(failure, self.tally, self.chance)
        if isinstance(decision, Retry):
            self._settle(worker, again_in=decision.delay)
        else:
            self.letters += 1
            unheard = len(self.alive.keys() - self.noticed)  # nobody can know yet whether they died
            assert (
                isinstance(failure, Permanent)
                or self.spent + unheard >= self.policy.attempts
                or self.tally.waited >= self.policy.waits
            )
            self._settle(worker)

    # what must hold

    @invariant()
    def a_task_goes_only_when_it_is_done_or_kept_aside(self):
        assert not self.gone or self.stored or self.letters

    @invariant()
    def no_task_is_tried_beyond_its_limit(self):
        assert self.spent <= self.policy.attempts + 1

    @invariant()
    def a_task_is_kept_aside_once(self):
        assert self.letters <= 1

    @invariant()
    def the_tally_counts_those_who_died_failed_or_work(self):
        working = len(self.alive.keys() - self.noticed)
        assert self.gone or self.tally.begun == self.spent + working

    def teardown(self):
        """Once the faults stop, the task ends after one more delivery."""
        if not hasattr(self, "policy"):
            return
        self.time_passes(10 * ACK_WAIT)
        if not self.gone:
            worker = self.deliver(0.0)
            if isinstance(worker, int):
                self.finish(worker, answered=True)
        assert self.gone
        assert self.stored or self.letters


TestOneTask = OneTask.TestCase
TestOneTask.settings = settings(max_examples=1000, stateful_step_count=30, deadline=None)
