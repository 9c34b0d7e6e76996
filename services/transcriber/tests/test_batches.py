import threading

import pytest
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.transcriber.recognising.batches import Batches


def fitting(limit, tried):
    """Return work that runs out of memory for more than `limit` items."""

    def work(batch):
        tried.append(len(batch))
        if len(batch) > limit:
            raise RuntimeError("CUDA failed with error out of memory")
        return list(batch)

    return work


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost_or_repeated():
    tried = []
    batches = Batches(8)

    done = [item for result in batches.run(range(10), fitting(3, tried)) for item in result]

    assert done == list(range(10))
    assert tried == [8, 4, 2, 2, 2, 2, 2]


def test_the_size_that_fits_is_remembered():
    batches = Batches(8)
    list(batches.run(range(10), fitting(3, [])))
    tried = []

    list(batches.run(range(4), fitting(3, tried)))

    assert tried == [2, 2]
    assert batches.reduced


def test_a_single_item_that_does_not_fit_is_a_transient_failure():
    with pytest.raises(Transient) as failure:
        list(Batches(4).run(range(4), fitting(0, [])))

    assert failure.value.code is ErrorCode.OUT_OF_MEMORY


def test_another_error_passes_through():
    def work(batch):
        raise RuntimeError("invalid argument")

    with pytest.raises(RuntimeError, match="invalid argument"):
        list(Batches(4).run(range(4), work))


def test_as_many_batches_as_workers_are_worked_on_at_once_and_results_keep_the_order_of_the_items():
    meeting, done = threading.Barrier(3), []

    def work(batch):
        meeting.wait(60)  # passes only if three batches are worked on at the same time
        if batch[0] == 0:
            assert others.wait(60)  # the first batch ends last
        done.append(batch[0])
        if len(done) == 2:
            others.set()
        return list(batch)

    others = threading.Event()
    assert list(Batches(2, workers=3).run(range(6), work)) == [[0, 1], [2, 3], [4, 5]]
    assert done[-1] == 0


def test_after_memory_ran_out_nothing_is_lost_or_repeated_with_several_workers():
    batches = Batches(8, workers=2)

    done = [item for result in batches.run(range(40), fitting(3, [])) for item in result]

    assert done == list(range(40))
    assert (batches.size, batches.at_once, batches.reduced) == (2, 4, True)


def test_items_that_fit_only_one_at_a_time_are_worked_on_one_after_the_other():
    memory, refused = threading.Lock(), threading.Event()

    def work(batch):
        if not memory.acquire(blocking=False):
            refused.set()
            raise MemoryError
        try:
            refused.wait(60)  # the first worker holds the memory until the second was refused
            return batch[0]
        finally:
            memory.release()

    batches = Batches(1, workers=2)
    assert list(batches.run(range(4), work)) == [0, 1, 2, 3]
    assert (batches.at_once, batches.reduced) == (1, True)
