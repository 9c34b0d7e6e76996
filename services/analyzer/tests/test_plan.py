"""Plans are put together, and every plan keeps its promises."""

import re
from itertools import pairwise

import pytest
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import scored
from clipmill.contracts.documents import Scenes, Shot, Transcript
from clipmill.contracts.options import JobOptions
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace
from talks.promises import broken
from talks.random_jobs import jobs


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_every_plan_keeps_its_promises(material):
    assert not broken(material, plan_of(material))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(jobs())
def test_the_same_input_gives_the_same_plan(material):
    assert plan_of(material) == plan_of(material)


@pytest.fixture
def material_of(media_of):
    def make(transcript, duration, cuts=(), **options):
        edges = [0.0, *cuts, duration]
        shots = tuple(Shot(start=a, end=b) for a, b in pairwise(edges))
        scenes = Scenes(shots=shots, detector="d", frame_rate=25.0)
        return Material(media_of(duration), transcript, scenes, JobOptions(**options))

    return make


SILENCE = Transcript(language="", duration=0.0)


def test_a_source_shorter_than_a_clip_is_one_clip(material_of, say):
    transcript = say(["Here is one thing you never knew.", "It is short."])
    clips = plan_of(material_of(transcript, 9.2)).clips
    assert [(clip.start, clip.end) for clip in clips] == [(0.0, 9.2)]
    assert clips[0].title == "Here is one thing you never knew"


def test_a_source_without_speech_is_clipped_from_shot_to_shot(material_of):
    clips = plan_of(material_of(SILENCE, 120.0, cuts=[2.0, 41.0, 84.0], target_clips=3)).clips
    assert sorted((clip.start, clip.end) for clip in clips) == [(2.0, 32.0), (41.0, 71.0), (84.0, 114.0)]
    assert all(re.fullmatch(r"A talk: moment at \d:\d\d", clip.title) for clip in clips)


def test_a_clip_ends_before_no_payoff(material_of, say):
    """The shortest allowed clip would end on the question; the answer after it is as long as all that precedes it."""
    asked = ["We had looked at every town on the coast for years and found nothing.", "So why did the last one stay?"]
    answer = ["Its people had never trusted the harbour, and they built inland.", "That saved all of them in the end."]
    transcript = say([*asked, *answer], gap=0.3)
    best, *_ = pick_locally(material_of(transcript, transcript.duration, clip_min_seconds=5.0))
    assert best.window.last != 1


def test_no_two_scores_are_equal(material_of):
    clips = plan_of(material_of(SILENCE, 600.0, target_clips=15)).clips
    assert len({clip.score for clip in clips}) == len(clips) == 15


def test_every_clip_says_why_it_was_picked(material_of, say):
    texts = ["Why did every single bridge fail in one night?", "Forty of them were new, but nobody had tested one."] * 4
    transcript = say(texts)
    clips = plan_of(material_of(transcript, transcript.duration, target_clips=1)).clips
    assert "raises a question" in clips[0].reason or "gives numbers" in clips[0].reason


def test_a_source_that_has_room_for_fewer_clips_gives_fewer(material_of):
    assert len(plan_of(material_of(SILENCE, 33.0, target_clips=5)).clips) == 2


def test_silence_fills_up_what_speech_leaves_free(material_of, say):
    transcript = say(["One long story about the day when everything went wrong for all of us in the harbour."] * 4)
    clips = plan_of(material_of(transcript, 200.0, target_clips=3)).clips
    assert len(clips) == 3
    spoken, *silent = sorted(clips, key=lambda clip: clip.start)
    assert spoken.start < transcript.segments[0].start
    assert all(clip.start >= transcript.segments[-1].end for clip in silent)


def test_remarks_far_apart_are_clipped_with_the_silence_around_them(material_of, say):
    transcript = say(["Look at that!", "Now it jumps.", "And it is gone."], gap=100.0)
    clips = plan_of(material_of(transcript, 310.0, target_clips=3)).clips
    assert len(clips) == 3
    assert all(clip.end - clip.start == 15.0 for clip in clips)


def test_local_clips_beside_a_models_keep_clear_of_them_and_score_below(material_of, make_talk):
    talk = make_talk(3).transcript
    material = material_of(talk, talk.duration)
    taken = pick_locally(material)[:1]
    added = pick_locally(material, taken)
    assert len(added) >= 2
    assert all(moment.score < taken[0].score for moment in added)
    windows = sorted((moment.window.start_ms, moment.window.end_ms) for moment in [*taken, *added])
    assert all(one[1] <= other[0] for one, other in pairwise(windows))


@pytest.mark.parametrize(("least", "clips"), [(80, 12), (58, 6)])
def test_a_model_that_finds_many_good_moments_gives_as_many_clips(material_of, speech, least, clips):
    """The bar is for the scores that the model gave, not for those that are spread over the job afterwards."""
    transcript = speech(200)
    material = material_of(transcript, transcript.duration)
    found = [scored(moment, least + place) for place, moment in enumerate(reversed(pick_locally(material)[:12]))]
    plan = plan_of(material, found[::-1], picker="a model")
    assert len(plan.clips) == clips


def test_a_last_clause_that_ends_just_after_the_picture_is_in_the_clip(material_of, say):
    transcript = say(
        ["Nobody in the whole harbour had ever asked the keeper about the light.", "It had never burned."] * 3
    )
    duration = transcript.segments[-1].end - 0.7
    clips = plan_of(material_of(transcript, duration)).clips
    assert max(clip.end for clip in clips) == pytest.approx(transcript.segments[-1].end, abs=0.002)


@pytest.mark.parametrize("start", [None, 4.0])
def test_a_last_clause_is_kept_in_a_part_that_goes_on_to_the_end(material_of, say, start):
    transcript = say(["Nobody in the harbour had ever asked about the light.", "It had never burned at all."] * 4)
    duration = transcript.segments[-1].end - 0.7
    plan = plan_of(material_of(transcript, duration, start=start))
    assert max(clip.end for clip in plan.clips) == pytest.approx(transcript.segments[-1].end, abs=0.002)


def test_a_part_with_an_end_does_not_reach_beyond_it(material_of, say):
    transcript = say(["Nobody in the harbour had ever asked about the light.", "It had never burned at all."] * 4)
    duration = transcript.segments[-1].end - 0.7
    plan = plan_of(material_of(transcript, duration, start=4.0, end=duration))
    assert max(clip.end for clip in plan.clips) <= duration


def test_a_clip_starts_with_the_sound_before_its_first_word(material_of, say):
    transcript = say(["Nobody in the whole harbour had ever asked the keeper about the light."] * 4)
    shifted = _later(transcript, 9.5)
    loud = [-60] * 9 + [-20] * (int(shifted.duration) - 8)
    starts: list[int] = []
    for levels in ([-60] * 10 + loud[10:], loud):
        heard = replace(shifted, levels=tuple(levels))
        windows = material_of(heard, shifted.duration, clip_min_seconds=5.0).windows
        starts.append(max(window.start_ms for window in windows if window.first == 0))
    assert starts == [9850, 9000]


def _later(transcript, seconds):
    """Return `transcript` with all times moved back by `seconds`."""

    def moved(part):
        return replace(part, start=part.start + seconds, end=part.end + seconds)

    segments = tuple(replace(moved(segment), words=tuple(map(moved, segment.words))) for segment in transcript.segments)
    return replace(transcript, segments=segments, duration=transcript.duration + seconds)
