"""A job that uses a part of a source gets the clips of that part, with the times of the source."""

from itertools import pairwise

import pytest
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.source_parts import transcript_part
from clipmill.contracts.documents import Scenes, Segment, Shot, Transcript, Word
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import JobOptions
from clipmill.contracts.sounds import Sounds
from clipmill.contracts.source_range import SourceRange
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from talks.generation import numbered_talk
from talks.promises import broken

SILENCE = Transcript(language="", duration=0.0)


@pytest.fixture
def material_of(media_of):
    def make(transcript, duration, cuts=(), **options):
        edges = [0.0, *cuts, duration]
        scenes = Scenes(shots=tuple(Shot(start=a, end=b) for a, b in pairwise(edges)), detector="d", frame_rate=25.0)
        return Material(media_of(duration), transcript, scenes, JobOptions(**options))

    return make


def shifted(clip, seconds):
    return replace(clip, start=round(clip.start + seconds, 3), end=round(clip.end + seconds, 3))


def cut_out(talk, start, end):
    """Return the documents of a source that is only a part of `talk`, with times of its own."""
    kept = []
    for segment in talk.transcript.segments:
        words = tuple(
            Word(text=word.text, start=word.start - start, end=word.end - start, score=word.score)
            for word in segment.words
            if start <= (word.start + word.end) / 2 < end
        )
        if words:
            kept.append(replace(segment, start=segment.start - start, end=segment.end - start, words=words))
    levels = talk.transcript.levels[start:end]
    transcript = replace(talk.transcript, duration=float(end - start), segments=tuple(kept), levels=levels)
    cuts = [shot.start - start for shot in talk.scenes.shots if start < shot.start < end]
    shots = tuple(Shot(start=a, end=b) for a, b in pairwise([0.0, *cuts, float(end - start)]))
    return replace(talk.media, duration=float(end - start)), transcript, replace(talk.scenes, shots=shots)


@pytest.mark.parametrize("number", range(4))
def test_the_clips_of_a_part_are_those_of_a_source_that_is_only_that_part(number):
    talk = numbered_talk(number)
    quiet = [
        second
        for before, after in pairwise(talk.transcript.segments)
        for second in range(int(before.end) + 1, int(after.start) + 1)
        if before.text.endswith(".")
    ]
    start, end = (min(quiet, key=lambda second: abs(second - place)) for place in (40, talk.media.duration - 30))
    alone = plan_of(Material(*cut_out(talk, start, end), JobOptions(target_clips=3)))
    part = plan_of(Material(talk.media, talk.transcript, talk.scenes, JobOptions(start=start, end=end, target_clips=3)))
    assert part.clips == tuple(shifted(clip, start) for clip in alone.clips)
    assert len(part.clips) == 3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 7), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_every_clip_is_inside_the_part_and_has_the_times_of_the_source(number, one, other):
    talk = numbered_talk(number)
    room = talk.media.duration - 25.0
    start = round(one * room, 3)
    end = round(start + 20.0 + other * (talk.media.duration - start - 20.0), 3)
    options = JobOptions(start=start, end=end, clip_min_seconds=5.0)
    material = Material(talk.media, talk.transcript, talk.scenes, options)
    plan = plan_of(material)
    assert not broken(material, plan)
    clips = [*plan.clips, *plan.reserve]
    said = [word for segment in talk.transcript.segments for word in segment.words]
    for clip in clips:
        assert start <= clip.start < clip.end <= end
        heard = " ".join(word.text for word in said if clip.start <= (word.start + word.end) / 2 < clip.end)
        assert clip.title.split()[0].strip(".,!?").lower() in heard.lower()


def test_a_transcript_of_the_part_alone_gives_the_same_plan_as_one_of_the_whole_source(make_talk):
    """The first is what the transcriber stores, the second what `pick` may be given."""
    talk = make_talk(1)
    ends = [segment.end for segment in talk.transcript.segments]
    start, end = ends[5] + 0.05, ends[-6] + 0.05
    inside = tuple(each for each in talk.transcript.segments if start < each.start and each.end < end)
    levels = (-90,) * int(start) + talk.transcript.levels[int(start) : int(end) + 1]
    alone = replace(talk.transcript, duration=end - start, segments=inside, levels=levels)
    options = JobOptions(start=start, end=end)
    plans = [plan_of(Material(talk.media, each, talk.scenes, options)) for each in (alone, talk.transcript)]
    assert plans[0] == plans[1]


def test_a_part_that_is_shorter_than_a_clip_is_one_clip(material_of, say):
    transcript = say(
        ["Here is one thing you never knew.", "It is short.", "This comes later, and nobody asked for it."]
    )
    clips = plan_of(material_of(transcript, 60.0, start=0.25, end=7.25)).clips
    assert [(clip.start, clip.end) for clip in clips] == [(0.25, 7.25)]
    assert clips[0].reason == "The whole part, because it is shorter than a clip should be."


def test_seconds_that_nobody_read_are_not_silence_to_compare_with(material_of):
    """Only the part has levels, and its loud seconds are judged by its own median."""
    levels = [-90] * 3000 + [-40] * 120
    levels[3050:3080] = [-20] * 30
    transcript = Transcript(language="", duration=120.0, levels=tuple(levels))
    (clip,) = plan_of(material_of(transcript, 3600.0, start=3000.0, end=3120.0, target_clips=1)).clips
    assert (clip.start, clip.end) == (3050.0, 3080.0)
    assert "20 dB louder than usual" in clip.reason
    assert clip.title == "A talk: loud moment at 50:50"


