"""`python -m clipmill.analyzer pick` answers each line of documents with the clips of a plan, without servers."""

import asyncio
import io
import json
import re
import sys

import msgspec
import numpy as np
import pytest
from clipmill.analyzer.pick_command import answer
from clipmill.analyzer.talk.audience import NUMBERS, bundled
from clipmill.artifacts import layout
from clipmill.contracts.codec import encode
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask
from structlog.testing import capture_logs

pytestmark = pytest.mark.slow

PATIENCE = 60.0
NOWHERE = {"CLIPMILL_NATS_URL": "nats://127.0.0.1:1", "CLIPMILL_STORE_URL": "s3://nowhere/at-all"}


def line_of(talk, **options):
    parts = {"media": talk.media, "transcript": talk.transcript, "scenes": talk.scenes, "options": options}
    return msgspec.json.encode(parts) + b"\n"


async def start(*arguments, **environment):
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clipmill.analyzer", "pick", *arguments),
        env={**NOWHERE, **environment},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )


async def test_every_line_has_its_answer_in_order_and_a_bad_one_ends_nothing(make_talk):
    lines = [
        line_of(make_talk(1), target_clips=3),
        b"nonsense\n",
        b"\n",
        line_of(make_talk(2), target_clips=2),
        b'{"media": 1}',
    ]
    process = await start()
    said, errors = await asyncio.wait_for(process.communicate(b"".join(lines)), PATIENCE)
    answers = [json.loads(line) for line in said.splitlines()]
    assert [list(each) for each in answers] == [
        ["clips", "reserve"],
        ["error"],
        ["error"],
        ["clips", "reserve"],
        ["error"],
    ]
    assert [len(answers[at]["clips"]) for at in (0, 3)] == [3, 2]
    assert [answers[at]["error"]["code"] for at in (1, 2, 4)] == ["bad_request"] * 3
    assert process.returncode == 0
    assert errors == b""


async def test_an_answer_comes_before_the_next_line_is_asked_for(make_talk):
    process = await start()
    for number in (1, 2):
        process.stdin.write(line_of(make_talk(number)))
        await process.stdin.drain()
        assert b"clips" in await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_when_nobody_reads_the_answers_the_run_ends_silently(make_talk):
    process = await start()
    process._transport.get_pipe_transport(1).close()  # asyncio has no other way to stop reading
    process.stdin.write(line_of(make_talk(1)))
    assert await asyncio.wait_for(process.wait(), PATIENCE) == 1
    assert await process.stderr.read() == b""


async def test_a_setting_that_cannot_be_used_has_its_own_exit_status():
    process = await start(CLIPMILL_ANALYZER_PART_TOKENS="few")
    _, errors = await asyncio.wait_for(process.communicate(b""), PATIENCE)
    assert process.returncode == 2
    assert b"CLIPMILL_ANALYZER_PART_TOKENS" in errors


async def test_a_setting_under_its_earlier_name_is_warned_about_at_the_start():
    process = await start(CLIPMILL_ANALYZER_GEMINI_PATIENCE_SECONDS="7", CLIPMILL_LOG_FORMAT="json")
    _, errors = await asyncio.wait_for(process.communicate(b""), PATIENCE)
    (warning,) = [json.loads(line) for line in errors.splitlines()]
    assert (warning["level"], warning["message"]) == ("warning", "renamed_setting")
    assert "CLIPMILL_ANALYZER_GEMINI_PATIENCE_SECONDS" in warning["sentence"]
    assert "CLIPMILL_ANALYZER_PROVIDER_PATIENCE_SECONDS" in warning["sentence"]


def weights_for(word):
    """Return a data file of a model for which only one word moves an audience."""
    data = io.BytesIO()
    np.savez(
        data,
        vocabulary=np.frombuffer(word.encode(), dtype=np.uint8),
        weights=np.array([100], np.int8),
        scale=np.float64(1.0),
        numbers=np.zeros(NUMBERS),
        bias=np.float64(-6.0),
    )
    return data.getvalue()


