"""`clipmill cancel` and `clipmill delete` against a server that speaks the contract."""

import json

import pytest

JOB = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("command", "code", "status", "sentence"),
    [
        ("cancel", 200, "cancelled", f"Job {JOB} is cancelled."),
        (
            "cancel",
            202,
            "cancelling",
            f"Job {JOB} is being cancelled; `clipmill status` will show the end in a moment.",
        ),
        ("cancel", 200, "completed", f"Job {JOB} stays completed; its clips that were not ready are cancelled."),
        ("delete", 200, "deleted", f"Job {JOB} and its clips are deleted."),
    ],
)
async def test_the_end_of_a_job_is_printed_as_a_sentence_or_as_json(
    contract_server, clipmill, command, code, status, sentence
):
    contract, url = contract_server
    contract.ending = code, {"job_id": JOB, "status": status}
    assert await clipmill(command, JOB, "--server", url) == (0, f"{sentence}\n", "")
    exit_status, out, _ = await clipmill(command, JOB, "--json", "--server", url)
    assert (exit_status, json.loads(out)) == (0, {"job_id": JOB, "status": status})
    assert contract.endings == [command, command]


async def test_a_job_that_cannot_be_ended_so_is_the_servers_sentence_and_status_2(contract_server, clipmill):
    contract, url = contract_server
    sentence = "The job has already completed; delete it to remove its files."
    contract.ending = 409, {"detail": sentence, "code": "already_ended"}
    assert await clipmill("cancel", JOB, "--server", url) == (2, "", f"Error: {sentence}\n")
    contract.ending = 404, {"detail": "Job not found"}
    assert await clipmill("delete", JOB, "--server", url) == (2, "", "Error: Job not found\n")


async def test_a_server_that_cannot_end_it_now_is_status_3(contract_server, clipmill, unused_tcp_port):
    contract, url = contract_server
    contract.ending = 503, {"detail": "The message server does not answer."}
    assert (await clipmill("cancel", JOB, "--server", url))[0] == 3
    exit_status, _, err = await clipmill("delete", JOB, "--server", f"127.0.0.1:{unused_tcp_port}")
    assert exit_status == 3
    assert err.startswith("Error: No clipmill server answers at")
