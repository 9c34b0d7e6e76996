"""`clipmill dead-letters` on a real NATS server."""

import json

import pytest
from clipmill.cli.local.data_folder import DataFolder, RunningState
from clipmill.contracts.events import Failed, Queued
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.tasks import DownloadTask, RenderTask
from clipmill.messaging.dead_letters import DeadLetter
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.topology import INTAKE


@pytest.fixture
def environ(nats_server, tmp_path):
    """Return an environment with a NATS server, and a data folder on which nothing runs."""
    return {"CLIPMILL_NATS_URL": nats_server.url, "CLIPMILL_STORE_URL": "", "XDG_DATA_HOME": str(tmp_path)}


@pytest.fixture
async def given_up(nc):
    """Return a function that gives a task up as a worker does, and returns its job."""
    publisher = Publisher(nc)

    async def give_up(task):
        await publisher.event(Queued(job=task.job, source="talk.mp4", upload=True))
        letter = DeadLetter(
            task=task, code=ErrorCode.UNREADABLE_MEDIA, sentence="The file is not\x1b[31m a video.", attempts=2, at=12.5
        )
        await publisher.dead_letter(task, letter)
        await publisher.event(
            Failed(job=task.job, stage=task.stage, code=ErrorCode.UNREADABLE_MEDIA, sentence=letter.sentence)
        )
        return task.job

    return give_up


async def test_letters_are_listed_for_people_and_for_machines(clipmill, environ, given_up, nc):
    status, out, _ = await clipmill("dead-letters", "list", environ=environ)
    assert (status, out) == (0, "There are no dead letters.\n")
    job = await given_up(DownloadTask(job=new_job_id(), file_name="talk.mp4"))
    other = await given_up(RenderTask(job=new_job_id(), number=2))
    await Publisher(nc).undecodable(b"{", f"clipmill.task.scenes.normal.{job}")
    status, out, _ = await clipmill("dead-letters", "list", environ=environ)
    lines = [line.split() for line in out.splitlines() if job in line or other in line]
    assert status == 0
    assert "\x1b" not in out
    assert [line[3] for line in lines] == [job, other, job]
    assert lines[1][4:9] == ["render", "clip", "2", "2", "unreadable_media"]
    status, out, _ = await clipmill("dead-letters", "list", "--json", "--job", job, environ=environ)
    unknown, letter = json.loads(out)
    assert (letter["stage"], letter["attempts"], letter["task"]["file_name"]) == ("download", 2, "talk.mp4")
    assert (unknown["stage"], unknown["message"]) == (None, "{")


async def test_one_letter_is_shown_with_its_task_and_dropped(clipmill, environ, given_up):
    job = await given_up(RenderTask(job=new_job_id(), number=2))
    _, out, _ = await clipmill("dead-letters", "list", "--json", environ=environ)
    number = json.loads(out)[0]["id"]
    status, out, _ = await clipmill("dead-letters", "show", number, environ=environ)
    assert status == 0
    assert "render clip 2" in out
    assert '"number": 2' in out
    status, out, _ = await clipmill("dead-letters", "drop", "--job", job, environ=environ)
    assert (status, out) == (0, "1 dead letter is dropped.\n")
    status, _, err = await clipmill("dead-letters", "show", number, environ=environ)
    assert status == 2
    assert err == (
        f"Error: There is no dead letter {number}; if there was one, it was retried or dropped, or it has expired. "
        "List the dead letters with `clipmill dead-letters list`.\n"
    )


async def test_a_job_is_retried(clipmill, environ, given_up, nc, tmp_path):
    environ["CLIPMILL_STORE_URL"] = tmp_path.as_uri()
    job = await given_up(DownloadTask(job=new_job_id(), file_name="talk.mp4"))
    status, out, _ = await clipmill("dead-letters", "retry", "--job", job, "--fresh", environ=environ)
    assert (status, out) == (0, f"Work on job {job} starts again (generation 1); 1 dead letter is removed.\n")
    message = await nc.jetstream().get_last_msg(INTAKE, f"clipmill.task.download.normal.{job}")
    assert json.loads(message.data)["generation"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("retry",), "give an ID or --job, not both."),
        (("drop", "1", "--job", "x"), "give an ID or --job, not both."),
        (("list", "--job", "x"), "A job id is a UUID such as"),
        (
            ("list", "--data", "/nowhere"),
            "No `clipmill up` runs on /nowhere; start it with `clipmill up --data /nowhere`.",
        ),
    ],
)
async def test_a_wrong_request_is_refused(clipmill, environ, nc, words, sentence):
    assert nc.is_connected
    status, _, err = await clipmill("dead-letters", *words, environ=environ)
    assert status == 2
    assert sentence in err


async def test_what_runs_on_this_machine_is_found_without_a_variable(clipmill, nc, nats_server, given_up, tmp_path):
    job = await given_up(DownloadTask(job=new_job_id(), file_name="talk.mp4"))
    folder = DataFolder(tmp_path / "clipmill")
    folder.path.mkdir()
    state = RunningState(pid=1, url="http://x", nats_url=nats_server.url, store_url=tmp_path.as_uri(), ports={})
    folder.write_state(state)
    for words in ((), ("--data", folder.path)):
        environ = {"CLIPMILL_NATS_URL": "", "XDG_DATA_HOME": str(folder.path.parent if not words else tmp_path / "x")}
        status, out, _ = await clipmill("dead-letters", "list", *words, environ=environ)
        assert status == 0
        assert job in out
