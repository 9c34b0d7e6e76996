"""Moments are picked, from the documents in the store to the plan, with or without a model."""

import json
import re

import pytest
from clipmill.artifacts import layout
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import Cost, Transcript
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import Priority, new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask, RenderTask
from model_servers import KEY, answer_of
from msgspec.structs import replace

LOCALLY = "Analyzing viral moments locally (no Gemini key)..."
GOOD = answer_of((1, 5), (9, 13), (20, 25))
MILLION = 1_000_000


# without a key


async def test_without_a_key_moments_are_picked_locally(run, job, gemini_server):
    task = AnalyzeTask(job=job[1], options=JobOptions(target_clips=4), priority=Priority.HIGH, generation=3)
    plan, context = await run(gemini_server, operator_key=None, task=task)
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


async def test_a_silent_video_needs_no_model_and_says_so(run, job, model_server):
    store, job_id = job
    await store.put_bytes(layout.transcript(job_id), encode(Transcript(language="", duration=0.0)))
    plan, context = await run(model_server)
    assert len(plan.clips) == 3
    assert context.lines == [
        "Clips are chosen by their shots because nobody speaks in this video.",
        "Captions are off because nobody speaks.",
    ]
    assert model_server.requests == []


async def test_a_submitted_transcript_without_words_does_not_mean_that_nobody_speaks(run, job):
    store, job_id = job
    await store.put_bytes(layout.transcript(job_id), encode(Transcript(language="", duration=0.0)))
    options = JobOptions(target_clips=3, transcript=True)

    plan, context = await run(operator_key=None, task=AnalyzeTask(job=job_id, options=options))

    assert not any("nobody speaks" in text for text in (*context.lines, *(clip.reason for clip in plan.clips)))
    assert plan.captions.reason == "Captions are off because the words are not known."


async def test_a_missing_document_fails_for_good(run):
    with pytest.raises(Permanent) as failure:
        await run(operator_key=None, task=AnalyzeTask(job=new_job_id()))
    assert failure.value.code is ErrorCode.MISSING_ARTIFACT


# with a model that behaves


async def test_the_model_chooses(run, model_server, sample):
    model_server.replies = [model_server.says(GOOD)]
    before = sample("clipmill_provider_calls_total", provider=model_server.kind, outcome="answered")
    plan, context = await run(model_server)
    assert plan.picker == model_server.model
    assert [clip.title for clip in plan.clips] == ["From 1", "From 9", "From 20"]
    assert [clip.score for clip in plan.clips] == [90, 80, 70]
    assert plan.cost.provider_calls == 1
    assert context.kinds == ["stage_started", "cost", "stage_finished", "clips_planned"]
    assert context.events[0].line == model_server.line
    assert context.events[1].cost == plan.cost
    assert [task.number for task in context.tasks] == [1, 2, 3]
    assert sample("clipmill_provider_calls_total", provider=model_server.kind, outcome="answered") == before + 1


async def test_clips_are_planned_and_rendered_in_the_order_of_their_scores(run, model_server):
    clips = json.loads(answer_of((20, 25), (1, 5), (9, 13)))["clips"]
    for clip, score in zip(clips, (12, 93, 91), strict=True):
        clip["score"] = score
    model_server.replies = [model_server.says(json.dumps({"clips": clips}))]
    plan, context = await run(model_server)
    assert [(clip.number, clip.title, clip.score) for clip in plan.clips] == [
        (1, "From 1", 93),
        (2, "From 9", 88),
        (3, "From 20", 12),
    ]
    assert [task.number for task in context.tasks] == [1, 2, 3]


async def test_a_redelivered_analyze_task_says_the_same_without_working(run, model_server):
    model_server.replies = [model_server.says(GOOD)]
    plan, first = await run(model_server)
    again, second = await run(model_server, attempt=2)
    assert again == plan
    assert second.tasks == first.tasks
    assert second.kinds == ["cost", "stage_finished", "clips_planned"]
    assert second.events[0] == first.events[1]
    assert len(model_server.requests) == 1


