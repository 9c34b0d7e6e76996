"""Picking moments, from the documents in the store to the plan, with a Gemini that behaves and one that does not."""

import json
import logging

import pytest
from aiohttp import web
from clipmill.analyzer.costs import load_prices
from clipmill.analyzer.moments_handler import MomentsHandler
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import open_store
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import Cost, Plan, Scenes, Shot, Transcript
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import Priority, new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask, RenderTask
from clipmill.operations.settings import Secret
from prometheus_client import REGISTRY

KEY = "AIza-not-a-real-key-0123456789"
LOCALLY = "Analyzing viral moments locally (no Gemini key)..."
WITH_GEMINI = "Analyzing viral moments with Gemini AI..."


@pytest.fixture
async def job(media_of, make_talk):
    """A job whose three documents are stored: (store, job id)."""
    store, job = open_store("memory://"), new_job_id()
    transcript = make_talk(5).transcript
    duration = transcript.duration
    scenes = Scenes(shots=(Shot(start=0, end=40.0), Shot(start=40.0, end=duration)), detector="d", frame_rate=25.0)
    for key, document in (
        (layout.media(job), media_of(duration)),
        (layout.transcript(job), transcript),
        (layout.scenes(job), scenes),
    ):
        await store.put_bytes(key, encode(document))
    return store, job


@pytest.fixture
def run(job, make_context, gemini_server, no_proxies, caplog):
    """Do the analyze task once; afterwards the key must be nowhere."""
    caplog.set_level(logging.DEBUG)

    async def do(*, key=KEY, attempt=1, own_key=None, task=None, **settings):
        store, job_id = job
        analyzer = AnalyzerSettings(
            gemini_api_key=Secret(key) if key else None,
            **{"gemini_base_url": gemini_server.url, "gemini_timeout_seconds": 20.0, **settings},
        )
        context = make_context(attempt=attempt, secret=own_key)
        handler = MomentsHandler(store, analyzer, load_prices())
        try:
            await handler(task or AnalyzeTask(job=job_id), context)
        finally:
            said = b"".join(encode(event) for event in context.events) + caplog.text.encode()
            assert KEY.encode() not in said
        plan = await load(store, layout.plan(job_id), Plan)
        assert plan is not None
        assert KEY.encode() not in encode(plan)
        return plan, context

    return do


def _answer(*passages, **changes):
    clips = [
        {
            "first_sentence": first,
            "last_sentence": last,
            "title": f"From {first}",
            "tiktok": "T #a",
            "instagram": "I #a",
            "youtube": "Y",
            "score": 90 - 10 * number,
            "reason": "r",
            **changes,
        }
        for number, (first, last) in enumerate(passages)
    ]
    return json.dumps({"clips": clips})


GOOD = _answer((1, 5), (9, 13), (20, 25))


