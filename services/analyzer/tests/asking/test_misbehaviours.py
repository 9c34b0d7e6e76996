"""Each misbehaviour of a model's server ends as documented, whichever protocol it speaks."""

from pathlib import Path

import pytest
from clipmill.analyzer.asking.provider import CallOutcome
from misbehaviours import misbehaviours
from model_servers import answer_of

PAGE = Path(__file__).parents[4] / "docs" / "guides" / "models.md"
GOOD = answer_of((1, 5), (9, 13), (20, 25))


NAMES = (
    "JSON in a fence|JSON between prose|JSON after its thoughts|a bare list|numbers as texts|invented sentence numbers"
    "|passages that overlap|prose instead of JSON|an empty list|an empty answer|no answer in the answer"
    "|an answer that is cut off|never an answer of use|stops an answer for its content|blocks the prompt"
    "|429 with Retry-After|429 with a pause of an hour|500 once|503 for good|no answer in time|trickles"
    "|resets the connection|closes amid the body|a page instead of JSON|an empty body|JSON of another form"
    "|a list instead of an object|JSON of endless depth|a body without end|a compressed body|401|403|404|a redirect"
).split("|")


def test_no_misbehaviour_is_left_out(model_server):
    assert [case.what for case in misbehaviours(model_server, GOOD)] == NAMES


@pytest.mark.parametrize("what", NAMES)
async def test_a_misbehaviour_ends_as_documented(model_server, run_to_the_end, sample, what):
    (case,) = (case for case in misbehaviours(model_server, GOOD) if case.what == what)
    model_server.replies = case.replies

    def count(outcome):
        return sample("clipmill_provider_calls_total", provider=model_server.kind, outcome=outcome)

    before = {outcome: count(outcome) for outcome in case.outcomes}
    plan, lines = await run_to_the_end(model_server, **case.settings)
    assert lines == case.lines
    assert plan.picker == (model_server.model if case.by_model else "local")
    assert len(plan.clips) == 3
    assert {outcome: count(outcome) - before[outcome] for outcome in before} == case.outcomes
    assert len(model_server.requests) == plan.cost.provider_calls == sum(case.outcomes.values())
    if case.by_model:
        assert [clip.title for clip in plan.clips] == ["From 1", "From 9", "From 20"]


def test_the_page_on_models_names_every_outcome():
    page = PAGE.read_text(encoding="utf-8")
    assert [outcome for outcome in CallOutcome if f"`{outcome}`" not in page] == []
