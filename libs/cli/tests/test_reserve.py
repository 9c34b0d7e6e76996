"""`clipmill clips` and `clipmill more` against a server that speaks the contract."""

import json

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


async def test_the_clips_and_the_reserve_are_one_table_with_the_reasons(contract_server, clipmill):
    contract, url = contract_server
    contract.explained |= {"clips": [explained(1, "ready")], "reserve": [explained(2, "reserve")]}
    exit_status, out, err = await clipmill("clips", JOB, "--server", url)
    assert (exit_status, err) == (0, "")
    first, second = [line for line in out.splitlines() if "Title" in line]
    for shown in ("1", "ready", "89", "1:02.5", "1:30.0", "Title 1", "Reason 1 with [brackets]."):
        assert shown in first
    assert "reserve" in second
    assert "\x1b" not in out


async def test_the_clips_are_one_json_document_where_that_is_asked_for(contract_server, clipmill):
    contract, url = contract_server
    contract.explained["clips"] = [explained(1, "ready", parts=[{"name": "audience", "points": 89}])]
    exit_status, out, _ = await clipmill("clips", JOB, "--json", "--server", url)
    assert exit_status == 0
    assert json.loads(out)["clips"][0]["parts"] == [{"name": "audience", "points": 89}]


async def test_more_clips_are_asked_for_by_count_or_by_number(contract_server, clipmill):
    contract, url = contract_server
    exit_status, out, _ = await clipmill("more", JOB, "2", "--server", url)
    assert (exit_status, out) == (0, f"Rendering of job {JOB}: 3, 4. `clipmill clips {JOB}` shows the state.\n")
    exit_status, out, _ = await clipmill("more", JOB, "--number", "4", "--number", "3", "--json", "--server", url)
    assert (exit_status, json.loads(out)) == (0, {"job_id": JOB, "numbers": [3, 4]})
    assert contract.wishes == [{"more": 2}, {"numbers": [4, 3]}]


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