def talk_about(word, place, length=600.0):
    """Return the documents of a dull talk, one sentence of which has a word that no other has."""
    words = []
    for number in range(int(length) // 5):
        texts = ["The", "people", "that", "we", "have", "there", "are", "out", "for", "it."]
        texts[1] = word if number == place else "people"
        for index, text in enumerate(texts):
            start = number * 5 + index * 0.45
            words.append({"text": text, "start": start, "end": start + 0.4})
    segment = {"text": "", "start": 0.0, "end": length, "words": words}
    origin = {"title": "t", "stem": "t", "container": "mp4", "size_bytes": 1, "origin": "upload"}
    documents = {
        "media": {**origin, "duration": length, "video": {"codec": "h264", "width": 2, "height": 2}},
        "transcript": {"language": "en", "duration": length, "segments": [segment]},
        "scenes": {"shots": [{"start": 0, "end": length}], "detector": "d", "frame_rate": 25.0},
        "options": {"target_clips": 1},
    }
    return json.dumps(documents).encode() + b"\n"


async def first_clip(*arguments, place, **environment):
    process = await start(*arguments, **environment)
    said, errors = await asyncio.wait_for(process.communicate(talk_about("walrus", place)), PATIENCE)
    assert process.returncode == 0, errors.decode()
    (clip,) = json.loads(said)["clips"]
    return clip


@pytest.mark.parametrize("place", [20, 70, 100])
async def test_another_model_of_audiences_can_be_tried(tmp_path, place):
    weights = tmp_path / "weights.npz"
    weights.write_bytes(weights_for("walrus"))
    clip = await first_clip("--weights", str(weights), place=place)
    assert clip["start"] <= place * 5 + 1
    assert place * 5 + 4 <= clip["end"]


async def test_the_model_of_audiences_can_be_switched_off(tmp_path):
    weights = tmp_path / "weights.npz"
    weights.write_bytes(weights_for("walrus"))
    chosen = {
        place: (await first_clip("--weights", str(weights), place=place, CLIPMILL_ANALYZER_AUDIENCE="false"))["start"]
        for place in (20, 100)
    }
    assert not all(start <= place * 5 + 1 and place * 5 + 4 <= start + 60 for place, start in chosen.items())


async def test_a_file_that_holds_no_model_is_named(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"nothing")
    process = await start("--weights", str(tmp_path / "weights.npz"))
    _, errors = await asyncio.wait_for(process.communicate(b""), PATIENCE)
    assert process.returncode == 2
    assert b"does not hold a model of audiences" in errors


@pytest.mark.parametrize(("wanted", "shortest"), [(3, 15.0), (15, 5.0)])
async def test_the_clips_are_those_that_the_service_stores_to_the_byte(run, job, wanted, shortest):
    store, job_id = job
    options = JobOptions(target_clips=wanted, clip_min_seconds=shortest)
    plan, _ = await run(operator_key=None, task=AnalyzeTask(job=job_id, options=options))
    keys = {"media": layout.media(job_id), "transcript": layout.transcript(job_id), "scenes": layout.scenes(job_id)}
    documents = {name: msgspec.Raw(await store.get_bytes(key)) for name, key in keys.items()}
    said = answer(msgspec.json.encode({**documents, "options": options}), bundled())
    assert msgspec.json.encode(said).startswith(b'{"clips":[{"number":1,"start":')
    assert encode(plan).startswith(msgspec.json.encode({"clips": said.clips}).removesuffix(b"}"))
    assert msgspec.json.encode({"reserve": said.reserve})[1:-1] in encode(plan)


def refusal(line):
    return answer(line).error


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        ("media", "duration", 0.0, "media.duration must be at least 0.001"),
        ("media", "duration", -1.0, "media.duration must be at least 0.001"),
        ("media", "duration", 1e-300, "media.duration must be at least 0.001"),
        ("media", "duration", 0.0009999, "media.duration must be at least 0.001"),
        ("media", "duration", 1e9, "at most 604800 seconds"),
        ("options", "target_clips", 0, "options.target_clips must be 1 to 15"),
        ("options", "target_clips", 16, "options.target_clips must be 1 to 15"),
        ("options", "clip_min_seconds", 4.9, "options.clip_min_seconds must be at least 5"),
        ("options", "clip_min_seconds", 61.0, "and the first must not exceed the second"),
        ("options", "clip_max_seconds", 181.0, "at most 180"),
        ("options", "start", -0.1, "options.start must not be negative"),
        ("options", "captions", "loud", "Invalid enum value 'loud' - at `$.options.captions`"),
    ],
)
def test_a_value_that_no_stage_stores_is_named(make_talk, part, name, value, sentence):
    documents = json.loads(line_of(make_talk(1)))
    documents[part][name] = value
    problem = refusal(json.dumps(documents).encode())
    assert problem.code == "bad_request"
    assert sentence in problem.sentence


def test_a_part_of_a_source_is_planned_alone(make_talk):
    talk = make_talk(1)
    clips = answer(line_of(talk, start=60, end=150.5, target_clips=3)).clips
    assert len(clips) == 3
    assert all(60 <= clip.start < clip.end <= 150.5 for clip in clips)


def test_a_part_that_the_source_lacks_has_the_code_of_a_job(make_talk):
    talk = make_talk(1)
    problem = refusal(line_of(talk, start=talk.media.duration + 1))
    assert problem.code == "bad_range"
    assert problem.sentence.endswith("choose an earlier start.")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_a_duration_that_is_no_finite_number_is_refused(make_talk, number):
    line = re.sub(rb'("media":.*?"duration":)[^,]+', rb"\g<1>" + number.encode(), line_of(make_talk(1)))
    assert f'"duration":{number},'.encode() in line
    assert refusal(line).code == "bad_request"


def test_the_shortest_source_is_one_clip_of_some_length():
    origin = {"title": "t", "stem": "t", "container": "mp4", "size_bytes": 1, "origin": "upload"}
    documents = {
        "media": {**origin, "duration": 0.001, "video": {"codec": "h264", "width": 2, "height": 2}},
        "transcript": {"language": "", "duration": 0.0},
        "scenes": {"shots": [{"start": 0, "end": 0.001}], "detector": "d", "frame_rate": 25.0},
    }
    (clip,) = answer(json.dumps(documents).encode()).clips
    assert (clip.start, clip.end) == (0.0, 0.001)


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"{}", b'{"media": "\xff"}', b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"\x00" * 100],
    ids=["empty", "a list", "nothing in it", "no UTF-8", "too deep", "zeros"],
)
def test_a_line_without_the_documents_of_a_job_is_refused(line):
    problem = refusal(line)
    assert problem.code == "bad_request"
    assert problem.sentence.startswith("The line does not hold the documents of a job: ")
    assert problem.sentence.endswith(".")
    assert not problem.sentence.endswith("..")


def test_documents_that_break_the_picking_are_an_internal_error(make_talk):
    documents = json.loads(line_of(make_talk(1)))
    documents["scenes"]["shots"] = [{"start": 1e308, "end": 1e308}] * 2
    with capture_logs() as logs:
        assert refusal(json.dumps(documents).encode()).code == "internal"
    assert [(each["event"], each["exc_info"]) for each in logs] == [("line_failed", True)]
