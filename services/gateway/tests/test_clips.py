"""The clips of a job explained, over real HTTP with a real NATS and a real store."""

import msgspec
import pytest
from clipmill.artifacts import documents, layout
from clipmill.contracts.events import (
    ClipsPlanned,
    Failed,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import new_job_id
from reserves import clip_failed, numbered, plan_of


@pytest.fixture
def shown(api):
    """Return a function that returns the clips of a job, explained."""

    async def read(job):
        answer = await api.get(f"/api/jobs/{job}/clips")
        assert answer.status == 200, await answer.text()
        return await answer.json()

    return read


async def test_each_clip_is_explained_with_its_parts_and_layouts_and_the_reserve_follows(shown, completed):
    job = await completed()
    answer = await shown(job)
    assert (answer["job_id"], answer["status"]) == (job, "completed")
    first = answer["clips"][0]
    assert first == {
        "number": 1,
        "rank": 1,
        "state": "ready",
        "start": 30.0,
        "end": 50.0,
        "title": "Title 1",
        "score": 59,
        "parts": [{"name": "audience", "points": 60}, {"name": "cut", "points": -1}],
        "reason": "Reason 1.",
        "quote": "Quote 1.",
        "url": f"/videos/{job}/talk_clip_1.mp4",
        "error": None,
        "shots": [
            {"start": 0.0, "end": 9.5, "layout": "track", "reason": "one person in 40 of 40 frames"},
        ],
        "good": True,
    }
    for clip in (*answer["clips"], *answer["reserve"]):
        assert sum(part["points"] for part in clip["parts"]) == clip["score"]
    assert [(clip["number"], clip["good"]) for clip in answer["reserve"]] == [(3, True), (4, False), (5, False)]
    assert {(clip["state"], clip["url"], tuple(clip["shots"])) for clip in answer["reserve"]} == {("reserve", None, ())}


async def test_a_clip_has_its_rank_by_score_whatever_its_number(shown, completed):
    plan = plan_of()
    best_last = msgspec.structs.replace(plan.reserve[-1], score=99)
    job = await completed(msgspec.structs.replace(plan, reserve=(*plan.reserve[:-1], best_last)))
    answer = await shown(job)
    ranks = {clip["number"]: clip["rank"] for clip in (*answer["clips"], *answer["reserve"])}
    assert ranks == {5: 1, 1: 2, 2: 3, 3: 4, 4: 5}


async def test_a_wanted_clip_moves_from_the_reserve_to_the_clips(shown, completed, ask, published, rendered):
    job = await completed()
    await ask(job, {"numbers": [3, 5]})
    answer = await shown(job)
    assert [(clip["number"], clip["state"]) for clip in answer["clips"]] == [
        (1, "ready"),
        (2, "ready"),
        (3, "rendering"),
        (5, "rendering"),
    ]
    await published(await rendered(job, 5, 1), clip_failed(job, 3, 1))
    answer = await shown(job)
    failed, ready = answer["clips"][2:]
    assert (failed["state"], failed["error"]["code"], failed["url"]) == ("failed", "out_of_memory", None)
    assert (ready["state"], ready["url"]) == ("ready", f"/videos/{job}/talk_clip_5.mp4")
    assert len(ready["shots"]) == 1
    assert [clip["number"] for clip in answer["reserve"]] == [4]


async def test_a_clip_that_nobody_rendered_yet_is_rendering_until_the_job_fails(
    api, submit, store, published, rendered, shown
):
    job = await submit()
    assert await shown(job) == {"job_id": job, "clips": [], "reserve": [], "status": "queued"}
    await documents.save_once(store, layout.plan(job), plan_of())
    await published(ClipsPlanned(job=job, count=2, reserve=3), await rendered(job, 2))
    assert [clip["state"] for clip in (await shown(job))["clips"]] == ["rendering", "ready"]
    await published(Failed(job=job, stage=None, code=ErrorCode.INTERNAL, sentence="It broke."))
    assert [clip["state"] for clip in (await shown(job))["clips"]] == ["failed", "ready"]


async def test_a_job_that_ended_without_a_plan_has_no_clips_and_an_unknown_one_is_the_contracts_404(
    api, submit, published, shown
):
    job = await submit()
    await published(Failed(job=job, stage=None, code=ErrorCode.NO_VIDEO, sentence="It broke."))
    assert await shown(job) == {"job_id": job, "clips": [], "reserve": [], "status": "failed"}
    cancelled = await submit()
    await api.delete(f"/api/jobs/{cancelled}")
    for unknown in (new_job_id(), "x", cancelled):
        answer = await api.get(f"/api/jobs/{unknown}/clips")
        assert (answer.status, await answer.json()) == (404, {"detail": "Job not found"})


async def test_a_completed_job_whose_plan_is_gone_is_a_404_with_the_reason(api, completed, ask, store):
    job = await completed()
    await store.delete(layout.plan(job))
    for answer in (await api.get(f"/api/jobs/{job}/clips"), await api.post(f"/api/jobs/{job}/clips", json={"more": 1})):
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (404, "not_found")
        assert problem["detail"] == "The plan of the job's clips is gone; submit the video again."


async def test_an_empty_plan_leaves_a_completed_job_whose_moments_are_all_in_reserve(api, completed, shown, ask, tasks):
    job = await completed(plan_of(planned=0))
    status = await (await api.get(f"/api/status/{job}")).json()
    assert (status["status"], status["result"]["clips"]) == ("completed", [])
    assert status["result"]["cost_analysis"]["gemini_api_calls"] == 0
    assert [clip["number"] for clip in (await shown(job))["reserve"]] == [1, 2, 3]
    assert await ask(job, {"more": 1}) == (202, {"job_id": job, "numbers": [1]})
    assert await numbered(tasks, job) == [(1, 1)]


@pytest.mark.parametrize("key", [None, "a key"])
async def test_a_clip_of_the_plan_that_is_ready_is_wanted_in_vain_but_without_an_error(completed, ask, tasks, key):
    job = await completed()
    for _ in range(2):
        assert await ask(job, {"numbers": [1]}, key=key) == (202, {"job_id": job, "numbers": [1]})
    assert await tasks(job) == []
    assert await ask(job, {"numbers": [2, 4]}) == (202, {"job_id": job, "numbers": [2, 4]})
    assert await numbered(tasks, job) == [(4, 2 if key else 1)]


async def test_a_clip_of_the_plan_that_failed_is_a_404_that_says_so(completed, ask, tasks, shown):
    job = await completed(failed=(1,))
    assert [clip["state"] for clip in (await shown(job))["clips"]] == ["failed", "ready"]
    status, problem = await ask(job, {"numbers": [1]})
    assert (status, problem["code"]) == (404, "not_found")
    assert problem["detail"].startswith("Clip 1 failed and does not belong to the reserve;")
    assert await tasks(job) == []
