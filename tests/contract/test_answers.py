"""The HTTP API's answers: the very bytes that clients of the previous version parse, readable for all clients.

The bytes under `answers/` were encoded at commit fa2d7d2, about the jobs of `recorded_values`. A change of one is a
change of the API.
"""

import json
from pathlib import Path

import msgspec
import pytest
from clipmill.contracts import codec
from clipmill.contracts.api import (
    Accepted,
    ClipList,
    ClipsAccepted,
    ClipState,
    ClipView,
    Ended,
    EventsEnd,
    FailureView,
    JobList,
    JobView,
    MoreClips,
    Problem,
)
from clipmill.contracts.documents import ScorePart, ShotFacts
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.status import PublicStatus
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument, job_summary, job_view, public_status
from recorded_values import BEGAN, EVENTS, EXTENDED_JOB, JOB, STOPPED

ANSWERS = Path(__file__).parent / "answers"
KINDS = {
    "accepted": Accepted,
    "clips": ClipList,
    "ended": Ended,
    "events_end": EventsEnd,
    "jobs": JobList,
    "more": ClipsAccepted,
    "not_found": Problem,
    "problem": Problem,
    **{f"job_{job}": JobView for job in EVENTS},
    **{f"status_{job}": PublicStatus for job in EVENTS},
}


LISTED = ("completed", "processing", "cancelled", "failed")
"""The jobs in the recorded list."""

CLIPS = ClipList(
    job_id=EXTENDED_JOB,
    clips=(
        ClipView(
            number=1,
            rank=1,
            state=ClipState.READY,
            start=14.5,
            end=40.0,
            title="Salz",
            score=88,
            parts=(ScorePart(name="audience", points=90), ScorePart(name="cut", points=-2)),
            reason="A question that is answered at once.",
            quote="Warum denn Salz?",
            url=f"/videos/{EXTENDED_JOB}/bread_talk_clip_1.mp4",
            shots=(ShotFacts(start=0.0, end=25.5, layout="track", reason="one person in 96 % of 48 frames"),),
            good=True,
        ),
        ClipView(
            number=2,
            rank=2,
            state=ClipState.FAILED,
            start=41.0,
            end=58.0,
            title="Hefe",
            score=75,
            error=FailureView(code=ErrorCode.OUT_OF_MEMORY, sentence="The renderer ran out of memory."),
        ),
    ),
    reserve=(
        ClipView(
            number=4,
            rank=3,
            state=ClipState.RESERVE,
            start=61.0,
            end=80.0,
            title="Wasser",
            score=51,
            reason="R.",
            good=False,
        ),
    ),
    status="completed",
)


def answer(name: str) -> bytes:
    return (ANSWERS / f"{name}.json").read_bytes()


def document(job: str) -> JobDocument:
    first, *later = EVENTS[job]
    folded = fold.begin(1, first)
    for sequence, event in enumerate(later, 2):
        fold.fold(folded, sequence, event)
    return folded


@pytest.mark.parametrize("job", EVENTS)
def test_the_status_and_the_view_of_a_job_are_byte_for_byte_what_they_were(job):
    assert codec.encode(public_status(document(job))) == answer(f"status_{job}")
    assert codec.encode(job_view(document(job))) == answer(f"job_{job}")


def test_the_list_of_jobs_is_byte_for_byte_what_it_was():
    listed = JobList(jobs=[job_summary(document(job)) for job in LISTED], next=f"{BEGAN!r}_{JOB}")
    assert codec.encode(listed) == answer("jobs")


def test_the_other_answers_are_byte_for_byte_what_they_were():
    assert codec.encode(Accepted(job_id=JOB)) == answer("accepted")
    assert codec.encode(Ended(job_id=STOPPED, status="cancelled")) == answer("ended")
    assert codec.encode(EventsEnd(job_id=STOPPED, status="cancelled")) == answer("events_end")
    assert codec.encode(Problem(detail="Job not found")) == answer("not_found")
    problem = Problem(detail="format: 'x' is not one of json, vtt.", code=ErrorCode.BAD_OPTION)
    assert codec.encode(problem) == answer("problem")
    assert codec.encode(CLIPS) == answer("clips")
    assert codec.encode(ClipsAccepted(job_id=EXTENDED_JOB, numbers=(2, 3))) == answer("more")


def test_a_server_reads_what_clients_send_for_more_clips():
    assert codec.encode(MoreClips(more=3)) == b'{"more":3}'
    assert codec.encode(MoreClips(numbers=(7,))) == b'{"numbers":[7]}'


@pytest.mark.parametrize("name", KINDS)
def test_a_client_reads_all_of_an_answer(name):
    decoded = msgspec.json.decode(answer(name), type=KINDS[name])
    assert codec.encode(decoded) == answer(name)


def test_a_client_reads_a_newer_servers_view():
    newer = json.loads(answer("job_processing"))
    newer["eta_seconds"] = 40
    newer["stage"] = "dub"
    newer["stages"]["dub"] = {"state": "running", "percent": 5, "voices": 2}
    newer["options"]["captions"] = "typewriter"
    newer["priority"] = "background"
    newer["status"] = "paused"
    newer["error"] = {"code": "no_voice", "sentence": "There is no voice for this language."}
    view = msgspec.json.decode(json.dumps(newer).encode(), type=JobView)
    assert (view.stage, view.stages["dub"].percent, view.error.code) == ("dub", 5, "no_voice")
    assert (view.status, view.priority, view.options["captions"]) == ("paused", "background", "typewriter")


@pytest.mark.parametrize("name", KINDS)
def test_a_client_ignores_fields_that_it_does_not_know(name):
    newer = json.loads(answer(name)) | {"later": {"x": 1}}
    decoded = msgspec.json.decode(json.dumps(newer).encode(), type=KINDS[name])
    assert codec.encode(decoded) == answer(name)


def test_a_client_reads_the_views_of_an_older_server():
    view = msgspec.json.decode(b'{"job_id": "j", "status": "processing"}', type=JobView)
    assert (view.percent, view.stages, view.error) == (0, {}, None)
    listed = msgspec.json.decode(b'{"jobs": [{"job_id": "j", "status": "queued"}]}', type=JobList)
    assert (listed.jobs[0].clips_ready, listed.next) == (0, None)
