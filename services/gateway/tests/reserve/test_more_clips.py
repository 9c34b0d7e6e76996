"""Clips of the reserve on demand, over real HTTP with a real NATS and a real store; several replicas of the gateway."""

import asyncio
import contextlib

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from clipmill.artifacts import layout
from clipmill.artifacts.documents import save_once
from clipmill.contracts import log_lines
from clipmill.contracts.events import ClipsPlanned, ClipsWanted, Failed, Reopened, Started
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.tasks import RenderTask
from clipmill.gateway.api.admission import Admission
from clipmill.gateway.api.answers import failures
from clipmill.gateway.api.clips import Clips
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.projector import JOBS as JOBS_ENDED
from clipmill.gateway.projection.wanted import FAILURES_LIMIT
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.topology import INTAKE, TASKS
from reserves import clip_failed, numbered, plan_of

ANSWER_SECONDS = 2.0


@pytest.fixture
def shown(api):
    """Return a function that returns the clips of a job, explained."""

    async def read(job):
        answer = await api.get(f"/api/jobs/{job}/clips")
        assert answer.status == 200, await answer.text()
        return await answer.json()

    return read


@contextlib.asynccontextmanager
async def serving(gateway, streams, reserve_bytes=0):
    """Yield a client of another replica of the gateway."""
    statuses = Statuses(gateway.documents, answer_seconds=ANSWER_SECONDS)
    admission = Admission(gateway.store, streams, reserve_bytes)
    clips = Clips(gateway.store, statuses, gateway.publisher, streams, admission, answer_seconds=ANSWER_SECONDS)
    app = web.Application(middlewares=[failures])
    app.router.add_post("/api/jobs/{job}/clips", clips.more)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def replica(nc, gateway):
    """Yield a client of another replica of the gateway."""
    async with serving(gateway, JobStreams(nc)) as client:
        yield client


async def test_more_clips_are_the_best_of_the_reserve_and_only_they_are_rendered(
    api, completed, ask, tasks, published, rendered
):
    job = await completed(priority="high", layout="fit")
    before = await (await api.get(f"/api/status/{job}")).json()
    assert await ask(job, {"more": 2}) == (202, {"job_id": job, "numbers": [3, 4]})
    first, second = await tasks(job)
    assert (type(first), type(second)) == (RenderTask, RenderTask)
    assert (first.number, first.generation, first.priority, first.options.layout) == (3, 1, "high", "fit")
    await published(await rendered(job, 4, 1), await rendered(job, 3, 1))
    after = await (await api.get(f"/api/status/{job}")).json()
    assert after["status"] == "completed"
    assert after["logs"] == [*before["logs"], "Clip 4 of 5 ready: It's 🎬 <b>", "Clip 3 of 5 ready: It's 🎬 <b>"]
    assert after["logs"].count(log_lines.FINISHED) == 1
    assert after["result"]["clips"][:2] == before["result"]["clips"]
    assert after["result"]["clips"][2]["video_url"].endswith("_clip_4.mp4")
    assert after["result"]["cost_analysis"] == before["result"]["cost_analysis"]


async def test_a_request_for_more_than_there_are_gets_those_that_are_left_and_the_next_an_error(completed, ask, tasks):
    job = await completed()
    assert await ask(job, {"more": 40}) == (202, {"job_id": job, "numbers": [3, 4, 5]})
    status, problem = await ask(job, {"more": 1})
    assert (status, problem["code"]) == (409, "reserve_empty")
    assert problem["detail"].startswith("The reserve has no more clips;")
    assert await numbered(tasks, job) == [(3, 1), (4, 1), (5, 1)]


async def test_a_job_of_an_older_version_has_an_empty_reserve(completed, ask):
    job = await completed(plan_of(reserved=0))
    assert (await ask(job, {"more": 1}))[1]["code"] == "reserve_empty"
    assert (await ask(job, {"numbers": [3]}))[0] == 404


async def test_no_job_has_more_than_45_clips(completed, ask):
    job = await completed(plan_of(planned=2, reserved=50))
    assert (await ask(job, {"numbers": [46]}))[0] == 404
    status, answer = await ask(job, {"more": 45})
    assert (status, answer["numbers"]) == (202, list(range(3, 46)))
    assert (await ask(job, {"more": 1}))[1]["code"] == "reserve_empty"


async def test_a_number_is_rendered_once_however_often_it_is_wanted(completed, ask, tasks, nc, published, rendered):
    job = await completed()
    for body in ({"numbers": [4]}, {"numbers": [4, 4]}):
        assert await ask(job, body) == (202, {"job_id": job, "numbers": [4]})
    assert await numbered(tasks, job) == [(4, 1)]
    await nc.jetstream().purge_stream(TASKS)
    await published(await rendered(job, 4, 1))
    assert await ask(job, {"numbers": [4]}) == (202, {"job_id": job, "numbers": [4]})
    assert await tasks(job) == []
    assert await ask(job, {"numbers": [5, 4]}) == (202, {"job_id": job, "numbers": [4, 5]})
    assert await numbered(tasks, job) == [(5, 2)]