@pytest.mark.parametrize(
    ("start", "end", "kept"), [(10.0, 12.0, b"defg"), (10.2, 11.9, b"defg"), (10.3, 30.0, b"efgh")]
)
def test_sounds_of_a_part_are_those_of_its_half_seconds(start, end, kept):
    sounds = Sounds(laughter=bytes(17) + b"abcdefgh", music=bytes(25))
    transcript = Transcript(language="", duration=12.5, sounds=sounds)
    part = transcript_part(transcript, SourceRange(start, end))
    assert part.sounds == Sounds(laughter=kept, music=bytes(len(kept)))
    assert transcript_part(replace(transcript, sounds=None), SourceRange(start, end)).sounds is None


def test_levels_of_a_part_that_begins_within_a_second_are_shared_out(material_of):
    levels = [-90] * 10 + [-40, -20, -20, -40] + [-40] * 20
    material = material_of(Transcript(language="", duration=0.0, levels=tuple(levels)), 34.0, start=10.5, end=30.5)
    assert material.levels[:4] == (-23, -20, -23, -40)
    assert len(material.levels) == 20


def test_only_cuts_inside_a_part_count(material_of):
    cuts = [*range(1, 100), 130.0, 171.0, 300.0]
    material = material_of(SILENCE, 400.0, cuts=cuts, start=100.5, end=220.5)
    assert material.cuts == [29.5, 70.5]
    starts = [clip.start for clip in plan_of(material).clips]
    assert 130.0 in starts
    assert 171.0 in starts


def test_a_sentence_whose_words_are_all_outside_says_nothing_in_the_part(material_of):
    words = (Word(text="Early.", start=5.0, end=6.0), Word(text="Late.", start=95.0, end=96.0))
    transcript = Transcript(
        language="en", duration=100.0, segments=(Segment(text="Early. Late.", start=5.0, end=96.0, words=words),)
    )
    assert material_of(transcript, 100.0, start=20.0, end=60.0).words == []


def test_a_sentence_that_the_edge_of_a_part_cuts_is_left_out(material_of, say):
    texts = ["We begin with a long remark about the weather of this morning.", "Here the first point is made for you."]
    transcript = say([*texts, "It is short.", "After it we go on to speak about something else for a while."])
    cut_start = transcript.segments[0].words[4].start
    cut_end = transcript.segments[3].words[5].end + 0.1
    material = material_of(transcript, 60.0, start=cut_start, end=cut_end)
    assert [sentence.text for sentence in material.sentences] == [texts[1], "It is short."]
    assert [sentence.number for sentence in material.sentences] == [1, 2]
    assert material.words[-1].text == "short."
    ending_there = material_of(transcript, cut_end, start=cut_start)
    assert ending_there.sentences[-1].text.startswith("After it")


def test_a_clause_before_the_end_of_a_part_is_left_out_though_the_speaker_pauses_after_it(material_of, say):
    texts = ["Here the first point is made for you.", "It is short.", "If a meeting cannot survive as a video,"]
    transcript = say([*texts, "it should never have been a meeting."], gap=1.5)
    end = transcript.segments[2].end + 1.2
    material = material_of(transcript, 60.0, end=end)
    assert [sentence.text for sentence in material.sentences] == texts[:2]
    named = say([*texts[:2], "So that was the end of Glacier Bay", "Now to the ships."], gap=1.5)
    kept = material_of(named, 60.0, end=named.segments[2].end + 1.2)
    assert kept.sentences[-1].text == "So that was the end of Glacier Bay"


@pytest.mark.parametrize("last", ["If a meeting cannot survive\u2026", "If a meeting cannot survive..."])
def test_an_ellipsis_at_the_end_of_a_part_is_no_full_stop(material_of, say, last):
    texts = ["Here the first point is made for you.", "It is short."]
    transcript = say([*texts, last, "It never began."], gap=1.5)
    material = material_of(transcript, 60.0, end=transcript.segments[2].end + 1.2)
    assert [sentence.text for sentence in material.sentences] == texts


@pytest.mark.parametrize("last", ["And that is all I have to say,", "And that is all I have to say\u2026"])
def test_a_sentence_long_before_the_end_of_a_part_is_not_cut_by_it(material_of, say, last):
    transcript = say(["Here the first point is made for you.", "It is short.", last])
    end = transcript.segments[-1].end + 40.0
    assert material_of(transcript, end + 60.0, end=end).sentences[-1].text == last


def test_a_part_without_punctuation_keeps_all_its_sentences(material_of, say):
    transcript = say(
        ["here is a remark without an end", "and another one of that kind", "which goes on and on"], gap=1.0
    )
    end = transcript.segments[-1].words[2].end
    assert len(material_of(transcript, 60.0, start=1.0, end=end).sentences) == 3


def test_a_part_that_the_source_lacks_is_refused(material_of):
    with pytest.raises(Permanent) as caught:
        material_of(SILENCE, 60.0, start=70.0)
    assert caught.value.code is ErrorCode.BAD_RANGE