async def test_the_plan_s_reserve_is_announced_and_not_rendered(run, job):
    plan, _ = await run(operator_key=None)
    stored = replace(plan, clips=plan.clips[:1], reserve=plan.clips[1:])
    await job[0].put_bytes(layout.plan(job[1]), encode(stored))
    _, context = await run(operator_key=None, attempt=2)
    planned = context.events[-1]
    assert (planned.count, planned.reserve) == (1, len(plan.clips) - 1)
    assert [task.number for task in context.tasks] == [1]
    await job[0].put_bytes(layout.plan(job[1]), encode(replace(plan, clips=(), reserve=plan.clips)))
    _, context = await run(operator_key=None, attempt=3)
    assert (context.events[-1].count, context.tasks) == (0, [])


async def test_a_request_carries_the_instruction_the_numbered_sentences_and_the_wishes_last(run, job, model_server):
    model_server.replies = [model_server.says(GOOD)]
    options = JobOptions(target_clips=3, clip_min_seconds=12.5, clip_max_seconds=45.0)
    await run(model_server, task=AnalyzeTask(job=job[1], options=options))
    (request,), (headers,) = model_server.requests, model_server.headers
    instruction, asked = model_server.texts_in(request)
    assert instruction.startswith("You cut short vertical clips")
    assert "1@0 This is sentence number 1 and" in asked
    assert "long enough. 2 This is" in asked
    assert asked.endswith("Choose the 3 best passages, of 12.5 to 45 seconds each.")
    fields = model_server.schema_in(request)["properties"]["clips"]["items"]["properties"]
    assert {"first_sentence", "last_sentence", "title", "score"} <= fields.keys()
    assert KEY not in json.dumps(request)
    assert headers["accept-encoding"] == "identity"


async def test_of_a_part_of_the_source_a_model_sees_nothing_else(run, job, speech, model_server):
    model_server.replies = [model_server.says(answer_of((1, 5), (8, 12), (14, 18)))]
    task = AnalyzeTask(job=job[1], options=JobOptions(start=56.0, end=166.0))
    plan, context = await run(model_server, task=task)
    (request,) = model_server.requests
    _, asked = model_server.texts_in(request)
    seen = {int(number) for number in re.findall(r"sentence number (\d+)", asked)}
    said = list(enumerate(speech(40).segments, 1))
    assert seen >= {number for number, each in said if each.start >= 56.0 and each.end <= 166.0}
    assert seen <= {number for number, each in said if each.start < 166.0 and each.end > 56.0}
    assert [clip.title for clip in plan.clips] == ["From 1", "From 8", "From 14"]
    assert all(56.0 <= clip.start < clip.end <= 166.0 for clip in plan.clips)
    assert plan.options == task.options
    assert [render.options for render in context.tasks] == [task.options] * 3


async def test_gemini_is_asked_by_its_protocol(run, gemini_server):
    gemini_server.replies = [gemini_server.says(GOOD, prompt=10_000, cached=4_000, answer=500, thoughts=300)]
    plan, _ = await run(gemini_server, gemini_model="gemini-2.5-flash-lite")
    assert gemini_server.paths == ["/v1beta/models/gemini-2.5-flash-lite:generateContent"]
    assert gemini_server.headers[0]["x-goog-api-key"] == KEY
    assert gemini_server.requests[0]["generationConfig"]["responseMimeType"] == "application/json"
    assert plan.cost.total_usd == round((6000 * 0.10 + 4000 * 0.01 + 800 * 0.40) / MILLION, 6)


