"""A plan of more clips contains every smaller one, and one without a number has all good moments."""

import json
import math

import pytest
from clipmill.analyzer.picking.local_moments import GOOD_SCORE
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.material import Material
from clipmill.artifacts import layout
from clipmill.contracts.documents import Plan, PlannedClip, Scenes, Segment, Shot, Transcript
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask
from hypothesis import HealthCheck, given, settings
from model_servers import answer_of
from msgspec.structs import replace
from talks.generation import Planted
from talks.judging import hits
from talks.promises import broken
from talks.random_jobs import jobs


def _moments(plan: Plan) -> list[tuple[float, float, int, str]]:
    return [(clip.start, clip.end, clip.score, clip.title) for clip in (*plan.clips, *plan.reserve)]


def _asking_for(material: Material, count: int | None) -> Plan:
    material.options = replace(material.options, target_clips=count)
    return plan_of(material)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_every_number_of_clips_takes_the_first_of_one_list(material):
    listed = _moments(_asking_for(material, 15))
    for count in (1, 2, 3, 7, None):
        plan = _asking_for(material, count)
        assert _moments(plan) == listed[: len(_moments(plan))]
        assert len(plan.clips) == min(count or len(plan.clips), len(listed))
        assert not broken(material, plan)


@pytest.mark.parametrize("number", range(5))
def test_a_talk_of_minutes_gives_two_clips_to_two_a_minute_if_the_number_is_open(make_talk, number):
    talk = make_talk(number)
    material = Material(talk.media, talk.transcript, talk.scenes, JobOptions())
    plan = plan_of(material)
    assert 2 <= len(plan.clips) <= math.ceil(talk.media.duration / 30)
    assert all(clip.score >= GOOD_SCORE for clip in plan.clips[2:])
    assert all(clip.score < GOOD_SCORE for clip in plan.reserve)


def test_a_plan_says_how_many_moments_are_good_whatever_number_of_clips_is_wanted(make_talk):
    talk = make_talk(0)
    material = Material(talk.media, talk.transcript, talk.scenes, JobOptions())
    good = sum(clip.score >= GOOD_SCORE for clip in _every(plan_of(material)))
    assert good >= 2
    assert {_asking_for(material, count).good for count in (None, 1, 2, 15)} == {good}


def test_speech_that_is_too_short_to_compare_has_no_good_moment(say, media_of):
    transcript = say(["The lighthouse was lit by a single lamp."])
    scenes = Scenes(shots=(Shot(start=0.0, end=transcript.duration),), detector="test", frame_rate=25.0)
    plan = plan_of(Material(media_of(transcript.duration), transcript, scenes, JobOptions()))
    assert [clip.score for clip in plan.clips] == [50]
    assert plan.good == 0


def _every(plan: Plan) -> list[PlannedClip]:
    return [*plan.clips, *plan.reserve]


def test_a_long_talk_gives_fifteen_clips_and_a_reserve_of_thirty(make_talk):
    segments, offset = [], 0.0
    for number in range(24):
        transcript = make_talk(number).transcript
        segments += [_later(segment, offset) for segment in transcript.segments]
        offset += transcript.duration
    transcript = Transcript(language="en", duration=offset, segments=tuple(segments))
    media = replace(make_talk(0).media, duration=offset)
    scenes = Scenes(shots=(Shot(start=0.0, end=offset),), detector="d", frame_rate=25.0)
    plan = plan_of(Material(media, transcript, scenes, JobOptions()))
    assert (len(plan.clips), len(plan.reserve)) == (15, 30)
    assert [clip.number for clip in (*plan.clips, *plan.reserve)] == list(range(1, 46))
    assert all(clip.title and clip.reason and clip.quote and clip.parts for clip in plan.reserve)


def _later(segment: Segment, seconds: float) -> Segment:
    words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words)
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)


@pytest.mark.parametrize("name", ["talk", "interview"])
def test_an_open_number_takes_every_planted_highlight_and_at_most_two_others(corpus, media_of, name):
    truth = json.loads((corpus / f"{name}.truth.json").read_text())
    segments = tuple(
        Segment(text=each["text"], start=each["start"], end=each["end"], speaker=each["speaker"])
        for each in truth["sentences"]
    )
    transcript = Transcript(language="en", duration=truth["duration"], segments=segments)
    shots = tuple(Shot(start=shot["start"], end=shot["end"]) for shot in truth["shots"])
    scenes = Scenes(shots=shots, detector="truth", frame_rate=25.0)
    planted = [Planted(each["start"], each["end"]) for each in truth["highlights"]]
    plan = plan_of(Material(media_of(truth["duration"]), transcript, scenes, JobOptions()))
    assert hits([(clip.start, clip.end) for clip in plan.clips], planted) == len(planted)
    assert len(plan.clips) <= len(planted) + 2


async def test_the_same_answer_of_a_model_gives_nested_plans(run, job, put, make_talk, model_server):
    store, job_id = job
    talk = make_talk(1)
    await put(talk.transcript)
    passages = [(first, first + 4) for first in range(1, len(talk.transcript.segments) - 8, 6)]
    model_server.replies = [model_server.says(answer_of(*passages))]
    listed = []
    for count in (15, 1, 2, 3, 5, None):
        options = JobOptions(target_clips=count)
        await store.delete(layout.plan(job_id))
        plan, _ = await run(model_server, task=AnalyzeTask(job=job_id, options=options))
        listed = listed or _moments(plan)
        assert _moments(plan) == listed[: len(_moments(plan))]
        assert len(plan.clips) == min(count or len(plan.clips), len(listed))
        assert all(sum(part.points for part in clip.parts) == clip.score for clip in (*plan.clips, *plan.reserve))
    assert len(passages) >= 5
    assert len([title for *_, title in listed if title.startswith("From ")]) == len(passages)


async def test_a_model_is_asked_for_all_good_passages_if_the_number_is_open(run, job, model_server):
    model_server.replies = [model_server.says(answer_of((1, 5), (9, 13), (20, 25), (30, 34)))]
    plan, context = await run(model_server, task=AnalyzeTask(job=job[1], options=JobOptions()))
    asked = model_server.texts_in(model_server.requests[0])[1]
    assert asked.endswith("Choose every passage that strangers would share, 8 at most, of 15 to 60 seconds each.")
    assert [clip.title for clip in plan.clips] == ["From 1", "From 9", "From 20"], "60 is below the bar"
    assert plan.reserve[0].title == "From 30"
    assert len(model_server.requests) == 1
    assert context.lines == []