async def test_a_clip_that_failed_is_tried_again_by_its_number_only(completed, ask, tasks, nc, published):
    job = await completed()
    await ask(job, {"numbers": [3]}, key="first")
    await nc.jetstream().purge_stream(TASKS)
    await published(clip_failed(job, 3, 1))
    assert await ask(job, {"more": 1}) == (202, {"job_id": job, "numbers": [4]})
    assert await ask(job, {"numbers": [3]}, key="first") == (202, {"job_id": job, "numbers": [3]})
    assert await numbered(tasks, job) == [(4, 2)], "the first request was answered"
    assert await ask(job, {"numbers": [3]}, key="second") == (202, {"job_id": job, "numbers": [3]})
    assert await numbered(tasks, job) == [(3, 3), (4, 2)]


async def test_a_repeated_request_has_the_same_answer_at_any_replica(completed, ask, tasks, replica):
    job = await completed()
    first = await ask(job, {"more": 1}, key="a key")
    assert first == (202, {"job_id": job, "numbers": [3]})
    assert await ask(job, {"more": 1}, key="a key", client=replica) == first
    assert await ask(job, {"more": 1}, key="a key") == first
    assert await ask(job, {"more": 1}, key="another") == (202, {"job_id": job, "numbers": [4]})
    assert await ask(job, {"more": 1}) == (202, {"job_id": job, "numbers": [5]})
    assert await numbered(tasks, job) == [(3, 1), (4, 2), (5, 3)]


async def test_a_key_with_another_body_is_a_422_and_one_with_the_same_meaning_is_not(completed, ask, tasks):
    job = await completed()
    first = await ask(job, {"numbers": [4, 3]}, key="a key")
    for body in ({"more": 2}, {"numbers": [5]}, {"numbers": [3]}):
        status, problem = await ask(job, body, key="a key")
        assert (status, problem["code"]) == (422, "key_reused")
    assert await ask(job, {"numbers": [3, 4, 4]}, key="a key") == first
    assert await numbered(tasks, job) == [(3, 1), (4, 1)]


async def test_the_key_of_a_request_for_clips_that_are_under_way_is_remembered(completed, ask, tasks, nc, published):
    job = await completed()
    await ask(job, {"numbers": [3]}, key="first")
    assert await ask(job, {"numbers": [3]}, key="second") == (202, {"job_id": job, "numbers": [3]})
    await nc.jetstream().purge_stream(TASKS)
    await published(clip_failed(job, 3, 1))
    assert await ask(job, {"numbers": [3]}, key="second") == (202, {"job_id": job, "numbers": [3]})
    assert await tasks(job) == [], "the request was answered"


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_key_answers_nothing_once_the_job_has_failed_or_was_cancelled(
    api, submit, published, rendered, ask, nc, store, cancelled
):
    job = await submit()
    await nc.jetstream().purge_stream(INTAKE)
    await save_once(store, layout.plan(job), plan_of())
    planned = ClipsPlanned(job=job, count=2, reserve=3)
    await published(Started(job=job), planned, await rendered(job, 2), clip_failed(job, 1, 0))
    answer = await ask(job, {"numbers": [4]}, key="a key")
    await published(Reopened(job=job, generation=2, clip=1))
    assert await ask(job, {"numbers": [4]}, key="a key") == answer, "the job is at work again"
    if cancelled:
        assert (await api.delete(f"/api/jobs/{job}")).status == 200
    else:
        await published(Failed(job=job, generation=2, stage=None, code=ErrorCode.LOST_TASK, sentence="It was lost."))
    assert (await ask(job, {"numbers": [4]}, key="a key"))[1]["code"] == "not_completed"


async def test_a_clip_that_is_cancelled_again_and_again_is_a_409_in_the_end(api, completed, ask, gateway):
    job = await completed()
    for _ in range(FAILURES_LIMIT):
        assert (await ask(job, {"numbers": [3]}))[0] == 202
        assert (await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})).status == 200
    status, problem = await ask(job, {"numbers": [3, 4]})
    assert (status, problem["code"]) == (409, "clip_given_up")
    assert problem["detail"].startswith("Clip 3 failed or was cancelled 5 times;")
    assert (await ask(job, {"numbers": [4]}))[0] == 202
    assert (await gateway.statuses.document(job)).wanted.keys() == {4}


