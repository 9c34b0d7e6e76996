import threading

import numpy as np
import pytest
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.hearing.portions import portions, prefetch
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from hypothesis import given, settings
from hypothesis import strategies as st


def speech(*spans, seconds):
    """Return silence with ones where somebody speaks."""
    samples = np.zeros(int(seconds * RATE), np.float32)
    for start, end in spans:
        samples[int(start * RATE) : int(end * RATE)] = 1.0
    return samples


def find(samples):
    """Return the regions of ones, as a voice detector without errors."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0.0], samples, [0.0]))))
    return [SpeechRegion(start / RATE, end / RATE) for start, end in edges.reshape(-1, 2)]


def blocks_of(samples, seconds):
    return [samples[start : start + seconds * RATE] for start in range(0, len(samples), seconds * RATE)]


def spans(found):
    return [
        (pytest.approx(portion.start + each.start, abs=1e-3), pytest.approx(portion.start + each.end, abs=1e-3))
        for portion in found
        for each in portion.speech_regions
    ]


def test_speech_across_the_edge_of_a_block_stays_whole():
    samples = speech((1, 3), (8, 13), (16, 18), seconds=25)

    found = list(portions(blocks_of(samples, 10), find))

    assert spans(found) == [(1, 3), (8, 13), (16, 18)]
    assert found[1].start == pytest.approx(5.5)


def test_somebody_who_never_pauses_is_not_waited_for():
    samples = speech((0, 30), seconds=30)

    found = list(portions(blocks_of(samples, 10), find))

    assert [portion.start for portion in found] == [0, 10, 20]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.05, 4.0), st.floats(0.2, 6.0)), max_size=12), st.integers(2, 12), st.floats(0, 3.0)
)
def test_portions_are_all_of_the_sound_without_a_gap(parts, block_seconds, tail):
    given_spans, time = [], 0.0
    for pause, length in parts:
        given_spans.append((time + pause, time + pause + length))
        time += pause + length
    samples = speech(*given_spans, seconds=time + tail)

    found = list(portions(blocks_of(samples, block_seconds), find))

    assert np.array_equal(np.concatenate([np.zeros(0), *(portion.samples for portion in found)]), samples)
    position = 0.0
    for portion in found:
        assert portion.start == pytest.approx(position)
        position += len(portion.samples) / RATE
        assert all(0 <= each.start < each.end <= len(portion.samples) / RATE for each in portion.speech_regions)


def test_the_next_is_made_while_one_is_used():
    made = threading.Event()

    def items():
        yield 1
        made.set()
        yield 2

    found = prefetch(items())
    assert next(found) == 1
    assert made.wait(5)
    assert list(found) == [2]


def test_an_error_while_prefetching_is_raised_in_its_turn():
    def items():
        yield 1
        raise ValueError("no more")

    found = prefetch(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="no more"):
        next(found)
