import threading

import pytest
from clipmill.renderer.pipeline import Prefetch


def threads_called(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_items_come_in_order_through_several_stages():
    with Prefetch(range(100), 3, "first") as first, Prefetch((2 * item for item in first), 2, "second") as second:
        assert list(second) == list(range(0, 200, 2))


def test_work_goes_on_while_earlier_items_are_used():
    made, used = threading.Event(), []

    def items():
        yield 1
        yield 2
        made.set()

    with Prefetch(items(), 2, "making") as ready:
        for item in ready:
            assert made.wait(10)  # the second is made before the first is used up
            used.append(item)
    assert used == [1, 2]


def test_no_more_items_wait_than_were_allowed():
    taken = []
    blocked = threading.Event()

    def items():
        for number in range(50):
            taken.append(number)
            if number == 4:
                blocked.set()
            yield number

    with Prefetch(items(), 3, "counting") as ready:
        first = next(iter(ready))
        assert blocked.wait(10)
        assert first == 0
        assert len(taken) <= 5  # one is in use, three wait, one has no place yet


def test_an_error_in_a_stage_is_raised_unchanged_after_the_items_before_it():
    broken = ValueError("the fourth one is broken")

    def items():
        yield from range(3)
        raise broken

    seen = []
    with (
        pytest.raises(ValueError, match="fourth") as caught,
        Prefetch(items(), 2, "breaking") as first,
        Prefetch(first, 2, "passing on") as second,
    ):
        seen.extend(second)
    assert caught.value is broken
    assert not threads_called("breaking")
    assert not threads_called("passing on")


def test_an_error_where_items_are_used_ends_all_threads_and_closes_their_sources():
    closed = []

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(threading.current_thread().name)

    def use():
        with (
            Prefetch(endless(), 2, "reading on") as first,
            Prefetch((item for item in first), 2, "drawing on") as second,
        ):
            for _ in second:
                raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk"):
        use()
    assert not threads_called("reading on")
    assert not threads_called("drawing on")
    assert closed == ["reading on"]
