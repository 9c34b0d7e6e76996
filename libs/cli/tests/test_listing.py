"""`clipmill jobs` against a server that speaks the contract."""

import json

JOB = "550e8400-e29b-41d4-a716-446655440000"
LISTED = {
    "job_id": JOB,
    "status": "processing",
    "percent": 40,
    "clips_ready": 1,
    "created": 1764000000.0,
    "source": "talk's [end].mp4",
    "stage": "render",
}


async def test_the_jobs_are_listed_with_their_status(contract_server, clipmill):
    contract, url = contract_server
    contract.listed = [LISTED]
    exit_status, out, err = await clipmill("jobs", "--server", url)
    assert (exit_status, err) == (0, "")
    for shown in (JOB, "processing", "40 %", "talk's [end].mp4"):
        assert shown in out
    assert contract.list_queries == [{}]


async def test_a_list_is_narrowed_and_goes_on_where_another_ended(contract_server, clipmill):
    contract, url = contract_server
    contract.listed, contract.next_page = [LISTED], "cursor"
    exit_status, out, _ = await clipmill("jobs", "--status", "failed", "--limit", "1", "--before", "x", "--server", url)
    assert exit_status == 0
    assert "--before cursor" in out
    assert contract.list_queries == [{"status": "failed", "limit": "1", "before": "x"}]


async def test_the_list_is_one_json_document_where_that_is_asked_for(contract_server, clipmill):
    contract, url = contract_server
    contract.listed = [LISTED]
    exit_status, out, _ = await clipmill("jobs", "--json", "--server", url)
    assert exit_status == 0
    assert json.loads(out)["jobs"][0]["job_id"] == JOB
