"""A long transcript is asked about in chunks and then ranked, even if a chunk or the ranking fails."""

import asyncio
import json
import re
from itertools import pairwise

import pytest
from aiohttp import web
from clipmill.analyzer.asking.answered_chunks import AnsweredChunks
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask
from model_servers import answer_of

PART_TOKENS = 2400
"""Limit that divides the 300 sentences of the talk below into four chunks."""

LEFT_OUT = "The model gave no answer about 1 of 4 parts of the transcript, so it chose no clips there."


@pytest.fixture
async def long_talk(put, speech):
    await put(speech(300))


class Speaker:
    """Answers as a model does: a chunk with proposals among its sentences, a shortlist with scores.

    Args:
        server: Server whose protocol it speaks.
        failing: Replies instead of proposals, by the number of a sentence in the chunk.
        ranking: Reply instead of scores.
        counted: Number of tokens of a chunk that it claims to have read.
    """

    def __init__(self, server, failing=None, ranking=None, counted=5000):
        self.counted = counted
        self.server = server
        self.failing = failing or {}
        self.ranking = ranking
        self.chunks = []
        self.shortlists = []

    async def __call__(self, request, body):
        asked = self.server.texts_in(body)[1]
        if "Score all" in asked:
            self.shortlists.append(asked)
            if self.ranking is not None:
                return await _sent(self.ranking, request, body)
            count = int(re.search(r"Score all (\d+)", asked)[1])
            ranks = [{"passage": number, "score": 10 + number} for number in range(1, count + 1)]
            return web.json_response(self.server.says(json.dumps({"scores": ranks}), prompt=5000))
        numbers = [int(number) for number in re.findall(r"sentence number (\d+) ", asked)]
        self.chunks.append((numbers[0], numbers[-1]))
        for number, reply in self.failing.items():
            if numbers[0] <= number <= numbers[-1]:
                return await _sent(reply, request, body)
        clips = json.loads(answer_of((1, 5), (20, 25), (40, 46)))["clips"]
        for clip in clips:
            clip["title"] = f"From {numbers[clip['first_sentence'] - 1]}"
        return web.json_response(self.server.says(json.dumps({"clips": clips}), prompt=self.counted))


async def _sent(reply, request, body):
    return await reply(request, body) if callable(reply) else web.json_response(reply)


@pytest.fixture
def pick(run, long_talk, model_server):
    async def do(speaker, **settings):
        model_server.replies = [speaker]
        return await run(model_server, part_tokens=PART_TOKENS, **settings)

    return do


async def test_chunks_are_asked_about_and_their_best_are_ranked_in_one_request(pick, model_server):
    speaker = Speaker(model_server)
    plan, context = await pick(speaker)
    chunks = sorted(speaker.chunks)
    assert len(chunks) == 4
    assert chunks[0][0] == 1
    assert chunks[-1][1] == 300
    assert all(one[1] > other[0] for one, other in pairwise(chunks)), "they overlap"
    assert len(speaker.shortlists) == 1
    assert plan.cost.provider_calls == 5
    assert plan.picker == model_server.model
    assert context.lines == []
    assert [clip.score for clip in plan.clips] == sorted((clip.score for clip in plan.clips), reverse=True)


async def test_the_ranking_decides_which_clips_the_job_gets(pick, model_server):
    speaker = Speaker(model_server)
    plan, _ = await pick(speaker)
    listed = re.findall(r"^\d+ \(\d+ s\) (From \d+): This is", speaker.shortlists[0], re.MULTILINE)
    assert [clip.title for clip in plan.clips] == listed[:-4:-1], "the speaker scores what comes later higher"


async def test_chunks_are_asked_about_at_once_but_not_too_many(pick, model_server):
    speaker = Speaker(model_server)
    await pick(speaker, **{f"{model_server.kind}_parallel": 2})
    assert model_server.most_waiting <= 2


async def test_all_chunks_can_be_asked_about_at_once(pick, model_server):
    met = asyncio.Barrier(4)
    speaker = Speaker(model_server)

    async def together(request, body):
        if "Score all" not in model_server.texts_in(body)[1]:
            async with asyncio.timeout(60):
                await met.wait()
        return await speaker(request, body)

    await pick(together, **{f"{model_server.kind}_parallel": 4})
    assert len(speaker.chunks) == 4


async def test_a_chunk_that_fails_for_now_is_asked_about_again_and_the_others_are_not(pick, model_server):
    speaker = Speaker(model_server, failing={1: model_server.refuses(500)})
    with pytest.raises(Transient):
        await pick(speaker, attempt=1)
    first = len(speaker.chunks)
    speaker.failing = {}
    plan, context = await pick(speaker, attempt=2)
    assert first == 4
    assert [chunk[0] for chunk in speaker.chunks[4:]] == [1]
    assert plan.cost.provider_calls == 6, "four chunks, one of them twice, and the ranking"
    assert context.lines == []


async def test_a_chunk_that_fails_for_good_does_not_lose_the_others(pick, model_server, sample):
    speaker = Speaker(model_server, failing={1: model_server.stops()})
    before = sample("clipmill_fallbacks_total", kind="parts_left_out")
    plan, context = await pick(speaker)
    assert plan.picker == model_server.model
    assert len(plan.clips) == 3
    assert len(context.lines) == 1
    assert context.lines[0].endswith(LEFT_OUT)
    assert sample("clipmill_fallbacks_total", kind="parts_left_out") == before + 1


