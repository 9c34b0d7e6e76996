"""The public contract's own examples, field for field."""

import json
from pathlib import Path

import msgspec
import pytest
from clipmill.contracts import codec, log_lines
from clipmill.contracts.documents import Origin
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import PublicStatus

EXAMPLES = Path(__file__).parent / "examples"
JOB = JobId("550e8400-e29b-41d4-a716-446655440000")


def example(name: str) -> dict[str, object]:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["queued", "processing", "completed", "failed"])
def test_an_example_of_the_contract_survives_our_types_field_for_field(name):
    given = example(name)
    status = msgspec.convert(given, PublicStatus)
    again = json.loads(codec.encode(status))
    assert again == given
    assert list(again) == list(given), "in the same order"
    if given["result"]:
        assert [list(clip) for clip in again["result"]["clips"]] == [list(clip) for clip in given["result"]["clips"]]


def test_our_log_lines_are_the_contracts_to_the_letter():
    assert example("processing")["logs"] == [
        log_lines.queued(JOB),
        log_lines.STARTED,
        log_lines.DOWNLOADING[Origin.YOUTUBE],
        log_lines.TRANSCRIBING,
        log_lines.DETECTING,
        log_lines.ANALYZING_WITH_GEMINI,
    ]
    assert example("completed")["logs"][-1] == log_lines.FINISHED
    assert example("failed")["logs"][-2:] == [
        log_lines.FAILED,
        log_lines.execution_error("yt-dlp download failed"),
    ]


def test_every_message_and_document_has_a_json_schema():
    definitions = codec.json_schema()["$defs"]
    assert {"Task", "Event", "MediaFacts", "Transcript", "Scenes", "Plan", "PublicStatus"} <= definitions.keys()
    assert set(definitions["PublicStatus"]["properties"]) == {"status", "logs", "result"}
    assert msgspec.json.decode(msgspec.json.encode(definitions)).keys() == definitions.keys()
