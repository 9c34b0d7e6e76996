import pytest
from clipmill.artifacts import documents, layout
from clipmill.contracts.documents import Segment, Transcript, Word
from clipmill.contracts.events import Failed
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import new_job_id


def segment(text, start, speaker=""):
    words = tuple(
        Word(text=word, start=start + 0.5 * number, end=start + 0.5 * number + 0.4)
        for number, word in enumerate(text.split())
    )
    return Segment(text=text, start=start, end=words[-1].end, words=words, speaker=speaker)


TRANSCRIPT = Transcript(
    language="en", duration=30.0, segments=(segment("Is 1 < 2?", 1.0, "A"), segment("It is.", 4.0, "B"))
)


@pytest.fixture
async def transcript_url(submit, store):
    job = await submit()
    await documents.save_once(store, layout.transcript(job), TRANSCRIPT)
    return f"/api/jobs/{job}/transcript"


async def test_a_transcript_is_json_if_nobody_says_otherwise(api, transcript_url):
    answer = await api.get(transcript_url)

    assert (answer.status, answer.content_type) == (200, "application/json")
    assert (await answer.json())["segments"][0]["speaker"] == "A"


@pytest.mark.parametrize(
    ("wanted", "content_type", "content"),
    [
        (
            "vtt",
            "text/vtt",
            "WEBVTT\n\n00:00:01.000 --> 00:00:02.900\n<v A>Is 1 &lt; 2?\n\n"
            "00:00:04.000 --> 00:00:04.900\n<v B>It is.\n",
        ),
        (
            "srt",
            "application/x-subrip",
            "1\n00:00:01,000 --> 00:00:02,900\nIs 1 < 2?\n\n2\n00:00:04,000 --> 00:00:04,900\nIt is.\n",
        ),
        ("txt", "text/plain", "A: Is 1 < 2?\nB: It is.\n"),
    ],
)
async def test_a_transcript_comes_as_subtitles_and_as_text(api, transcript_url, wanted, content_type, content):
    answer = await api.get(transcript_url, params={"format": wanted})

    assert (answer.status, answer.content_type, answer.charset) == (200, content_type, "utf-8")
    assert await answer.text() == content


async def test_another_format_is_refused_naming_those_there_are(api, transcript_url):
    answer = await api.get(transcript_url, params={"format": "docx"})

    assert answer.status == 400
    assert "json, vtt, srt, txt" in (await answer.json())["detail"]


async def test_before_it_is_there_and_for_an_unknown_job_the_answer_is_404(api, submit):
    assert (await api.get(f"/api/jobs/{await submit()}/transcript")).status == 404
    assert (await api.get(f"/api/jobs/{new_job_id()}/transcript")).status == 404
    assert (await api.get("/api/jobs/x/transcript")).status == 404


async def test_a_job_without_a_transcript_says_whether_one_may_still_come(api, submit, published):
    job = await submit()

    async def detail():
        return (await (await api.get(f"/api/jobs/{job}/transcript")).json())["detail"]

    assert await detail() == "The job has no transcript yet; try again later."
    await published(Failed(job=job, stage=None, code=ErrorCode.NO_VIDEO, sentence="It broke."))
    assert await detail() == "The job ended without a transcript; submit the video again."
