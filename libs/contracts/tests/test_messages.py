"""Tasks and events: they survive the wire, repetitions have the same id, and versions understand each other."""

import json

import msgspec
import pytest
from clipmill.contracts import codec, subjects
from clipmill.contracts.events import ClipRendered, Event, Queued, StageProgress, StageStarted
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import JobId, Priority, new_job_id, parse_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import AnalyzeTask, DownloadTask, RenderTask, ScenesTask, TranscribeTask
from hypothesis import given
from hypothesis import strategies as st

JOB = JobId("550e8400-e29b-41d4-a716-446655440000")
TASKS = [
    DownloadTask(job=JOB, url="https://example.com/ü"),
    TranscribeTask(job=JOB),
    ScenesTask(job=JOB),
    AnalyzeTask(job=JOB),
    RenderTask(job=JOB, number=3, priority=Priority.HIGH, generation=2),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.stage)
def test_a_task_survives_the_wire(task):
    assert codec.decode_task(codec.encode(task)) == task


def test_every_task_has_its_own_subject_and_id():
    assert subjects.task(TASKS[4]) == f"clipmill.task.render.high.{JOB}.3"
    assert subjects.task(TASKS[0]) == f"clipmill.task.download.normal.{JOB}"
    assert len({task.message_id for task in TASKS}) == len(TASKS)
    assert {task.stage for task in TASKS} == set(Stage)


st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))  # JSON has neither


@given(st.from_type(Event))
def test_an_event_survives_the_wire(event):
    assert codec.decode_event(codec.encode(event)) == event


def test_the_same_thing_said_again_has_the_same_id_whenever_it_is_said():
    early, late = (StageStarted(job=JOB, stage=Stage.RENDER, at=at) for at in (1.0, 2.0))
    assert early.message_id == late.message_id
    moves = [StageProgress(job=JOB, stage=Stage.RENDER, attempt=1, percent=p, clip=c) for p in (1, 2) for c in (1, 2)]
    assert len({move.message_id for move in moves}) == len(moves)


def test_fields_of_a_newer_version_are_ignored_and_missing_ones_have_defaults():
    newer = {"kind": "queued", "job": JOB, "colour": "green"}
    assert codec.decode_event(json.dumps(newer).encode()) == Queued(job=JOB)


def test_an_event_of_an_unknown_kind_is_a_decode_error():
    with pytest.raises(msgspec.DecodeError):
        codec.decode_event(b'{"kind": "teleported", "job": "x"}')


def test_an_event_without_its_substance_is_a_decode_error():
    with pytest.raises(msgspec.DecodeError):
        codec.decode_event(
            codec.encode(Queued(job=JOB)).replace(b"queued", ClipRendered.__struct_config__.tag.encode())
        )


@pytest.mark.parametrize(
    "text", ["", "x", "*", ">", "a.b", "550e8400e29b41d4a716446655440000", f"{{{JOB}}}", f" {JOB}"]
)
def test_a_job_id_that_is_no_canonical_uuid_is_refused(text):
    with pytest.raises(Permanent) as refusal:
        parse_job_id(text)
    assert refusal.value.code is ErrorCode.BAD_IDENTIFIER


def test_a_job_id_is_taken_in_any_case():
    job = new_job_id()
    assert parse_job_id(job.upper()) == job
