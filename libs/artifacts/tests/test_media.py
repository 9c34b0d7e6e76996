"""Media as a seekable file over range requests."""

import errno
import io
import os
import resource
import signal
import tracemalloc

import pytest
from clipmill.artifacts.media import BLOCK_BYTES, CACHED_BLOCKS, FIRST_RUN_BLOCKS, MAX_READ_AHEAD_BLOCKS, RangeReader
from clipmill.contracts.failures import ErrorCode, Transient
from hypothesis import given
from hypothesis import strategies as st

MIB = 1024 * 1024


class Source:
    """An object of `size` bytes that serves ranges and remembers the requests."""

    def __init__(self, size: int) -> None:
        self.data = (bytes(range(251)) * (size // 251 + 1))[:size]
        self.asked: list[tuple[int, int]] = []

    def read_range(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self.data)
        self.asked.append((start, end))
        return self.data[start:end]

    def open(self, spool=None) -> io.BufferedReader:
        return io.BufferedReader(RangeReader(self.read_range, len(self.data), spool), buffer_size=32 * 1024)

    @property
    def fetched(self) -> int:
        return sum(end - start for start, end in self.asked)


SOURCE = Source(2 * MIB + 12_345)


@given(st.lists(st.tuples(st.integers(0, len(SOURCE.data) + 10), st.integers(0, 700_000)), max_size=12), st.booleans())
def test_it_reads_like_the_file_itself(spooled, steps, keep):
    ours, real = SOURCE.open(spooled if keep else None), io.BytesIO(SOURCE.data)
    for position, count in steps:
        assert ours.seek(position) == real.seek(position)
        assert ours.read(count) == real.read(count)
        assert ours.tell() == real.tell()
    assert ours.seek(-5, io.SEEK_END) == real.seek(-5, io.SEEK_END)
    assert ours.read() == real.read()


@pytest.fixture(scope="module")
def spooled(tmp_path_factory):
    return tmp_path_factory.mktemp("spool")


def test_reading_on_takes_few_and_large_requests():
    source = Source(40 * MIB)
    assert source.open().read() == source.data
    assert len(source.asked) <= 40 * MIB // (MAX_READ_AHEAD_BLOCKS * BLOCK_BYTES) + 30
    assert source.fetched == 40 * MIB


def test_a_short_look_into_the_middle_takes_little():
    source = Source(40 * MIB)
    file = source.open()
    for position in (0, 39 * MIB, 20 * MIB):
        file.seek(position)
        file.read(1000)
    assert source.fetched == 3 * BLOCK_BYTES


def test_a_reader_that_stops_has_fetched_a_quarter_more_at_most():
    for needed in (300_000, MIB, 5 * MIB, 17 * MIB + 1):
        source = Source(40 * MIB)
        file = source.open()
        file.seek(10 * MIB)
        file.read(needed)
        assert source.fetched <= 1.25 * needed + (FIRST_RUN_BLOCKS + 1) * BLOCK_BYTES


def test_what_is_spooled_is_fetched_once(tmp_path):
    source = Source(40 * MIB)
    with source.open(tmp_path) as file:
        for _ in range(2):
            for position in (0, 39 * MIB, 20 * MIB, 10 * MIB):
                file.seek(position)
                assert file.read(MIB) == source.data[position : position + MIB]
        file.seek(0)
        assert file.read() == source.data
    assert source.fetched == 40 * MIB
    assert list(tmp_path.iterdir()) == []


def test_spooling_takes_no_memory(tmp_path):
    source = Source(40 * MIB)
    file = source.open(tmp_path)
    tracemalloc.start()
    while file.read(MIB):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MIB


@pytest.fixture
def small_files():
    """Limit the files of this process to a MiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, handler)


def test_a_spool_that_may_not_grow_is_no_end_to_reading(tmp_path, small_files):
    source = Source(40 * MIB)
    with source.open(tmp_path) as file:
        assert file.read() == source.data
        assert source.fetched == 40 * MIB
        assert len(source.asked) <= 40 * MIB // (MAX_READ_AHEAD_BLOCKS * BLOCK_BYTES) + 30
        file.seek(0)
        assert file.read(MIB // 2) == source.data[: MIB // 2]
        assert source.fetched == 40 * MIB  # what was spooled before stays
        file.seek(20 * MIB)
        assert file.read(MIB) == source.data[20 * MIB : 21 * MIB]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_under_the_spool_is_said(tmp_path, monkeypatch, number):
    def full(file, data, place):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Transient) as caught:
        Source(2 * MIB).open(tmp_path).read()
    assert caught.value.code is ErrorCode.OUT_OF_SPACE
    assert caught.value.sentence == "The disk for temporary files is full; free some space."


def test_a_disk_that_fails_is_not_called_full(tmp_path, monkeypatch):
    def failing(file, data, place):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pwrite", failing)
    with pytest.raises(OSError, match="Input/output error"):
        Source(2 * MIB).open(tmp_path).read()


def test_hopping_between_two_places_fetches_each_once():
    source = Source(40 * MIB)
    file = source.open()
    for step in range(40):
        for base in (5 * MIB, 30 * MIB):
            position = base + step * 10_000
            file.seek(position)
            assert file.read(5000) == source.data[position : position + 5000]
    assert source.fetched <= 2 * (400_000 + 6 * BLOCK_BYTES)


def test_memory_stays_bounded():
    source = Source(40 * MIB)
    reader = RangeReader(source.read_range, len(source.data))
    file = io.BufferedReader(reader)
    while file.read(MIB):
        pass
    assert len(reader._kept._blocks) <= CACHED_BLOCKS


def test_an_empty_object_is_an_empty_file():
    assert RangeReader(SOURCE.read_range, 0).read() == b""
