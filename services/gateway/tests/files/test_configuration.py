"""The configuration that pages draw their form from: it names what the parser of options takes, and nothing else."""

import pytest
from clipmill.contracts.failures import Permanent
from clipmill.contracts.options import JobOptions
from clipmill.contracts.server_config import OptionKind
from clipmill.gateway.api.configuration import option_views
from clipmill.gateway.api.options import KNOWN, parse_options, parse_priority

MODELS = ("small", "large-v3")
VIEWS = {view.name: view for view in option_views(MODELS)}
PARSED = [view for view in VIEWS.values() if view.name not in ("priority", "transcript")]
STEP = 0.001


def parsed(**fields):
    options, unknown = parse_options(fields, MODELS)
    assert unknown == ()
    return options


def refused(**fields):
    with pytest.raises(Permanent) as refusal:
        parse_options(fields, MODELS)
    assert refusal.value.code == "bad_option"
    return True


def test_every_option_that_the_parser_knows_is_shown():
    assert VIEWS.keys() == KNOWN | {"transcript"}
    assert {view.name for view in option_views(())} == VIEWS.keys() - {"model"}


@pytest.mark.parametrize(
    "view", [view for view in PARSED if view.kind == OptionKind.CHOICE], ids=lambda view: view.name
)
def test_each_value_of_a_choice_is_taken_and_no_other(view):
    detected = {"auto": None} if view.name == "language" else {}
    for value in view.values:
        assert getattr(parsed(**{view.name: value}), view.name) == detected.get(value, value)
    assert refused(**{view.name: "something else"})


def test_the_values_of_the_priority_are_taken_and_no_other():
    assert [parse_priority({"priority": value}) for value in VIEWS["priority"].values] == ["high", "normal"]
    assert parse_priority({}) == VIEWS["priority"].default


@pytest.mark.parametrize(
    "view", [view for view in PARSED if view.kind in (OptionKind.NUMBER, OptionKind.WHOLE)], ids=lambda view: view.name
)
def test_the_bounds_of_a_number_are_those_of_the_parser(view):
    step = 1 if view.kind == OptionKind.WHOLE else STEP
    if view.name == "end":
        assert parsed(end=view.least + 5).end == 5
    else:
        assert getattr(parsed(**{view.name: view.least}), view.name) == view.least
    assert refused(**{view.name: view.least - step})
    if view.most is not None:
        assert getattr(parsed(**{view.name: view.most}), view.name) == view.most
        assert refused(**{view.name: view.most + step})


@pytest.mark.parametrize("view", [view for view in PARSED if view.kind == OptionKind.TEXT], ids=lambda view: view.name)
def test_the_length_of_a_text_is_that_of_the_parser(view):
    assert parsed(**{view.name: "x" * view.characters})
    assert refused(**{view.name: "x" * (view.characters + 1)})


def test_the_terms_of_a_vocabulary_are_as_many_and_as_long_as_the_parser_takes():
    view = VIEWS["vocabulary"]
    terms = [f"{number:03}".ljust(view.characters, "x") for number in range(int(view.most))]
    assert parsed(vocabulary=terms).vocabulary == tuple(terms)
    assert refused(vocabulary=[*terms, "one"])
    assert refused(vocabulary=[terms[0] + "x"])


@pytest.mark.parametrize("view", PARSED, ids=lambda view: view.name)
def test_the_default_is_that_of_a_job_without_the_option(view):
    default = getattr(JobOptions(), view.name)
    assert (None if view.default == "auto" and view.name == "language" else view.default) == default


async def test_the_configuration_is_served(api):
    answer = await api.get("/api/config")
    body = await answer.json()
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert [option["name"] for option in body["options"]] == list(VIEWS)
    assert (body["models"], body["max_upload_bytes"], body["list_limit"]) == (list(MODELS), 3_000_000, 200)
    (shape,) = [option for option in body["options"] if option["name"] == "output_format"]
    assert shape == {
        "name": "output_format",
        "kind": "choice",
        "default": "vertical",
        "values": ["vertical", "square", "horizontal"],
    }


async def test_health_is_readiness(api):
    for path in ("/health", "/health/ready"):
        answer = await api.get(path)
        assert (answer.status, (await answer.json())["status"]) == (200, "ready")