def _sample(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def _refusal(status, body=None, headers=None):
    async def reply(_server):
        return web.json_response(
            body or {"error": {"code": status, "status": "X", "message": "m"}}, status=status, headers=headers
        )

    return reply


async def _talks(_server):
    return web.Response(text="<html>A proxy's greeting</html>", content_type="text/html")


async def _hangs(server):
    await server.hang.wait()
    return web.json_response({})


def _lines(context):
    return [event.line for event in context.events if event.kind == "log"]


# without a key


async def test_without_a_key_moments_are_picked_locally(run, job, gemini_server):
    task = AnalyzeTask(job=job[1], options=JobOptions(target_clips=4), priority=Priority.HIGH, generation=3)
    plan, context = await run(key=None, task=task)
    assert plan.picker == "local"
    assert plan.cost == Cost()
    assert plan.options == task.options
    assert len(plan.clips) == 4
    assert context.kinds == ["stage_started", "cost", "stage_finished", "clips_planned"]
    assert context.events[0].line == LOCALLY
    assert context.events[-1].count == 4
    assert context.tasks == [
        RenderTask(job=job[1], options=task.options, priority=Priority.HIGH, generation=3, number=number)
        for number in (1, 2, 3, 4)
    ]
    assert gemini_server.requests == []


async def test_a_redelivered_analyze_task_says_the_same_without_working(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(GOOD)]
    plan, first = await run()
    again, second = await run(attempt=2)
    assert again == plan
    assert second.tasks == first.tasks
    assert second.kinds == ["cost", "stage_finished", "clips_planned"]
    assert second.events[0] == first.events[1]
    assert len(gemini_server.requests) == 1


async def test_a_silent_video_needs_no_gemini_and_says_so(run, job, gemini_server):
    store, job_id = job
    await store.put_bytes(layout.transcript(job_id), encode(Transcript(language="", duration=0.0)))
    plan, context = await run()
    assert len(plan.clips) == 3
    assert _lines(context) == ["Nothing is said in this video: clips are chosen by its shots."]
    assert gemini_server.requests == []


async def test_a_missing_document_fails_for_good(run):
    with pytest.raises(Permanent) as failure:
        await run(key=None, task=AnalyzeTask(job=new_job_id()))
    assert failure.value.code is ErrorCode.MISSING_ARTIFACT


# with a key and a Gemini that behaves


async def test_with_a_key_gemini_chooses(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(GOOD, prompt=10_000, cached=4_000, answer=500, thoughts=300)]
    before = _sample("clipmill_provider_calls_total", outcome="answered")
    cached = _sample("clipmill_provider_tokens_total", kind="cached")
    plan, context = await run()
    assert plan.picker == "gemini-2.5-flash"
    assert [clip.title for clip in plan.clips] == ["From 1", "From 9", "From 20"]
    assert [clip.score for clip in plan.clips] == [90, 80, 70]
    assert plan.cost == Cost(total_usd=round((6000 * 0.30 + 4000 * 0.03 + 800 * 2.50) / 1e6, 6), provider_calls=1)
    assert context.kinds == ["stage_started", "cost", "stage_finished", "clips_planned"]
    assert context.events[0].line == WITH_GEMINI
    assert context.events[1].cost == plan.cost
    assert _sample("clipmill_provider_calls_total", outcome="answered") == before + 1
    assert _sample("clipmill_provider_tokens_total", kind="cached") == cached + 4000


async def test_the_request_carries_key_schema_and_numbered_sentences(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(GOOD)]
    await run(gemini_model="gemini-2.5-flash-lite")
    (request,), (headers,) = gemini_server.requests, gemini_server.headers
    assert gemini_server.paths == ["/v1beta/models/gemini-2.5-flash-lite:generateContent"]
    assert headers["x-goog-api-key"] == KEY
    assert KEY not in json.dumps(request)
    assert request["generationConfig"]["responseMimeType"] == "application/json"
    assert "first_sentence" in json.dumps(request["generationConfig"]["responseJsonSchema"])
    text = request["contents"][0]["parts"][0]["text"]
    assert "\n[1] 0.5-" in text
    assert "the 3 best passages" in text


async def test_the_jobs_own_key_comes_first(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(GOOD)]
    await run(key="the-operators", own_key=KEY)
    assert gemini_server.headers[0]["x-goog-api-key"] == KEY


async def test_a_model_without_a_price_is_marked_as_estimated(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(GOOD)]
    plan, _ = await run(gemini_model="gemini-next")
    assert plan.cost.estimated


# an answer that has to be repaired


@pytest.mark.parametrize(
    "bad",
    [
        _answer((1, 5), (9, 500), (20, 25)),
        _answer((1, 5), (4, 9), (20, 25)),
        _answer((1, 5)),
        "Sorry!",
        '{"clips": []}',
    ],
    ids=["invented ids", "overlap", "too few", "no JSON", "empty"],
)
async def test_a_bad_answer_is_repaired_with_one_more_request(run, gemini_server, gemini_says, bad):
    gemini_server.replies = [gemini_says(bad), gemini_says(GOOD)]
    plan, context = await run()
    assert [clip.title for clip in plan.clips] == ["From 1", "From 9", "From 20"]
    assert plan.cost.provider_calls == 2
    assert _lines(context) == []
    asked, answered, told = gemini_server.requests[1]["contents"]
    assert asked == gemini_server.requests[0]["contents"][0]
    assert answered["role"] == "model"
    assert answered["parts"][0]["text"] == bad
    assert "cannot be used as it is" in told["parts"][0]["text"]


async def test_a_truncated_answer_is_repaired_and_both_are_paid(run, gemini_server, gemini_says):
    gemini_server.replies = [
        gemini_says(GOOD[:80], "MAX_TOKENS", prompt=1000, answer=100, thoughts=0),
        gemini_says(GOOD),
    ]
    plan, _ = await run()
    assert len(plan.clips) == 3
    assert plan.cost.total_usd == round((2000 * 0.30 + 350 * 2.50) / 1e6, 6)
    assert "cut off" in gemini_server.requests[1]["contents"][-1]["parts"][0]["text"]


async def test_what_stays_unusable_is_replaced_locally_and_the_log_says_so(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(_answer((900, 901)))]
    before = _sample("clipmill_fallbacks_total", kind="local_picker")
    plan, context = await run()
    assert plan.picker == "local"
    assert len(plan.clips) == 3
    assert plan.cost.provider_calls == 2
    assert plan.cost.total_usd > 0
    assert _lines(context) == ["Gemini's answers cannot be used. Clips are picked locally instead."]
    assert context.kinds == ["stage_started", "log", "cost", "stage_finished", "clips_planned"]
    assert _sample("clipmill_fallbacks_total", kind="local_picker") == before + 1


async def test_an_answer_without_a_candidate_is_asked_for_once_more(run, gemini_server, gemini_says):
    gemini_server.replies = [{}, gemini_says(GOOD)]
    plan, _ = await run()
    assert plan.clips[0].title == "From 1"
    assert plan.cost.provider_calls == 2


async def test_what_is_usable_is_kept_and_the_rest_is_picked_locally(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(_answer((1, 5), (4, 9)))]
    plan, context = await run()
    assert len(plan.clips) == 3
    assert plan.clips[0].title == "From 1"
    assert all(clip.score < 90 for clip in plan.clips[1:])
    assert _lines(context) == ["1 of 3 clips are Gemini's choice, the others are picked locally."]


async def test_when_the_repair_fails_the_usable_part_is_kept(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(_answer((1, 5))), _refusal(500)]
    plan, _ = await run()
    assert plan.clips[0].title == "From 1"
    assert plan.cost.provider_calls == 2


# a Gemini that does not answer


@pytest.mark.parametrize(
    ("reply", "retry_after", "settings", "outcome"),
    [
        (_refusal(429, headers={"Retry-After": "17"}), 17.0, {}, "rate_limited"),
        (
            _refusal(
                429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "34.5s"}]}}
            ),
            34.5,
            {},
            "rate_limited",
        ),
        (_refusal(500), None, {}, "server_error"),
        (_refusal(503), None, {}, "server_error"),
        (_hangs, None, {"gemini_timeout_seconds": 0.3}, "timed_out"),
        (_talks, None, {}, "not_understood"),
    ],
    ids=["429 header", "429 body", "500", "503", "hangs", "no JSON"],
)
async def test_a_passing_trouble_is_left_to_a_later_try(run, gemini_server, reply, retry_after, settings, outcome):
    gemini_server.replies = [reply]
    before = _sample("clipmill_provider_calls_total", outcome=outcome)
    with pytest.raises(Transient) as failure:
        await run(attempt=1, **settings)
    assert failure.value.code is ErrorCode.PROVIDER_FAILED
    assert failure.value.retry_after == retry_after
    assert len(gemini_server.requests) == 1
    assert _sample("clipmill_provider_calls_total", outcome=outcome) == before + 1


