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