async def test_tokens_are_counted_by_kind(run, model_server, sample):
    model_server.replies = [model_server.says(GOOD, prompt=1000, cached=400, answer=20, thoughts=3)]
    apart = {"answer": 20, "thoughts": 3} if model_server.counts_thoughts else {"answer": 20, "thoughts": 0}
    kinds = {"input": 600, "cached": 400, **apart}

    def counted(kind):
        return sample("clipmill_provider_tokens_total", provider=model_server.kind, kind=kind)

    before = {kind: counted(kind) for kind in kinds}
    await run(model_server)
    assert {kind: counted(kind) - before[kind] for kind in kinds} == kinds


async def test_the_jobs_own_key_comes_first(run, gemini_server):
    gemini_server.replies = [gemini_server.says(GOOD)]
    await run(gemini_server, operator_key="the-operators", own_key=KEY)
    assert gemini_server.headers[0]["x-goog-api-key"] == KEY


async def test_a_lent_key_means_gemini_whatever_is_configured(run, gemini_server, openai_server):
    gemini_server.replies = [gemini_server.says(GOOD)]
    settings = {**gemini_server.settings(), **openai_server.settings()}
    plan, context = await run(own_key=KEY, **settings)
    assert plan.picker == "gemini-2.5-flash"
    assert context.events[0].line == gemini_server.line
    assert openai_server.requests == []


async def test_a_model_without_a_price_is_marked_as_estimated(run, gemini_server):
    gemini_server.replies = [gemini_server.says(GOOD)]
    plan, _ = await run(gemini_server, gemini_model="gemini-next")
    assert plan.cost.estimated
    assert plan.cost.total_usd > 0


async def test_a_key_that_cannot_be_one_is_refused_without_a_request(run, gemini_server):
    plan, context = await run(gemini_server, own_key="schlüssel\n")
    assert plan.picker == "local"
    assert gemini_server.requests == []
    assert context.lines == [
        "The Gemini key contains characters that cannot occur in a key; copy the key again. "
        "Clips are picked locally instead."
    ]


# an answer that has to be repaired


async def test_a_repair_shows_the_model_its_answer_and_what_is_wrong_with_it(run, model_server):
    bad = answer_of((1, 5), (9, 500), (20, 25))
    model_server.replies = [model_server.says(bad), model_server.says(GOOD)]
    await run(model_server)
    first, second = (model_server.texts_in(request) for request in model_server.requests)
    assert second[:2] == first
    assert second[2] == bad
    assert "there are sentences 1 to 40, not 9 to 500" in second[3]
    assert second[3].startswith("That answer cannot be used as it is")


async def test_a_truncated_answer_is_paid_as_well(run, gemini_server):
    truncated = gemini_server.says(GOOD[:80], "MAX_TOKENS", prompt=1000, answer=100, thoughts=0)
    gemini_server.replies = [truncated, gemini_server.says(GOOD)]
    plan, _ = await run(gemini_server)
    assert plan.cost.total_usd == round((2000 * 0.30 + 350 * 2.50) / MILLION, 6)
    assert "cut off" in gemini_server.texts_in(gemini_server.requests[1])[-1]


async def test_the_complete_passages_of_a_truncated_answer_are_enough_if_they_are_all_that_is_wanted(run, model_server):
    model_server.replies = [model_server.truncates(GOOD[:-1] + ', {"first_sent')]
    plan, context = await run(model_server)
    assert [clip.title for clip in plan.clips] == ["From 1", "From 9", "From 20"]
    assert context.lines == []
    assert len(model_server.requests) == 1


async def test_repairs_are_counted_by_their_result(run, model_server, sample):
    def counted(result):
        return sample("clipmill_provider_repairs_total", provider=model_server.kind, result=result)

    before = counted("repaired"), counted("unusable")
    model_server.replies = [model_server.says("?"), model_server.says(GOOD)]
    await run(model_server)
    assert (counted("repaired"), counted("unusable")) == (before[0] + 1, before[1])