async def test_an_unreachable_gemini_is_left_to_a_later_try(run):
    with pytest.raises(Transient, match="cannot be reached"):
        await run(gemini_base_url="http://127.0.0.1:9")


async def test_the_requests_of_earlier_tries_are_counted_too(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says("{}"), _refusal(500), gemini_says(GOOD)]
    with pytest.raises(Transient):
        await run(attempt=1)
    plan, _ = await run(attempt=2)
    assert plan.cost.provider_calls == 3
    assert plan.cost.total_usd == round((2000 * 0.30 + 500 * 2.50) / 1e6, 6)


async def test_what_was_spent_before_the_job_was_reopened_is_counted_too(run, job, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says("{}"), _refusal(500), gemini_says(GOOD)]
    with pytest.raises(Transient):
        await run(attempt=1)
    plan, _ = await run(attempt=1, task=AnalyzeTask(job=job[1], generation=1))
    assert plan.cost.provider_calls == 3


async def test_a_trouble_that_does_not_pass_ends_with_local_clips(run, gemini_server):
    gemini_server.replies = [_refusal(503)]
    for attempt in (1, 2):
        with pytest.raises(Transient):
            await run(attempt=attempt)
    plan, context = await run(attempt=3)
    assert len(plan.clips) == 3
    assert plan.cost == Cost(total_usd=0.0, provider_calls=3)
    assert _lines(context) == ["Gemini has trouble (503 X). Clips are picked locally instead."]


async def test_a_pause_that_is_too_long_is_not_waited_for(run, gemini_server):
    gemini_server.replies = [_refusal(429, headers={"Retry-After": "3600"})]
    plan, context = await run(attempt=1)
    assert plan.picker == "local"
    assert _lines(context) == ["Gemini's quota is used up for now (429 X). Clips are picked locally instead."]


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (_refusal(401), "Gemini refuses the key (401 X)."),
        (_refusal(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": KEY}}),
         "Gemini refuses the key (403 PERMISSION_DENIED)."),
        (_refusal(400, {"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}),
         "Gemini refuses the key (400 INVALID_ARGUMENT)."),
        (_refusal(400), "Gemini refuses the request (400 X)."),
        (_refusal(404), "Gemini refuses the request (404 X)."),
    ],
)  # fmt: skip
async def test_a_refusal_is_not_retried(run, gemini_server, reply, line):
    gemini_server.replies = [reply]
    plan, context = await run(attempt=1)
    assert plan.picker == "local"
    assert plan.cost.provider_calls == 1
    assert _lines(context) == [f"{line} Clips are picked locally instead."]


async def test_a_blocked_prompt_is_not_retried_and_is_paid(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says(None, "PROHIBITED_CONTENT", prompt=1_000_000)]
    plan, context = await run()
    assert plan.cost == Cost(total_usd=0.3, provider_calls=1)
    assert _lines(context) == [
        "Gemini declines this transcript (PROHIBITED_CONTENT). Clips are picked locally instead."
    ]


async def test_an_answer_stopped_for_its_content_is_not_retried(run, gemini_server, gemini_says):
    gemini_server.replies = [gemini_says("", "SAFETY")]
    plan, context = await run()
    assert plan.picker == "local"
    assert _lines(context) == ["Gemini stopped its answer (SAFETY). Clips are picked locally instead."]


async def test_a_key_that_cannot_be_one_is_refused_without_a_request(run, gemini_server):
    plan, context = await run(own_key="schlüssel\n")
    assert plan.picker == "local"
    assert gemini_server.requests == []
    assert _lines(context) == ["The Gemini key has characters that no key has. Clips are picked locally instead."]