async def test_more_clips_need_space_on_the_disk_like_another_video(completed, ask, tasks, nc, gateway):
    job = await completed()
    await ask(job, {"numbers": [3]})
    async with serving(gateway, JobStreams(nc), reserve_bytes=2**62) as full:
        status, problem = await ask(job, {"more": 1}, client=full)
        assert (status, problem["code"]) == (503, "out_of_space")
        assert problem["detail"] == "The server has no room for more clips; try again later."
        assert (await ask(job, {"numbers": [3]}, client=full))[0] == 202, "it is under way"
    assert await numbered(tasks, job) == [(3, 1)]


async def test_a_body_that_is_nested_too_deeply_is_a_400(api, completed):
    job = await completed()
    for path in (f"/api/jobs/{job}/clips", "/api/process"):
        headers = {"Content-Type": "application/json"}
        answer = await api.post(path, data=b'{"x":' + b"[" * 100_000, headers=headers)
        assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")


async def test_two_replicas_that_are_asked_at_once_never_choose_one_clip_twice(completed, ask, tasks, replica, api):
    job = await completed()
    clients = (api, replica, api, replica)
    answers = await asyncio.gather(*(ask(job, {"more": 1}, client=client) for client in clients))
    given = sorted(body["numbers"][0] for status, body in answers if status == 202)
    assert given == [3, 4, 5]
    assert sorted(status for status, _ in answers) == [202, 202, 202, 409]
    assert [number for number, _ in await numbered(tasks, job)] == [3, 4, 5]


async def test_one_request_sent_to_two_replicas_at_once_is_one_request(completed, ask, tasks, replica, api):
    job = await completed()
    answers = await asyncio.gather(
        *(ask(job, {"more": 2}, key="once", client=client) for client in (api, replica, api, replica))
    )
    assert answers == [(202, {"job_id": job, "numbers": [3, 4]})] * 4
    assert await numbered(tasks, job) == [(3, 1), (4, 1)]


async def test_a_repetition_publishes_the_tasks_that_a_dying_gateway_left_out(
    completed, ask, tasks, published, gateway
):
    job = await completed()
    await published(ClipsWanted(job=job, generation=1, numbers=(3, 4), request="once"))
    await gateway.publisher.task(RenderTask(job=job, number=3, generation=1))
    assert await ask(job, {"more": 2}, key="once") == (202, {"job_id": job, "numbers": [3, 4]})
    assert await numbered(tasks, job) == [(3, 1), (4, 1)]


async def test_a_task_that_waits_is_not_published_again_even_when_its_id_is_forgotten(completed, ask, tasks, nc):
    js = nc.jetstream()
    await js.update_stream((await js.stream_info(TASKS)).config.evolve(duplicate_window=0.1))
    job = await completed()
    await ask(job, {"numbers": [3]})
    await asyncio.sleep(0.5)  # the server forgets the id
    await ask(job, {"numbers": [3]})
    assert await numbered(tasks, job) == [(3, 1)]


async def test_a_generation_that_an_operator_took_is_left_to_him(completed, ask, tasks, gateway, published):
    """The request's event loses against the retry in the stream, and the request chooses again."""
    job = await completed()
    await published(ClipsWanted(job=job, generation=1, numbers=(3,)), clip_failed(job, 3, 1))
    gateway.projecting.cancel()
    asking = asyncio.create_task(ask(job, {"more": 1}))
    await gateway.publisher.event(Reopened(job=job, generation=2, clip=3, line="Clip 3 is tried again."))
    projecting = asyncio.create_task(gateway.projector.run())
    status, answer = await asking
    projecting.cancel()
    assert (status, answer["numbers"]) == (202, [4])
    document = await gateway.statuses.document(job)
    assert (document.state, sorted(document.wanted)) == ("completed", [3, 4])


async def test_a_request_that_no_projector_shows_is_a_503_and_its_repetition_finds_it(completed, ask, tasks, gateway):
    job = await completed()
    gateway.projecting.cancel()
    status, problem = await ask(job, {"more": 1}, key="once")
    assert (status, problem["code"]) == (503, "unavailable")
    assert problem["detail"].endswith("; repeat it with the same Idempotency-Key.")
    status, problem = await ask(job, {"more": 1})
    assert (status, "Idempotency-Key" in problem["detail"]) == (503, False)
    assert problem["detail"].endswith(f"; look at GET /api/jobs/{job}/clips before you repeat it.")
    assert await tasks(job) == []
    projecting = asyncio.create_task(gateway.projector.run())
    assert await ask(job, {"more": 1}, key="once") == (202, {"job_id": job, "numbers": [3]})
    projecting.cancel()
    assert await numbered(tasks, job) == [(3, 1)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"more": 0},
        {"more": -1},
        {"more": "two"},
        {"more": 1.5},
        {"more": True},
        {"more": 1, "numbers": [3]},
        {"numbers": []},
        {"numbers": 3},
        {"numbers": ["3"]},
        {"numbers": [3] * 46},
        [],
        None,
    ],
)
async def test_a_body_that_asks_for_nothing_is_a_400(submit, ask, body):
    status, problem = await ask(await submit(), body)
    assert (status, problem["code"]) == (400, "bad_request")
    assert '{"more": 3}' in problem["detail"]


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "ü"])
async def test_a_key_that_is_no_plain_text_is_a_400(submit, ask, key):
    status, problem = await ask(await submit(), {"more": 1}, key=key)
    assert (status, problem["code"]) == (400, "bad_request")


