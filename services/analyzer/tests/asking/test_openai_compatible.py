"""Servers with OpenAI's protocol differ, and the client adapts to each."""

import json

import pytest
from aiohttp import web
from clipmill.analyzer.asking.openai_compatible import Form, Output
from clipmill.contracts.documents import Cost
from model_servers import KEY, MODEL, answer_of

GOOD = answer_of((1, 5), (9, 13), (20, 25))


def _complains(server, *signs, status=400):
    """Return a reply that refuses every request with one of `signs`, as a server does that does not know them."""

    async def reply(_request, body):
        for sign, complaint in signs:
            if sign in json.dumps(body):
                return web.json_response({"error": {"message": complaint, "code": status}}, status=status)
        return web.json_response(server.says(GOOD))

    return reply


async def test_a_request_has_the_key_the_model_and_the_schema(run, openai_server):
    openai_server.replies = [openai_server.says(GOOD)]
    await run(openai_server)
    (body,) = openai_server.requests
    assert openai_server.paths == ["/v1/chat/completions"]
    assert openai_server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert body["model"] == MODEL
    assert body["max_tokens"] == 4096
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["strict"] is True
    item = openai_server.schema_in(body)["properties"]["clips"]["items"]
    assert set(item["required"]) == set(item["properties"])
    assert item["additionalProperties"] is False


async def test_a_server_without_a_key_is_asked_without_one(run, openai_server):
    openai_server.replies = [openai_server.says(GOOD)]
    await run(openai_server, openai_api_key=None)
    assert "authorization" not in openai_server.headers[0]


@pytest.mark.parametrize("status", [400, 422, 501])
async def test_a_server_that_knows_no_schema_is_asked_for_an_object_with_the_schema_in_words(
    run, openai_server, status
):
    openai_server.replies = [_complains(openai_server, ("json_schema", "unknown response_format"), status=status)]
    plan, context = await run(openai_server)
    assert plan.picker == MODEL
    assert context.lines == []
    body = openai_server.requests[-1]
    assert body["response_format"] == {"type": "json_object"}
    assert '"first_sentence"' in openai_server.texts_in(body)[0]


async def test_a_server_that_knows_no_form_at_all_is_asked_in_words(run, openai_server, sample):
    before = sample("clipmill_provider_calls_total", provider="openai", outcome="form_refused")
    openai_server.replies = [_complains(openai_server, ("response_format", "extra fields not permitted"))]
    plan, _ = await run(openai_server)
    assert plan.picker == MODEL
    assert "response_format" not in openai_server.requests[-1]
    assert '"first_sentence"' in openai_server.texts_in(openai_server.requests[-1])[0]
    assert plan.cost.provider_calls == 1, "what was refused unread is no call"
    assert sample("clipmill_provider_calls_total", provider="openai", outcome="form_refused") == before + 2


async def test_a_form_that_works_is_kept(run, put, speech, openai_server):
    await put(speech(300))
    openai_server.replies = [_complains(openai_server, ("json_schema", "unknown"))]
    await run(openai_server, part_tokens=2400)
    refused = [body for body in openai_server.requests if "json_schema" in json.dumps(body.get("response_format"))]
    assert len(refused) == 1
    assert len(openai_server.requests) > 4


async def test_models_that_think_get_the_parameters_they_know(run, openai_server):
    openai_server.replies = [
        _complains(
            openai_server,
            ('"max_tokens"', "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
            ('"temperature"', "Unsupported value: 'temperature' does not support 0.4."),
        )
    ]
    plan, _ = await run(openai_server)
    assert plan.picker == MODEL
    body = openai_server.requests[-1]
    assert body["max_completion_tokens"] == 4096
    assert "temperature" not in body
    assert body["response_format"]["type"] == "json_schema"


async def test_a_model_without_a_system_role_gets_the_instruction_with_the_question(run, openai_server):
    openai_server.replies = [_complains(openai_server, ('"role": "system"', "System role not supported"))]
    plan, _ = await run(openai_server)
    assert plan.picker == MODEL
    (message,) = openai_server.requests[-1]["messages"]
    assert message["content"].startswith("You cut short vertical clips")
    assert "1@0 This" in message["content"]


async def test_a_context_that_is_too_small_is_reported_and_not_taken_for_a_form(run, openai_server):
    body = {"error": {"code": 400, "message": "the request exceeds the available context size (4096 tokens)"}}
    openai_server.replies = [openai_server.refuses(400, body)]
    plan, context = await run(openai_server)
    assert plan.picker == "local"
    assert len(openai_server.requests) == 1
    assert context.lines == [
        "The transcript is too long for talker-7b's context (400); give the model a larger context or lower "
        "CLIPMILL_ANALYZER_PART_TOKENS. Clips are picked locally instead."
    ]


async def test_an_account_without_credit_is_not_asked_again(run, openai_server):
    body = {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota."}}
    openai_server.replies = [openai_server.refuses(429, body)]
    plan, context = await run(openai_server)
    assert plan.picker == "local"
    assert context.lines == [
        "talker-7b has no credit left (429); add credit to its account. Clips are picked locally instead."
    ]


async def test_a_failure_reported_with_status_200_is_understood(run_to_the_end, openai_server):
    openai_server.replies = [{"error": {"code": 502, "message": "upstream"}}, openai_server.says(GOOD)]
    plan, lines = await run_to_the_end(openai_server)
    assert plan.picker == MODEL
    assert lines == [
        "talker-7b reported an error on its side (502). Try 1 of 3 failed; the model is asked again later."
    ]


async def test_an_answer_in_pieces_is_read(run, openai_server):
    said = openai_server.says("")
    said["choices"][0]["message"]["content"] = [
        {"type": "text", "text": GOOD[:50]},
        {"type": "text", "text": GOOD[50:]},
    ]
    openai_server.replies = [said]
    plan, _ = await run(openai_server)
    assert plan.picker == MODEL


async def test_an_account_of_tokens_that_makes_no_sense_does_no_harm(run, openai_server):
    said = openai_server.says(GOOD)
    said["usage"] = {"prompt_tokens": -5, "completion_tokens": None}
    openai_server.replies = [said]
    plan, _ = await run(openai_server)
    assert plan.cost == Cost(provider_calls=1)


async def test_an_address_that_is_none_is_refused_with_the_setting_to_correct(run, openai_server):
    plan, context = await run(openai_server, openai_base_url="http://host:port/v1")
    assert plan.picker == "local"
    assert "check CLIPMILL_ANALYZER_OPENAI_BASE_URL" in context.lines[0]
    assert openai_server.requests == []


async def test_a_model_in_the_own_network_costs_nothing_if_its_price_is_not_listed(run, openai_server):
    openai_server.replies = [openai_server.says(GOOD)]
    plan, _ = await run(openai_server)
    assert plan.cost == Cost(provider_calls=1)


async def test_a_model_whose_price_is_listed_costs_that_wherever_it_runs(run, openai_server):
    openai_server.replies = [openai_server.says(GOOD, prompt=1_000_000, answer=0, thoughts=0)]
    plan, _ = await run(openai_server, openai_model="gemini-2.5-flash")
    assert plan.cost == Cost(total_usd=0.3, provider_calls=1)


def test_a_complaint_about_nothing_known_makes_the_form_plainer_until_none_is_left():
    form, outputs = Form(), []
    while form is not None:
        outputs.append(form.output)
        form = form.instead("no")
    assert outputs == [Output.SCHEMA, Output.OBJECT, Output.WORDS]
