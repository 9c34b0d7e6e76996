"""`clipmill submit` and `clipmill status` against a server that speaks the contract."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import web

JOB = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / 'näme 🎬 it\'s "quoted".mp4'
    path.write_bytes(b"moving pictures" * 100_000)
    return path


async def test_a_file_is_streamed_with_its_name_and_options(contract_server, clipmill, talk):
    contract, url = contract_server
    options = ("--clips", "5", "--min-seconds", "10.5", "--max-seconds", "30", "--language", "en", "--no-captions")
    options += ("--priority", "high", "--format", "square", "--layout", "split", "--background", "solid", "--hook")
    options += ("--about", "salt, or no salt", "--exclude", "adverts", "--start", "12.5", "--end", "90")
    options += ("--profanity", "mask", "--vocabulary", "Ada, Wozniacki", "--vocabulary", "Grace", "--model", "small")
    status, out, err = await clipmill("submit", talk, "--server", url, *options)

    assert (status, err) == (0, "")
    assert f"Follow it with: clipmill status {JOB} --watch --server {url}" in out
    (submission,) = contract.submissions
    assert submission.pop("headers")["Content-Type"].startswith("multipart/form-data")
    assert submission == {
        "file_name": talk.name,
        "file": talk.read_bytes(),
        "target_clips": "5",
        "clip_min_seconds": "10.5",
        "clip_max_seconds": "30.0",
        "language": "en",
        "captions": "off",
        "output_format": "square",
        "layout": "split",
        "background": "solid",
        "hook": "true",
        "about": "salt, or no salt",
        "exclude": "adverts",
        "start": "12.5",
        "end": "90.0",
        "profanity": "mask",
        "vocabulary": "Ada, Wozniacki\nGrace",
        "model": "small",
        "priority": "high",
    }


@pytest.mark.parametrize("source", ["https://example.org/talk", None])
async def test_a_transcript_goes_as_a_part_of_a_form_before_the_video(contract_server, clipmill, talk, source):
    contract, url = contract_server
    subtitles = talk.with_name("talk.srt")
    subtitles.write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nGood evening.\n")
    status, _, err = await clipmill("submit", source or talk, "--server", url, "--transcript", subtitles)
    assert (status, err) == (0, "")
    (submission,) = contract.submissions
    assert submission.pop("headers")["Content-Type"].startswith("multipart/form-data")
    assert submission.pop("transcript").encode() == subtitles.read_bytes()
    assert submission == ({"url": source} if source else {"file_name": talk.name, "file": talk.read_bytes()})


async def test_a_transcript_that_cannot_be_sent_is_status_2(contract_server, clipmill, talk):
    contract, url = contract_server
    large = talk.with_name("large.srt")
    with large.open("wb") as file:
        file.truncate(8 * 1024 * 1024 + 1)
    for path, sentence in ((talk.with_name("none.srt"), "cannot be read"), (large, "larger than the 8388608 bytes")):
        status, _, err = await clipmill("submit", talk, "--server", url, "--transcript", path)
        assert status == 2
        assert sentence in err
    assert contract.submissions == []


async def test_a_url_goes_as_json_with_only_the_options_that_were_chosen(contract_server, clipmill):
    contract, url = contract_server
    words = ("submit", "https://example.org/talk", "--captions", "Box", "--no-hook")
    status, _, _ = await clipmill(*words, environ={"CLIPMILL_SERVER": url})
    assert status == 0
    (submission,) = contract.submissions
    submission.pop("headers")
    assert submission == {"url": "https://example.org/talk", "captions": "box", "hook": False}


async def test_captions_are_left_to_the_plan_or_always_drawn(contract_server, clipmill):
    contract, url = contract_server
    for style in ("auto", "on"):
        await clipmill("submit", "https://example.org/talk", "--captions", style, "--server", url)
    assert [submission["captions"] for submission in contract.submissions] == ["auto", "on"]


async def test_captions_are_switched_off_either_way(contract_server, clipmill):
    contract, url = contract_server
    for words in (("--no-captions",), ("--captions", "off")):
        await clipmill("submit", "https://example.org/talk", *words, "--server", url)
    assert [submission["captions"] for submission in contract.submissions] == ["off", "off"]


@pytest.mark.parametrize("option", ["--captions", "--format", "--layout", "--background"])
async def test_an_unknown_choice_is_refused_with_the_choices(clipmill, option):
    status, _, err = await clipmill("submit", "https://example.org/talk", option, "zebra")
    assert status == 2
    assert f"Invalid value for '{option}': 'zebra' is not one of '" in err


@pytest.mark.parametrize(
    ("answered", "shown"),
    [
        (
            "The option target_clips must be a whole number from 1 to 15.",
            "The option --clips must be a whole number from 1 to 15.",
        ),
        (
            "The option clip_min_seconds must not be more than clip_max_seconds (30).",
            "The option --min-seconds must not be more than --max-seconds (30).",
        ),
        (
            "The option end must be at least 5 seconds after the start (10).",
            "The option --end must be at least 5 seconds after the start (10).",
        ),
        ("The option captions must be one of: on, bold.", "The option --captions must be one of: on, bold."),
        ("There is no captions model for not_a_field.", "There is no captions model for not_a_field."),
    ],
)
async def test_a_refusal_names_the_flag_and_not_the_field(contract_server, clipmill, answered, shown):
    contract, url = contract_server
    contract.refusal = web.json_response({"detail": answered, "code": "bad_option"}, status=400)
    status, _, err = await clipmill("submit", "https://example.org/talk", "--server", url)
    assert (status, err) == (2, f"Error: {shown}\n")


async def test_waiting_prints_each_log_line_once_and_then_the_clips_best_first(contract_server, clipmill, talk):
    contract, url = contract_server
    status, out, err = await clipmill("submit", talk, "--wait", "--server", url)
    assert (status, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines() if line.strip()]
    assert lines[: len(contract.steps[-1]["logs"])] == contract.steps[-1]["logs"]
    table = [line.split() for line in lines[-2:]]
    assert [row[0] for row in table] == [f"/videos/{JOB}/talk_clip_{number}.mp4" for number in (2, 1)]
    assert table[0][-3:] == ["0:20.0", "0:40.5", "95"]
    assert "\x1b" not in out


@pytest.mark.slow
async def test_json_is_one_document_and_all_that_stands_on_standard_output(contract_server, clipmill_process, talk):
    contract, url = contract_server
    status, out, err = await clipmill_process("submit", talk, "--wait", "--json", "--server", url)
    assert status == 0
    end = contract.steps[-1]
    assert json.loads(out) == {"job_id": JOB, "status": "completed", "logs": end["logs"], "result": end["result"]}
    assert err.splitlines() == end["logs"]


async def test_json_without_waiting_shows_the_present_status(contract_server, clipmill, talk):
    contract, url = contract_server
    status, out, _ = await clipmill("submit", talk, "--json", "--server", url)
    assert status == 0
    assert json.loads(out) == {"job_id": JOB, **contract.steps[0]}


async def test_clips_are_saved_whole_under_their_names_as_soon_as_they_appear(
    contract_server, clipmill, talk, tmp_path
):
    contract, url = contract_server
    contract.broken_downloads = 1
    contract.companions = True
    folder = tmp_path / "new" / "clips"
    status, out, _ = await clipmill("submit", talk, "--output", folder, "--json", "--server", url)
    assert status == 0
    names = [f"talk_clip_{number}.{kind}" for number in (1, 2) for kind in ("jpg", "mp4", "srt", "vtt")]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all((folder / name).read_text() == f"content of {name}" for name in names)
    assert json.loads(out)["files"] == {
        f"/videos/{JOB}/talk_clip_{number}.mp4": str(folder / f"talk_clip_{number}.mp4") for number in (1, 2)
    }


async def test_a_job_that_fails_gives_its_reason_and_status_1(contract_server, clipmill, talk):
    contract, url = contract_server
    contract.steps = [
        {
            "status": "failed",
            "logs": ["Process failed with exit code 1", "Execution error: The file is not a video."],
            "result": None,
        }
    ]
    status, out, err = await clipmill("submit", talk, "--wait", "--server", url)
    assert status == 1
    assert out.splitlines() == contract.steps[-1]["logs"]
    assert err == f"Error: Job {JOB} failed. Execution error: The file is not a video.\n"


async def test_the_failure_of_a_job_is_a_json_document_too(contract_server, clipmill, talk):
    contract, url = contract_server
    contract.steps = [{"status": "failed", "logs": ["Execution error: No."], "result": None}]
    contract.view = {"job_id": JOB, "status": "failed", "error": {"code": "no_video", "sentence": "There is no video."}}
    status, out, err = await clipmill("submit", talk, "--wait", "--json", "--server", url)
    assert status == 1
    assert json.loads(out)["status"] == "failed"
    assert err.endswith("failed. There is no video.\n")


async def test_following_survives_a_server_that_is_away_for_a_while(contract_server, clipmill):
    contract, url = contract_server
    contract.broken_polls = {2, 3}
    status, out, err = await clipmill("status", JOB, "--watch", "--server", url)
    assert status == 0
    assert "Process finished successfully." in out
    assert err.count("The job's status cannot be read now") == 1


async def test_a_refusal_is_the_servers_own_sentence_and_status_2(contract_server, clipmill, talk):
    contract, url = contract_server
    contract.refusal = web.json_response({"detail": "The file is empty."}, status=400)
    status, out, err = await clipmill("submit", talk, "--server", url)
    assert (status, out, err) == (2, "", "Error: The file is empty.\n")


async def test_a_busy_server_says_when_to_come_again_and_status_3(contract_server, clipmill):
    contract, url = contract_server
    contract.refusal = web.json_response({"detail": "The queue is full."}, status=503, headers={"Retry-After": "9"})
    status, _, err = await clipmill("submit", "http://example.org/x", "--server", url)
    assert (status, err) == (3, "Error: The queue is full. Try again in 9 seconds.\n")


async def test_a_server_that_is_not_there_is_a_sentence_and_status_3(clipmill, talk, unused_tcp_port):
    address = f"127.0.0.1:{unused_tcp_port}"
    for arguments in (("submit", talk), ("status", JOB)):
        status, out, err = await clipmill(*arguments, "--server", address)
        assert (status, out) == (3, "")
        assert err.startswith("Error: No clipmill server answers at http://127.0.0.1:")


async def test_something_that_is_no_clipmill_server_is_recognised(contract_server, clipmill):
    contract, url = contract_server
    contract.steps = [{"hello": "world"}]
    status, _, err = await clipmill("status", JOB, "--server", url)
    assert (status, err) == (3, f"Error: The server at {url} is not a clipmill server; check the address.\n")


async def test_an_unknown_job_is_status_2(contract_server, clipmill):
    _, url = contract_server
    status, _, err = await clipmill("status", "11111111-1111-1111-1111-111111111111", "--watch", "--server", url)
    assert (status, err) == (2, "Error: Job not found\n")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere.mp4", "Error: There is no file nowhere.mp4; give a video file or an http(s) URL.\n"),
        (".", "Error: . is not a file; give a video file or an http(s) URL.\n"),
        (
            "ftp://example.org/a.mp4",
            "Error: ftp://example.org/a.mp4 is not an http or https address; give an http(s) URL or a video file.\n",
        ),
    ],
)
async def test_a_source_that_is_neither_file_nor_address_is_status_2(clipmill, source, sentence):
    status, _, err = await clipmill("submit", source)
    assert (status, err) == (2, sentence)


async def test_the_key_travels_in_a_header_and_only_when_asked_for(contract_server, clipmill):
    contract, url = contract_server
    environ = {"GEMINI_API_KEY": "k-123", "CLIPMILL_SERVER": url}
    await clipmill("submit", "http://example.org/x", environ=environ)
    await clipmill("submit", "http://example.org/x", "--gemini-key", environ=environ)
    without, with_key = (submission["headers"] for submission in contract.submissions)
    assert "X-Gemini-Key" not in without
    assert with_key["X-Gemini-Key"] == "k-123"

    status, _, err = await clipmill(
        "submit", "http://a.org/x", "--gemini-key", environ={**environ, "GEMINI_API_KEY": ""}
    )
    assert (status, err) == (2, "Error: GEMINI_API_KEY is not set; set it to the key that --gemini-key should send.\n")


@pytest.mark.slow
async def test_ctrl_c_leaves_the_job_and_says_how_to_follow_it(contract_server):
    contract, url = contract_server
    contract.steps = contract.steps[:2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clipmill.cli", "status", JOB, "--watch", "--server", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Tests that run behind a shell's `&` inherit that interruptions are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 130
    assert err.decode() == (
        f"Job {JOB} continues on the server. Follow it with: clipmill status {JOB} --watch --server {url}\n"
    )


async def test_a_clip_with_a_name_that_leaves_the_folder_stays_in_it(contract_server, clipmill, tmp_path):
    contract, url = contract_server
    end = json.loads(json.dumps(contract.steps[-1]))
    end["result"]["clips"][0]["video_url"] = f"/videos/{JOB}/..%2F..%2Fevil.mp4"
    contract.steps = [end]
    folder = tmp_path / "clips"
    await clipmill("status", JOB, "--output", folder, "--server", url)
    assert not (tmp_path.parent / "evil.mp4").exists()
    assert {path.name for path in folder.iterdir()} <= {"evil.mp4", "talk_clip_2.mp4"}


@pytest.mark.parametrize(
    "server", ["http://user:s3cret/x@host", "http://user:s3cret℀@host", "ftp://user:s3cret@host", "http://s:s3cret@"]
)
async def test_a_malformed_server_is_refused_without_quoting_its_password(clipmill, server):
    status, _, err = await clipmill("status", "some-job", environ={"CLIPMILL_SERVER": server})
    assert status == 2
    assert "is not the address of a server" in err
    assert "s3cret" not in err


async def test_a_server_that_does_not_answer_is_named_without_its_password(clipmill):
    environ = {"CLIPMILL_SERVER": "http://user:s3cret@127.0.0.1:1"}
    _, _, err = await clipmill("status", "some-job", environ=environ)
    assert "http://***@127.0.0.1:1" in err
    assert "s3cret" not in err


@pytest.mark.parametrize("flag", ["--start", "--end", "--min-seconds", "--max-seconds"])
@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
async def test_a_time_that_is_not_finite_is_refused(contract_server, clipmill, talk, flag, value):
    contract, url = contract_server
    exit_status, _, err = await clipmill("submit", talk, f"{flag}={value}", "--server", url)
    assert exit_status == 2
    assert f"{value} is not a number of seconds." in err
    assert contract.submissions == []
