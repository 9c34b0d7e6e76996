"""The plan of a source whose words are mostly guesses draws no captions and makes no text of the words."""

import re

import pytest
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.guesses import GUESSED_BELOW
from clipmill.analyzer.talk.material import Material
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import Plan, Transcript
from clipmill.contracts.options import CaptionStyle, JobOptions
from clipmill.contracts.tasks import AnalyzeTask
from model_servers import answer_of
from msgspec.structs import replace
from talks.promises import broken

PLAIN = re.compile(r"(A talk: )?(loud moment|moment|quick sequence of shots) at \d+:\d\d", re.IGNORECASE)
UNSURE, SURE = GUESSED_BELOW - 0.1, GUESSED_BELOW + 0.1
GUESSED = (
    f"Captions are off and titles are plain because most words are guesses (mean word score {UNSURE:.2f}); "
    "submit with captions=bold to use the words all the same."
)


def scored(transcript, score):
    """Return the transcript with this score for each word."""
    segments = (
        replace(segment, words=tuple(replace(word, score=score) for word in segment.words))
        for segment in transcript.segments
    )
    return replace(transcript, segments=tuple(segments))


def material_of(talk, score, **options):
    return Material(talk.media, scored(talk.transcript, score), talk.scenes, JobOptions(**options))


def every(plan):
    return (*plan.clips, *plan.reserve)


def texts_of(plan):
    return [text for clip in every(plan) for text in (clip.title, clip.tiktok, clip.instagram, clip.youtube)]


@pytest.mark.parametrize("captions", [CaptionStyle.AUTO, CaptionStyle.OFF])
def test_guesses_are_in_no_text_that_is_published(make_talk, captions):
    plan = plan_of(material_of(make_talk(1), UNSURE, captions=captions))
    assert plan.captions.style is CaptionStyle.OFF
    assert all(PLAIN.fullmatch(text) for text in texts_of(plan))
    assert {clip.quote for clip in every(plan)} == {""}


def test_the_reasons_of_guessed_clips_say_nothing_about_what_is_said(make_talk):
    talk = make_talk(1)
    known = {clip.reason for clip in every(plan_of(material_of(talk, SURE)))}
    guessed = {clip.reason for clip in every(plan_of(material_of(talk, UNSURE)))}
    assert any("question" in reason or "claim" in reason or "story" in reason for reason in known)
    assert not any(re.search("question|number|claim|story|expectation|feelings|lines", reason) for reason in guessed)


def test_guesses_change_no_times_and_no_scores(make_talk):
    talk = make_talk(1)
    sure, unsure = (plan_of(material_of(talk, score)) for score in (SURE, UNSURE))
    assert [(clip.start, clip.end, clip.score) for clip in every(sure)] == [
        (clip.start, clip.end, clip.score) for clip in every(unsure)
    ]


def test_every_number_of_clips_of_a_guessed_source_takes_the_first_of_one_list(make_talk):
    talk = make_talk(2)
    largest = plan_of(material_of(talk, UNSURE, target_clips=15))
    for count in (1, 3, None):
        material = material_of(talk, UNSURE, target_clips=count)
        plan = plan_of(material)
        assert every(plan) == every(largest)[: len(every(plan))]
        assert plan.captions == largest.captions
        assert not broken(material, plan)


def test_words_that_are_sure_enough_are_drawn_and_quoted(make_talk):
    plan = plan_of(material_of(make_talk(1), SURE))
    assert plan.captions.style is CaptionStyle.BOLD
    assert not any(PLAIN.fullmatch(text) for text in texts_of(plan))
    assert all(clip.quote for clip in every(plan))


def test_a_job_that_names_a_style_gets_its_texts_from_guesses_as_before(make_talk):
    talk = make_talk(1)
    named = plan_of(material_of(talk, UNSURE, captions=CaptionStyle.BOX))
    assert named.captions.style is CaptionStyle.BOX
    assert every(named) == every(plan_of(material_of(talk, SURE)))


def test_a_whole_source_shorter_than_a_clip_has_a_plain_title_too(say, media_of, make_talk):
    transcript = scored(say(["Why does nobody ever ask the bridge?"]), UNSURE)
    scenes = make_talk(1).scenes
    material = Material(media_of(4.0), transcript, scenes, JobOptions())
    (moment,) = pick_locally(material)
    assert PLAIN.fullmatch(moment.title)
    assert moment.quote == ""


def test_the_words_of_the_part_that_is_used_decide(make_talk):
    talk = make_talk(1)
    middle = talk.media.duration / 2
    guessed = scored(talk.transcript, UNSURE)
    mixed = replace(
        talk.transcript,
        segments=tuple(
            unsure if sure.start > middle else sure
            for sure, unsure in zip(talk.transcript.segments, guessed.segments, strict=True)
        ),
    )
    styles = [
        Material(talk.media, mixed, talk.scenes, JobOptions(start=start, end=end)).captions.style
        for start, end in ((None, middle), (middle + 10, None))
    ]
    assert styles == [CaptionStyle.BOLD, CaptionStyle.OFF]


async def test_the_decision_is_in_the_plan_the_log_and_the_event_also_after_a_redelivery(run, job, speech, put):
    await put(scored(speech(40), UNSURE))
    store, job_id = job
    for _ in range(2):
        plan, context = await run(operator_key=None)
        assert plan.captions.style is CaptionStyle.OFF
        assert plan.captions.reason == GUESSED
        assert context.lines == [GUESSED]
        assert context.events[-1].captions == plan.captions
    assert (await load(store, layout.plan(job_id), Plan)).captions == plan.captions


async def test_captions_that_are_drawn_have_no_line_in_the_log(run):
    plan, context = await run(operator_key=None)
    assert plan.captions.style is CaptionStyle.BOLD
    assert context.lines == []
    assert context.events[-1].captions == plan.captions


async def test_a_model_is_not_asked_about_guesses(run, put, speech, model_server):
    await put(scored(speech(40), UNSURE))
    plan, context = await run(model_server)
    assert plan.picker == "local"
    assert model_server.requests == []
    assert "is not asked because most words are guesses; clips are picked locally." in context.lines[0]
    assert context.lines[1:] == [GUESSED]


async def test_a_model_is_asked_about_guesses_if_the_job_names_a_style(run, job, put, speech, model_server):
    await put(scored(speech(40), UNSURE))
    model_server.replies = [model_server.says(answer_of((1, 5), (9, 13), (20, 25)))]
    task = AnalyzeTask(job=job[1], options=JobOptions(target_clips=3, captions=CaptionStyle.BOLD))
    plan, _ = await run(model_server, task=task)
    assert plan.picker == model_server.model


async def test_a_language_without_known_words_is_not_called_silence(run, job):
    store, job_id = job
    await store.put_bytes(layout.transcript(job_id), encode(Transcript(language="de", duration=200.0)))
    plan, context = await run(operator_key=None)
    assert context.lines == [
        "Clips are chosen by their shots because the words of this video are not known.",
        "Captions are off because the words are not known.",
    ]
    assert all(clip.reason.startswith("Picked locally: its words are not known; ") for clip in every(plan))
    assert plan.captions.style is CaptionStyle.OFF
    assert all(PLAIN.fullmatch(text) for text in texts_of(plan))
