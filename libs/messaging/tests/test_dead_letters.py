"""Dead letters on a real server: listed, shown, dropped."""

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import DownloadTask, RenderTask, ScenesTask
from clipmill.messaging.dead_letters import DeadLetter, DeadLetters
from clipmill.messaging.worker import StageWorker

pytestmark = pytest.mark.cluster


@pytest.fixture
def letters(nc):
    return DeadLetters(nc.jetstream(), patience=5)


@pytest.fixture
def keep(shared):
    """Return a function that keeps a task as its worker does when it gives up."""

    async def kept(task):
        letter = DeadLetter(task=task, code=ErrorCode.OUT_OF_MEMORY, sentence="No memory.", attempts=3, at=12.5)
        await shared.publisher.dead_letter(task, letter)
        return letter

    return kept


async def test_a_task_that_is_given_up_is_listed_with_the_reason(working, shared, letters, until):
    async def handler(_task, _context):
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "The file is not a video.")

    task = DownloadTask(job=new_job_id(), file_name="talk.mp4")
    async with working(StageWorker(Stage.DOWNLOAD, handler)):
        await shared.publisher.task(task)

        async def there():
            return bool(await letters.all())

        await until(there)
    (kept,) = await letters.all()
    assert kept.letter.task == task
    assert (kept.letter.code, kept.letter.sentence) == (ErrorCode.UNREADABLE_MEDIA, "The file is not a video.")
    assert (kept.letter.attempts, kept.at) == (1, pytest.approx(kept.letter.at, abs=5))
    assert await letters.get(kept.id) == kept


async def test_letters_come_newest_first_and_can_be_asked_for_by_job(letters, keep):
    job = new_job_id()
    mine = [await keep(task) for task in (ScenesTask(job=job), RenderTask(job=job, number=2))]
    other = await keep(ScenesTask(job=new_job_id()))
    assert [kept.letter for kept in await letters.all()] == [other, *reversed(mine)]
    assert [kept.letter for kept in await letters.all(job)] == [*reversed(mine)]


async def test_a_message_that_nobody_can_decode_is_listed_as_it_came(shared, letters):
    job = new_job_id()
    await shared.publisher.undecodable(b"\xff not json", f"clipmill.task.render.normal.{job}.2")
    (kept,) = await letters.all(job)
    assert (kept.letter, kept.data) == (None, b"\xff not json")
    assert kept.subject == f"clipmill.dead.undecodable.clipmill.task.render.normal.{job}.2"
    assert await letters.all() == [kept]


async def test_a_letter_is_dropped_once(letters, keep):
    for number in (1, 2):
        await keep(RenderTask(job=new_job_id(), number=number))
    newest, oldest = await letters.all()
    await letters.drop(oldest.id)
    assert await letters.all() == [newest]
    for refused in (letters.drop(oldest.id), letters.get(oldest.id)):
        with pytest.raises(Permanent) as caught:
            await refused
        assert caught.value.code is ErrorCode.NOT_FOUND
    await letters.forget(oldest.id)
