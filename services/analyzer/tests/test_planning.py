"""What may be relied on in every plan, whatever is said and however it is cut."""

from itertools import pairwise

import pytest
from clipmill.analyzer.boundaries import milliseconds
from clipmill.analyzer.planning import Material, pick_locally, planned
from clipmill.contracts.documents import MediaFacts, Origin, Scenes, Segment, Shot, Transcript, VideoFacts, Word
from clipmill.contracts.options import JobOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

VOCABULARY = [
    "why", "never", "you", "forty", "percent", "secret", "I", "was", "it", "but", "thanks", "ocean", "bridge",
    "meeting", "laughed", "the", "people", "work", "slides", "3.5", "Dr.", "e.g.", "naïve", "日本", "don't",
]  # fmt: skip


@st.composite
def _jobs(draw):
    """A source with some speech, some cuts and options, as the contracts allow them."""
    duration = draw(st.floats(5.0, 240.0))
    words, time = [], draw(st.floats(0.0, 5.0))
    count = draw(st.integers(0, 250))
    chance = draw(st.randoms(use_true_random=False))
    for _ in range(count):
        start = time + (chance.uniform(0, 3) if chance.random() < 0.1 else chance.choice([0.0, 0.02, 0.1]))
        end = start + chance.uniform(0.05, 0.8)
        if end > duration + 1:
            break
        mark = chance.choice(["", "", "", "", ",", ".", "?", "!"])
        words.append(Word(text=chance.choice(VOCABULARY) + mark, start=start, end=end))
        time = end
    cuts = sorted({chance.uniform(0, duration) for _ in range(draw(st.integers(0, 12)))} - {0.0, duration})
    edges = [0.0, *cuts, duration]
    shots = tuple(Shot(start=a, end=b) for a, b in pairwise(edges))
    shortest = draw(st.sampled_from([5.0, 10.0, 15.0, 30.0, 60.0]))
    options = JobOptions(
        target_clips=draw(st.integers(1, 15)),
        clip_min_seconds=shortest,
        clip_max_seconds=draw(st.sampled_from([shortest, shortest + 1, shortest + 15, 180.0])),
    )
    segment = Segment(text="x", start=0, end=duration, words=tuple(words))
    transcript = Transcript(language="en", duration=duration, segments=(segment,) if words else ())
    media = MediaFacts(
        stem="s", title="A talk", container="mp4", duration=duration, size_bytes=1, origin=Origin.UPLOAD,
        video=VideoFacts(codec="h264", width=16, height=9),
    )  # fmt: skip
    return Material(media, transcript, Scenes(shots=shots, detector="d", frame_rate=25.0), options)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_jobs())
def test_every_plan_keeps_its_promises(material):
    options = material.options
    clips = planned(pick_locally(material))

    assert 1 <= len(clips) <= options.target_clips
    assert [clip.number for clip in clips] == list(range(1, len(clips) + 1))
    scores = [clip.score for clip in clips]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 100 for score in scores)
    for clip in clips:
        assert 0 <= clip.start < clip.end <= material.duration
        assert clip.start == round(clip.start, 3)
        assert clip.end == round(clip.end, 3)
        assert 0 < len(clip.title) <= 100
        assert 0 < len(clip.youtube) <= 100
        assert 0 < len(clip.tiktok) <= 2200
        assert 0 < len(clip.instagram) <= 2200
        assert clip.instagram.count("#") <= 5
    in_time = sorted(clips, key=lambda clip: clip.start)
    assert all(one.end <= other.start for one, other in pairwise(in_time))

    if material.too_short:
        assert [(clip.start, clip.end) for clip in clips] == [(0.0, int(material.duration * 1000) / 1000)]
        return
    lengths = [milliseconds(clip.end) - milliseconds(clip.start) for clip in clips]
    assert all(material.lengths.shortest_ms <= length <= material.lengths.longest_ms for length in lengths)
    if material.windows:
        _assert_on_sentences(material, clips)


def _assert_on_sentences(material, clips):
    """No clip begins or ends inside a sentence; one with speech begins and ends with whole ones."""
    for clip in clips:
        start, end = milliseconds(clip.start), milliseconds(clip.end)
        for sentence in material.sentences:
            begins, ends = milliseconds(sentence.start), milliseconds(sentence.end)
            ends = min(ends, material.duration_ms)
            assert not begins < start < ends
            assert not begins < end < ends


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_jobs())
def test_the_same_input_gives_the_same_plan(material):
    assert planned(pick_locally(material)) == planned(pick_locally(material))


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
    clips = planned(pick_locally(material_of(transcript, 9.2)))
    assert [(clip.start, clip.end) for clip in clips] == [(0.0, 9.2)]
    assert clips[0].title == "Here is one thing you never knew"


def test_a_source_without_speech_is_clipped_evenly_from_shot_to_shot(material_of):
    clips = planned(pick_locally(material_of(SILENCE, 120.0, cuts=[2.0, 41.0, 84.0])))
    assert sorted((clip.start, clip.end) for clip in clips) == [(2.0, 32.0), (41.0, 71.0), (84.0, 114.0)]
    assert all(clip.title.startswith("A talk (") for clip in clips)


def test_a_source_that_has_room_for_fewer_clips_gives_fewer(material_of):
    assert len(pick_locally(material_of(SILENCE, 33.0, target_clips=5))) == 2


def test_silence_fills_up_what_speech_leaves_free(material_of, say):
    transcript = say(["One long story about the day when everything went wrong for all of us in the harbour."] * 4)
    clips = planned(pick_locally(material_of(transcript, 200.0)))
    assert len(clips) == 3
    spoken, *silent = sorted(clips, key=lambda clip: clip.start)
    assert spoken.start < transcript.segments[0].start
    assert all(clip.start >= transcript.segments[-1].end for clip in silent)


def test_remarks_far_apart_are_clipped_with_the_silence_around_them(material_of, say):
    transcript = say(["Look at that!", "Now it jumps.", "And it is gone."], gap=100.0)
    clips = planned(pick_locally(material_of(transcript, 310.0)))
    assert len(clips) == 3
    assert all(clip.end - clip.start == 15.0 for clip in clips)


def test_local_clips_beside_a_models_keep_clear_of_them_and_score_below(material_of, make_talk):
    talk = make_talk(3).transcript
    material = material_of(talk, talk.duration)
    taken = pick_locally(material)[:1]
    added = pick_locally(material, taken)
    assert len(added) == 2
    assert all(moment.score < taken[0].score for moment in added)
    windows = sorted((moment.window.start_ms, moment.window.end_ms) for moment in [*taken, *added])
    assert all(one[1] <= other[0] for one, other in pairwise(windows))