async def test_more_clips_of_a_job_that_has_not_completed_are_a_409(api, submit, published, ask):
    job = await submit()
    for body in ({"more": 1}, {"numbers": [3]}):
        status, problem = await ask(job, body)
        assert (status, problem["code"]) == (409, "not_completed")
    await published(Failed(job=job, stage=None, code=ErrorCode.NO_VIDEO, sentence="It broke."))
    assert (await ask(job, {"more": 1}))[1]["detail"] == "The job failed and has no reserve; submit the video again."
    cancelled = await submit()
    await api.delete(f"/api/jobs/{cancelled}")
    assert (await ask(cancelled, {"more": 1}))[0] == 409


async def test_a_number_that_no_clip_has_and_an_unknown_job_are_a_404(completed, ask, tasks):
    job = await completed()
    for number in (0, 6):
        status, problem = await ask(job, {"numbers": [3, number]})
        assert (status, problem["code"]) == (404, "not_found")
        assert problem["detail"].startswith(f"No clip of the reserve has the number {number};")
    assert await tasks(job) == []
    assert await ask(new_job_id(), {"more": 1}) == (404, {"detail": "Job not found"})


# What stops them


async def test_the_workers_of_wanted_clips_go_on_until_the_last_is_done(completed, ask, gateway, published, rendered):
    job = await completed()
    assert await gateway.ended.ended(job, 0)
    await ask(job, {"numbers": [3]})
    await ask(job, {"numbers": [4]})
    assert not await gateway.ended.ended(job, 1)
    await published(await rendered(job, 4, 2))
    assert not await gateway.ended.ended(job, 1), "clip 3 is not done"
    await published(await rendered(job, 3, 1))
    assert await gateway.ended.ended(job, 2)
    assert not await gateway.ended.ended(job, 3)


async def test_deleting_a_job_stops_its_wanted_clips(api, completed, ask, tasks, gateway):
    job = await completed()
    await ask(job, {"more": 2})
    await gateway.ended.start()
    with gateway.ended.watch(job, 1) as stopped:
        answer = await api.delete(f"/api/jobs/{job}")
        assert (answer.status, (await answer.json())["status"]) == (200, "deleted")
        async with asyncio.timeout(60):
            await stopped.wait()
    await gateway.ended.stop()
    assert await tasks(job) == []
    assert (await api.get(f"/api/jobs/{job}/clips")).status == 404
    assert (await ask(job, {"more": 1}))[0] == 404


async def test_cancelling_a_completed_job_cancels_only_its_wanted_clips(
    api, completed, ask, gateway, published, rendered, shown
):
    job = await completed()
    await ask(job, {"more": 2})
    await published(await rendered(job, 3, 1))
    answer = await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})
    assert (answer.status, await answer.json()) == (200, {"job_id": job, "status": "completed"})
    assert await gateway.ended.ended(job, 1)
    assert [clip["state"] for clip in (await shown(job))["clips"]] == ["ready", "ready", "ready", "failed"]
    again = await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})
    assert (again.status, (await again.json())["code"]) == (409, "already_ended")
    assert (await ask(job, {"numbers": [4]}))[0] == 202
    assert not await gateway.ended.ended(job, 2)


async def test_cancelled_clips_stop_at_once_even_if_the_projector_is_away(api, completed, ask, gateway):
    job = await completed()
    await ask(job, {"more": 1})
    gateway.projecting.cancel()
    answer = await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})
    assert (answer.status, (await answer.json())["status"]) == (202, "cancelling")
    assert await gateway.ended.ended(job, 1)


async def test_a_job_counts_as_completed_once_however_many_clips_follow(completed, ask, published, rendered):
    counted = JOBS_ENDED.labels("completed")._value
    before = counted.get()
    job = await completed()
    assert counted.get() == before + 1
    for generation in (1, 2, 3):
        await ask(job, {"more": 1})
        await published(await rendered(job, generation + 2, generation))
    assert counted.get() == before + 1
