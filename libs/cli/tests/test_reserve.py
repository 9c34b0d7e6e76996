"""`clipmill clips` and `clipmill more` against a server that speaks the contract."""

import asyncio
import io
import json
import signal
import sys

import msgspec
import pytest
from clipmill.cli.client import following
from clipmill.cli.screen.clip_table import print_explained
from clipmill.contracts.api import ClipView
from rich.cells import cell_len

JOB = "550e8400-e29b-41d4-a716-446655440000"


def explained(number, state, **more):
    return {
        "number": number,
        "rank": number,
        "state": state,
        "start": 62.5,
        "end": 90.0,
        "title": f"Title {number}\x1b[31m",
        "score": 90 - number,
        "reason": f"Reason {number} with [brackets].",
        **more,
    }


async def test_the_clips_and_the_reserve_are_a_block_of_lines_each_where_there_is_no_terminal(
    contract_server, clipmill
):
    contract, url = contract_server
    parts = [{"name": "base", "points": 92}, {"name": "order", "points": -3}]
    failure = {"code": "out_of_memory", "sentence": "No memory."}
    contract.explained |= {
        "clips": [explained(1, "ready", parts=parts, good=True), explained(2, "failed", error=failure)],
        "reserve": [explained(3, "reserve", reason="Long words. " * 20)],
    }
    exit_status, out, err = await clipmill("clips", JOB, "--server", url)
    assert (exit_status, err) == (0, "")
    first, second, third = out.split("\n\n")
    assert first.splitlines() == [
        "clip 1: ready, score 89 (good), 1:02.5 to 1:30.0",
        "  title   Title 1 [31m",
        "  reason  Reason 1 with [brackets].",
        "  parts   base 92, order -3",
    ]
    assert second.splitlines()[0] == "clip 2: failed, score 88, 1:02.5 to 1:30.0"
    assert second.splitlines()[-1] == "  error   No memory."
    assert third.startswith("clip 3: reserve")
    assert max(map(len, out.splitlines())) <= 100
    assert "\x1b" not in out


def test_wide_characters_take_two_columns_of_a_block():
    title = "字" * 60 + " " + "word " * 30
    clip = msgspec.convert(explained(1, "ready") | {"title": title}, ClipView)
    out = io.StringIO()
    print_explained((clip,), out)
    lines = out.getvalue().splitlines()
    assert max(map(cell_len, lines)) in (99, 100)
    assert "".join(out.getvalue().split()).count("字") == 60


def test_the_clips_are_a_table_as_wide_as_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "dumb")
    clip = msgspec.convert(explained(1, "rendering", reason="Long words. " * 20), ClipView)
    terminal = Terminal()
    print_explained((clip,), terminal)
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 90
    [row] = [line for line in lines if "rendering" in line]
    for shown in ("89", "1:02.5", "1:30.0", "Title 1", "Long words."):
        assert shown in row


def test_the_table_marks_good_clips_and_says_why_one_failed(monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "dumb")
    failure = {"code": "out_of_memory", "sentence": "No memory."}
    described = explained(1, "ready", good=True), explained(2, "failed", good=False, error=failure)
    terminal = Terminal()
    print_explained(tuple(msgspec.convert(one, ClipView) for one in described), terminal)
    rows = {state: line for line in terminal.getvalue().splitlines() for state in ("ready", "failed") if state in line}
    assert "89 good" in rows["ready"]
    assert "88 good" not in rows["failed"]
    assert "No memory." in rows["failed"]