async def test_what_is_usable_is_kept_and_the_rest_is_picked_locally(run, model_server, sample):
    model_server.replies = [model_server.says(answer_of((1, 5), (4, 9)))]
    before = sample("clipmill_fallbacks_total", kind="local_picker_partly")
    plan, context = await run(model_server)
    assert len(plan.clips) == 3
    assert plan.clips[0].title == "From 1"
    assert plan.clips[0].score > plan.clips[1].score > plan.clips[2].score
    assert context.lines == [f"1 of 3 clips are {model_server.name}'s choice; the others are picked locally."]
    assert sample("clipmill_fallbacks_total", kind="local_picker_partly") == before + 1


async def test_when_the_repair_fails_the_usable_part_is_kept(run, model_server):
    model_server.replies = [model_server.says(answer_of((1, 5))), model_server.refuses(500)]
    plan, _ = await run(model_server)
    assert plan.clips[0].title == "From 1"
    assert plan.cost.provider_calls == 2


# a model that does not answer


async def test_a_pause_that_is_asked_for_is_handed_to_the_worker(run, model_server):
    model_server.replies = [model_server.refuses(429, Retry_After="17")]
    with pytest.raises(Transient) as failure:
        await run(model_server)
    assert failure.value.code is ErrorCode.PROVIDER_FAILED
    assert failure.value.retry_after == 17.0


async def test_geminis_own_way_of_asking_for_a_pause_is_understood(run, gemini_server):
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "34.5s"}]}}
    gemini_server.replies = [gemini_server.refuses(429, body)]
    with pytest.raises(Transient) as failure:
        await run(gemini_server)
    assert failure.value.retry_after == 34.5


async def test_geminis_own_way_of_refusing_a_key_is_understood(run, gemini_server):
    body = {"error": {"status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}], "message": KEY}}
    gemini_server.replies = [gemini_server.refuses(400, body)]
    plan, context = await run(gemini_server)
    assert plan.picker == "local"
    assert context.lines == [
        "Gemini refuses the key (400 INVALID_ARGUMENT); check the key. Clips are picked locally instead."
    ]


async def test_an_unreachable_model_is_left_to_a_later_try(run, model_server):
    address = {f"{model_server.kind}_base_url": "http://127.0.0.1:9"}
    with pytest.raises(Transient, match="cannot be reached"):
        await run(model_server, **{**model_server.settings(), **address})


async def test_each_later_try_has_its_own_line(run, make_context, model_server):
    model_server.replies = [model_server.refuses(503)]
    contexts = [make_context(attempt=attempt) for attempt in (1, 2)]
    for context in contexts:
        with pytest.raises(Transient):
            await run(model_server, context=context)
    keys = {event.key for context in contexts for event in context.events if event.kind == "log"}
    assert len(keys) == 2


async def test_the_requests_of_earlier_tries_are_counted_too(run, gemini_server):
    gemini_server.replies = [gemini_server.says("{}"), gemini_server.refuses(500), gemini_server.says(GOOD)]
    with pytest.raises(Transient):
        await run(gemini_server, attempt=1)
    plan, _ = await run(gemini_server, attempt=2)
    assert plan.cost.provider_calls == 3
    assert plan.cost.total_usd == round((2000 * 0.30 + 500 * 2.50) / MILLION, 6)


async def test_what_was_spent_before_the_job_was_reopened_is_counted_too(run, job, model_server):
    model_server.replies = [model_server.says("{}"), model_server.refuses(500), model_server.says(GOOD)]
    with pytest.raises(Transient):
        await run(model_server, attempt=1)
    plan, _ = await run(model_server, attempt=1, task=AnalyzeTask(job=job[1], generation=1))
    assert plan.cost.provider_calls == 3


async def test_a_blocked_prompt_is_paid(run, gemini_server):
    gemini_server.replies = [gemini_server.says(None, "PROHIBITED_CONTENT", prompt=MILLION)]
    plan, _ = await run(gemini_server)
    assert plan.cost == Cost(total_usd=0.3, provider_calls=1)
