"""Streams, buckets and documents that an earlier version wrote are read unchanged."""

import json
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from clipmill.analyzer.asking.answered_chunks import AnsweredChunk
from clipmill.contracts import codec
from clipmill.contracts.events import Event
from clipmill.contracts.tasks import Task
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.cancellation import ENDED_FOR_GOOD
from recorded_values import ANSWERED_PART, DOCUMENTS, EVENTS, TASKS

RECORDED = Path(__file__).parent / "recorded"


def lines(name: str) -> list[bytes]:
    return (RECORDED / name).read_bytes().splitlines()


def lost(recorded: object, decoded: object) -> list[str]:
    """Return the paths in `recorded` that have another value, or none, in `decoded`."""
    if isinstance(recorded, dict) and isinstance(decoded, dict):
        return [f"{key}.{path}" for key, value in recorded.items() for path in lost(value, decoded.get(key))]
    if isinstance(recorded, list) and isinstance(decoded, list) and len(recorded) == len(decoded):
        return [f"{n}.{path}" for n, pair in enumerate(zip(recorded, decoded, strict=True)) for path in lost(*pair)]
    return [] if recorded == decoded else [f" {recorded!r} is read as {decoded!r}"]


def assert_read(data: bytes, decoded: msgspec.Struct, expected: msgspec.Struct) -> None:
    assert decoded == expected
    assert not lost(json.loads(data), json.loads(codec.encode(decoded)))


def test_the_recorded_tasks_are_read_field_by_field():
    for data, task in zip(lines("tasks.jsonl"), TASKS, strict=True):
        assert_read(data, codec.decode_task(data), task)


@pytest.mark.parametrize("job", EVENTS)
def test_the_recorded_events_of_a_job_are_read_field_by_field(job):
    for data, event in zip(lines(f"events/{job}.jsonl"), EVENTS[job], strict=True):
        assert_read(data, codec.decode_event(data), event)


def test_a_task_and_an_event_of_every_kind_are_recorded():
    assert {type(task) for task in TASKS} == set(get_args(Task))
    assert {type(event) for events in EVENTS.values() for event in events} == set(get_args(Event))


@pytest.mark.parametrize("job", EVENTS)
def test_the_fold_of_the_recorded_events_is_the_recorded_job_document(job):
    first, *later = [codec.decode_event(data) for data in lines(f"events/{job}.jsonl")]
    folded = fold.begin(1, first)
    for sequence, event in enumerate(later, 2):
        fold.fold(folded, sequence, event)
    recorded = (RECORDED / f"jobs/{job}.json").read_bytes()
    assert_read(recorded, codec.decode_document(recorded, JobDocument), folded)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_recorded_document_is_read_field_by_field(name):
    data, expected = (RECORDED / f"documents/{name}.json").read_bytes(), DOCUMENTS[name]
    assert_read(data, codec.decode_document(data, type(expected)), expected)


def test_a_recorded_answer_about_a_part_of_a_transcript_is_read_field_by_field():
    data = (RECORDED / "documents/answered_part.json").read_bytes()
    assert_read(data, codec.decode_document(data, AnsweredChunk), msgspec.convert(ANSWERED_PART, AnsweredChunk))


def test_a_recorded_end_of_a_job_is_the_end_for_good():
    assert msgspec.json.decode((RECORDED / "documents/control.json").read_bytes(), type=int) == ENDED_FOR_GOOD