class Terminal(io.StringIO):
    """A terminal that remembers what it shows."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "; it is queued"),
        ("processing", "; it is processing"),
        ("failed", "; it has failed"),
        ("completed", "; it has completed"),
        ("cancelled", "; it was cancelled"),
        ("", ""),
    ],
)
async def test_a_job_without_a_plan_has_no_clips(contract_server, clipmill, status, words):
    contract, url = contract_server
    contract.explained["status"] = status
    assert await clipmill("clips", JOB, "--server", url) == (0, f"Job {JOB} has no clips{words}.\n", "")


async def test_the_clips_are_one_json_document_where_that_is_asked_for(contract_server, clipmill):
    contract, url = contract_server
    contract.explained["clips"] = [explained(1, "ready", parts=[{"name": "audience", "points": 89}])]
    exit_status, out, _ = await clipmill("clips", JOB, "--json", "--server", url)
    assert exit_status == 0
    assert json.loads(out)["clips"][0]["parts"] == [{"name": "audience", "points": 89}]


async def test_more_clips_are_asked_for_by_count_or_by_number(contract_server, clipmill):
    contract, url = contract_server
    exit_status, out, _ = await clipmill("more", JOB, "2", "--server", url)
    assert exit_status == 0
    assert out == (
        f"Rendering of job {JOB}: 3, 4. `clipmill clips {JOB} --server {url}` shows the state; "
        f"`clipmill status {JOB} --output DIR --server {url}` saves what is ready.\n"
    )
    exit_status, out, _ = await clipmill("more", JOB, "--number", "4", "--number", "3", "--json", "--server", url)
    assert (exit_status, json.loads(out)) == (0, {"job_id": JOB, "numbers": [3, 4]})
    assert contract.wishes == [{"more": 2}, {"numbers": [4, 3]}]


def rendered(number, state="ready", **more):
    url = f"/videos/{JOB}/talk_clip_{number}.mp4" if state == "ready" else None
    return explained(number, state, url=url, **more)


async def test_more_clips_are_followed_and_saved(contract_server, clipmill, tmp_path):
    contract, url = contract_server
    first = explained(1, "ready", url=f"/videos/{JOB}/talk_clip_1.mp4")
    contract.listings = [
        [first],
        [first, explained(3, "rendering"), explained(4, "rendering")],
        [first, rendered(3), explained(4, "rendering")],
        [first, rendered(3), rendered(4)],
    ]
    exit_status, out, err = await clipmill("more", JOB, "2", "--output", str(tmp_path), "--server", url)
    assert (exit_status, err) == (0, "")
    assert out.startswith(f"Rendering of job {JOB}: 3, 4.\nClip 3 ready: Title 3 [31m\n")
    assert out.index("Clip 3 ready") < out.index("Clip 4 ready") < out.index("clip 3: ready, score 87")
    assert "clip 1:" not in out
    saved = {"talk_clip_3.mp4", "talk_clip_4.mp4"}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        name: f"content of {name}".encode() for name in saved
    }
    assert all(f"Saved {tmp_path / name}\n" in out for name in saved)


async def test_more_clips_that_are_waited_for_are_one_json_document(contract_server, clipmill, tmp_path):
    contract, url = contract_server
    contract.listings = [[rendered(3), rendered(4)]]
    words = ("more", JOB, "2", "--wait", "--json", "--server", url)
    exit_status, out, err = await clipmill(*words)
    report = json.loads(out)
    assert (exit_status, report["numbers"], [clip["state"] for clip in report["clips"]]) == (0, [3, 4], ["ready"] * 2)
    assert "files" not in report
    assert "Clip 4 ready" in err
    _, out, _ = await clipmill(*words, "--output", str(tmp_path))
    name = "talk_clip_3.mp4"
    assert json.loads(out)["files"][f"/videos/{JOB}/{name}"] == str(tmp_path / name)


async def test_a_wanted_clip_that_fails_is_a_failure_of_the_command(contract_server, clipmill):
    contract, url = contract_server
    failure = {"code": "out_of_memory", "sentence": "No memory was left."}
    contract.listings = [[rendered(3), rendered(4, "failed", error=failure)]]
    exit_status, out, err = await clipmill("more", JOB, "2", "--wait", "--server", url)
    assert (exit_status, err) == (1, "Error: Clip 4 failed. No memory was left.\n")
    assert "clip 4: failed" in out


@pytest.mark.parametrize("listed", [True, False], ids=["listed before", "never listed"])
@pytest.mark.parametrize(
    ("reserve", "sentence"),
    [
        ([explained(4, "reserve")], "Clip 4 is in the reserve again and is not rendered; ask for it again."),
        ([], "The job has no clip 4 any more; `clipmill clips {job} --server {url}` lists the clips that it has."),
    ],
)
async def test_a_wanted_clip_that_the_job_does_not_list_any_more_ends_the_wait(
    contract_server, clipmill, monkeypatch, reserve, sentence, listed
):
    monkeypatch.setattr(following, "LISTING_SECONDS", 0.1)
    contract, url = contract_server
    contract.explained |= {"status": "completed", "reserve": reserve}
    contract.listings = [*([[explained(3, "rendering"), explained(4, "rendering")]] if listed else []), [rendered(3)]]
    async with asyncio.timeout(20):
        exit_status, out, err = await clipmill("more", JOB, "2", "--wait", "--server", url)
    assert (exit_status, err) == (1, f"Error: {sentence.format(job=JOB, url=url)}\n")
    assert "clip 3: ready" in out


@pytest.mark.parametrize("status", ["completed", "processing"])
async def test_a_wanted_clip_that_is_not_listed_at_once_is_waited_for(contract_server, clipmill, monkeypatch, status):
    monkeypatch.setattr(following, "LISTING_SECONDS", 60.0 if status == "completed" else 0.1)
    contract, url = contract_server
    contract.explained |= {"status": status, "reserve": [explained(4, "reserve")]}
    contract.listings = [[], [], [rendered(3)], [rendered(3), rendered(4)]]
    assert (await clipmill("more", JOB, "2", "--wait", "--server", url))[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("accepted", [True, False])
async def test_ctrl_c_says_how_to_see_the_clips(contract_server, accepted):
    contract, url = contract_server
    contract.listings = [[explained(3, "rendering")]]
    contract.silent_wishes = not accepted
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "clipmill.cli", "more", JOB, "2", "--wait", "--server", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Tests that run behind a shell's `&` inherit that interruptions are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    async with asyncio.timeout(60):
        while not contract.wishes:
            await asyncio.sleep(0.05)
        if accepted:
            await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    shown = f"`clipmill clips {JOB} --server {url}`"
    if accepted:
        sentence = f"The server goes on with the clips of job {JOB} that it accepted; {shown} shows their state."
    else:
        sentence = f"Interrupted before the server answered; {shown} shows whether it renders the clips."
    assert (process.returncode, err.decode()) == (130, sentence + "\n")


async def test_a_server_that_is_away_for_a_moment_does_not_end_the_wait(contract_server, clipmill):
    contract, url = contract_server
    contract.listings = [None, [rendered(3), rendered(4)]]
    exit_status, out, err = await clipmill("more", JOB, "2", "--wait", "--server", url)
    assert exit_status == 0
    assert "Clip 4 ready" in out
    assert err == "The job's status cannot be read now (status 503); trying again.\n"


async def test_a_request_without_or_with_both_of_them_is_not_sent(contract_server, clipmill):
    contract, url = contract_server
    for words in ((), ("2", "--number", "3"), ("0",)):
        exit_status, _, err = await clipmill("more", JOB, *words, "--server", url)
        assert exit_status == 2
        assert "Error: " in err
    assert contract.wishes == []


async def test_a_refusal_is_the_server_s_sentence(contract_server, clipmill, unused_tcp_port):
    contract, url = contract_server
    contract.more = 409, {"detail": "The reserve has no more clips; submit it again.", "code": "reserve_empty"}
    refusal = "Error: The reserve has no more clips; submit it again.\n"
    assert await clipmill("more", JOB, "1", "--server", url) == (2, "", refusal)
    assert await clipmill("clips", "x", "--server", url) == (2, "", "Error: Job not found\n")
    for words in (("more", JOB, "1"), ("clips", JOB)):
        exit_status, _, err = await clipmill(*words, "--server", f"127.0.0.1:{unused_tcp_port}")
        assert exit_status == 3
        assert err.startswith("Error: No clipmill server answers at")


async def test_a_request_is_repeated_once_with_its_key_when_the_server_cannot_answer_yet(contract_server, clipmill):
    contract, url = contract_server
    contract.broken_wishes = 1
    exit_status, out, _ = await clipmill("more", JOB, "2", "--server", url)
    assert (exit_status, out.split(".")[0]) == (0, f"Rendering of job {JOB}: 3, 4")
    first, second = contract.wish_keys
    assert first == second is not None
    contract.broken_wishes = 2
    exit_status, _, err = await clipmill("more", JOB, "2", "--server", url)
    assert (exit_status, err) == (3, "Error: The job does not show the request yet.\n")
    assert len(set(contract.wish_keys)) == 2, "the next command is another request"