async def test_a_chunk_that_fails_until_the_last_try_does_not_lose_the_others(pick, model_server):
    speaker = Speaker(model_server, failing={1: model_server.refuses(503)})
    for attempt in (1, 2):
        with pytest.raises(Transient):
            await pick(speaker, attempt=attempt)
    plan, context = await pick(speaker, attempt=3)
    assert plan.picker == model_server.model
    trouble = f"{model_server.name} reported an error on its side (503{model_server.bare_code})."
    assert context.lines == [f"{trouble} {LEFT_OUT}"]
    assert plan.cost.provider_calls == 4 + 1 + 1 + 1


async def test_a_chunk_with_useless_answers_is_repaired_once_and_tried_again_later(pick, model_server):
    speaker = Speaker(model_server, failing={1: model_server.says("Sorry!")})
    with pytest.raises(Transient, match="neither answer had a usable clip"):
        await pick(speaker)
    assert sorted(chunk[0] for chunk in speaker.chunks).count(1) == 2


async def test_a_chunk_with_nothing_to_offer_is_no_failure(pick, model_server):
    speaker = Speaker(model_server, failing={1: model_server.says('{"clips": []}', prompt=5000)})
    plan, context = await pick(speaker)
    assert plan.picker == model_server.model
    assert len(speaker.chunks) == 4
    assert context.lines == []


async def test_a_chunk_with_something_usable_is_not_asked_about_again(pick, model_server):
    speaker = Speaker(model_server, failing={1: model_server.says(answer_of((1, 5), (900, 901)))})
    await pick(speaker)
    assert len(speaker.chunks) == 4


@pytest.mark.parametrize("reply", ["nonsense", "trouble", "blocked"])
async def test_a_ranking_that_fails_leaves_the_chunks_own_scores(pick, model_server, sample, reply):
    replies = {
        "nonsense": model_server.says("Number one!"),
        "trouble": model_server.refuses(503),
        "blocked": model_server.stops(),
    }
    before = sample("clipmill_fallbacks_total", kind="parts_unranked")
    plan, context = await pick(Speaker(model_server, ranking=replies[reply]))
    assert plan.picker == model_server.model
    assert len(plan.clips) == 3
    assert len(context.lines) == 1
    assert context.lines[0].endswith("scores from different parts may not be comparable.")
    assert plan.cost.provider_calls == 5
    assert sample("clipmill_fallbacks_total", kind="parts_unranked") == before + 1


async def test_a_refused_key_is_tried_once_and_not_on_every_chunk(pick, model_server):
    model_server_replies = model_server.refuses(401)
    plan, context = await pick(model_server_replies, **{f"{model_server.kind}_parallel": 1})
    assert plan.picker == "local"
    assert len(model_server.requests) == 1
    assert len(context.lines) == 1


async def test_a_chunk_that_always_times_out_does_not_keep_the_others_from_being_asked(pick, model_server):
    short = {f"{model_server.kind}_timeout_seconds": 0.5, f"{model_server.kind}_parallel": 1}
    speaker = Speaker(model_server, failing={1: model_server.hangs})
    plan, context = await pick(speaker, attempt=3, **short)
    assert plan.picker == model_server.model
    (line,) = context.lines
    assert line.startswith(f"{model_server.name} did not answer within 0.5 seconds; CLIPMILL_ANALYZER_")
    assert line.endswith(f"_TIMEOUT_SECONDS is the limit. {LEFT_OUT}")


async def test_a_server_that_hangs_is_not_waited_for_chunk_by_chunk(pick, model_server):
    short = {f"{model_server.kind}_timeout_seconds": 0.2, f"{model_server.kind}_parallel": 1}
    plan, _ = await pick(model_server.hangs, attempt=3, **short)
    assert plan.picker == "local"
    assert plan.cost.provider_calls == 2


async def test_a_store_that_is_away_while_chunks_are_asked_about_is_waited_for_by_the_worker(
    pick, model_server, monkeypatch
):
    async def away(_self, _request, _moments):
        raise Transient(ErrorCode.UNAVAILABLE, "The store cannot be reached.")

    monkeypatch.setattr(AnsweredChunks, "keep", away)
    with pytest.raises(Transient, match="The store"):
        await pick(Speaker(model_server))


async def test_when_one_chunk_alone_brought_something_there_is_nothing_to_rank(pick, model_server):
    stops = model_server.stops()
    speaker = Speaker(model_server, failing={1: stops, 110: stops, 300: stops})
    plan, _ = await pick(speaker)
    assert speaker.shortlists == []
    assert plan.picker == model_server.model


async def test_a_context_that_cuts_a_request_short_is_noticed_and_has_a_line(pick, model_server, sample):
    before = sample("clipmill_fallbacks_total", kind="transcript_cut_short")
    plan, context = await pick(Speaker(model_server, counted=512))
    assert plan.picker == model_server.model
    assert context.lines == [
        f"{model_server.name} seems to have read only 512 tokens of a longer request; give it a larger context "
        "or lower CLIPMILL_ANALYZER_PART_TOKENS."
    ]
    assert sample("clipmill_fallbacks_total", kind="transcript_cut_short") == before + 1


async def test_many_wanted_clips_are_spread_over_the_chunks(pick, job, model_server):
    speaker = Speaker(model_server)
    plan, _ = await pick(speaker, task=AnalyzeTask(job=job[1], options=JobOptions(target_clips=10)))
    assert "the 5 best passages" in model_server.texts_in(model_server.requests[0])[1]
    assert len(plan.clips) == 10
