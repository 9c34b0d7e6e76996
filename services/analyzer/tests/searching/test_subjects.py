"""Clips are about the subject that a job names, and about nothing that it excludes."""

import re
from itertools import pairwise

import numpy as np
import pytest
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.searching.subjects import about_found, close_answers
from clipmill.analyzer.talk.audience import NUMBERS, Audience
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.subject import Subject
from clipmill.contracts.documents import Scenes, Shot, Transcript
from clipmill.contracts.options import JobOptions
from msgspec.structs import replace
from talks.generation import talks
from talks.judging import HIT_OVERLAP, overlap


@pytest.fixture
def plan_about(make_talk):
    """Plan a written talk for a job with the given options."""

    def plan(number=0, **options):
        talk = make_talk(number)
        return plan_of(Material(talk.media, talk.transcript, talk.scenes, JobOptions(**options)))

    return plan


def _named_in(talk, planted):
    """Return the rarest-looking words of a planted passage."""
    words = [
        word.text.strip(".,?!").lower()
        for segment in talk.transcript.segments
        for word in segment.words
        if planted.start <= word.start < planted.end
    ]
    return " ".join(sorted(set(words), key=lambda word: (-len(word), word))[:3])


@pytest.mark.parametrize("number", range(11))
def test_a_subject_in_the_words_that_were_said_comes_first(plan_about, make_talk, number):
    talk = make_talk(number)
    firsts = []
    for planted in talk.planted:
        best = plan_about(number, about=_named_in(talk, planted)).clips[0]
        firsts.append(overlap([(best.start, best.end)], planted) >= HIT_OVERLAP)
    assert sum(firsts) >= len(firsts) - 1


def test_a_subject_that_does_not_occur_gives_no_clips_but_the_usual_moments_in_reserve(plan_about):
    usual = plan_about()
    plan = plan_about(about="the orbital mechanics of satellites")
    assert plan.clips == ()
    assert plan.note == 'Nothing about "the orbital mechanics of satellites" was found.'
    moments = [(clip.start, clip.end, clip.score) for clip in (*usual.clips, *usual.reserve)]
    assert [(clip.start, clip.end, clip.score) for clip in plan.reserve] == moments[: len(plan.reserve)]
    assert [clip.number for clip in plan.reserve] == list(range(1, len(plan.reserve) + 1))


def test_a_subject_that_only_a_passing_remark_names_has_its_clip_too(plan_about, make_talk):
    """The ranked list leaves out what lies between its moments; a job may ask for it nevertheless."""
    found = asked = 0
    for number in range(11):
        talk = make_talk(number)
        listed = [(clip.start, clip.end) for clip in (*plan_about(number).clips, *plan_about(number).reserve)]
        for segment in talk.transcript.segments:
            words = sorted({word.text.strip(".,?!").lower() for word in segment.words}, key=lambda word: -len(word))
            if len(words) >= 6 and not any(start < segment.end and segment.start < end for start, end in listed):
                clips = plan_about(number, about=" ".join(words[:3])).clips
                asked += 1
                found += any(clip.start < segment.end and segment.start < clip.end for clip in clips)
    assert asked >= 20
    assert found >= 0.9 * asked


def test_the_learned_audience_does_not_decide_what_a_subject_is_about(make_talk):
    """Clips about a subject are the same with it and without; the reserve is what it picks, next to them."""
    differing = 0
    for number in range(11):
        talk = make_talk(number)
        plain = Material(talk.media, talk.transcript, talk.scenes, JobOptions())
        learned = Material(talk.media, talk.transcript, talk.scenes, JobOptions(), _fond_of_the_beginning(talk))
        differing += _times(plan_of(plain).reserve) != _times(plan_of(learned).reserve)
        for planted in talk.planted:
            plain.subject = learned.subject = Subject(about=_named_in(talk, planted))
            expected, plan = plan_of(plain), plan_of(learned)
            assert expected.clips
            assert _times(plan.clips) == _times(expected.clips)
            every = sorted(_times((*plan.clips, *plan.reserve)))
            assert all(end <= start for (_, end), (start, _) in pairwise(every))
    assert differing


def _fond_of_the_beginning(talk):
    """Return a model whose audience reacts to the longest word of the talk's first segment."""
    word = max(re.findall("[a-z]+", talk.transcript.segments[0].text.lower()), key=len)
    return Audience({word: 30.0}, np.zeros(NUMBERS), -4.0)


def _times(clips):
    return [(clip.start, clip.end) for clip in clips]


def test_the_log_says_how_many_moments_are_about_the_subject(plan_about, make_talk):
    talk = make_talk(5)
    about = _named_in(talk, talk.planted[0])
    plan = plan_about(5, about=about, target_clips=15)
    moments = "1 moment is" if len(plan.clips) == 1 else f"{len(plan.clips)} moments are"
    assert plan.note == f'{moments} about "{about}".'
    assert plan_about(5).note == ""
    assert about_found(Subject(about="bread"), 2) == '2 moments are about "bread".'


def test_a_further_moment_about_a_subject_answers_nearly_as_well_as_the_best_or_names_it():
    preferences, literal = np.array([0.0, 3.0, 2.8, 2.6, -2.0, -2.0]), np.array([0.0, 0.0, 0.0, 0.0, 0.8, 0.7])
    assert close_answers([1, 2, 3, 0, 4, 5], preferences, literal) == [1, 2, 4]
    assert close_answers([5, 4], preferences, literal) == [5, 4]
    assert close_answers([], preferences, literal) == []


@pytest.mark.parametrize(
    ("name", "about"),
    [("kitchen-2", "learning to sing without a teacher"), ("lecture-0", "a dying explorer writes to his son")],
)
def test_a_subject_that_one_passage_is_about_gives_one_clip(name, about):
    """Further moments of these talks may be about the subject too, if they are judged alone."""
    talk = next(each for each in talks() if each.name == name)
    plan = plan_of(Material(talk.media, talk.transcript, talk.scenes, JobOptions(about=about)))
    assert max(overlap(_times(plan.clips), planted) for planted in talk.planted) >= HIT_OVERLAP
    assert len(plan.clips) == 1


def test_a_long_subject_is_quoted_in_short(plan_about):
    note = plan_about(about="quarks " * 60).note
    assert len(note) < 100
    assert note.endswith('" was found.')


def test_the_moments_about_a_subject_are_the_good_ones(plan_about, make_talk):
    talk = make_talk(0)
    for planted in talk.planted:
        plan = plan_about(0, about=_named_in(talk, planted))
        assert plan.good == len(plan.clips) >= 1


def test_an_exclusion_leaves_the_other_subjects(plan_about, make_talk):
    talk = make_talk(0)
    usual = plan_about(0)
    listed = [one for one in talk.planted if overlap(_times((*usual.clips, *usual.reserve)), one) >= HIT_OVERLAP]
    assert len(listed) > 1
    for excluded in listed:
        plan = plan_about(0, exclude=_named_in(talk, excluded))
        left = _times((*plan.clips, *plan.reserve))
        assert [one for one in listed if overlap(left, one) < HIT_OVERLAP] == [excluded]


def test_no_clip_is_about_an_excluded_subject(plan_about, make_talk):
    talk = make_talk(0)
    for planted in talk.planted:
        plan = plan_about(0, exclude=_named_in(talk, planted), target_clips=15)
        assert overlap(_times((*plan.clips, *plan.reserve)), planted) < HIT_OVERLAP
        assert plan.clips


def test_an_exclusion_leaves_the_scores_and_the_order_of_the_rest(plan_about, make_talk):
    """An exclusion lifts no dull moment above the others."""
    usual = plan_about(0)
    plan = plan_about(0, exclude=_named_in(make_talk(0), make_talk(0).planted[0]))
    scores = {clip.start: clip.score for clip in (*usual.clips, *usual.reserve)}
    left = [*plan.clips, *plan.reserve]
    assert [clip.score for clip in left] == [scores[clip.start] for clip in left]
    assert len(plan.clips) < len(usual.clips)


def test_excluding_everything_gives_no_clips(say, media_of):
    transcript = say([f"The lighthouse number {number} kept its lighthouse keeper awake." for number in range(40)])
    plan = plan_of(_material(transcript, media_of, exclude="lighthouse"))
    assert plan.clips == ()
    assert plan.note == 'Nothing but "lighthouse" was found, which is excluded.'
    assert plan.reserve == ()


def test_a_subject_and_an_exclusion_work_together(plan_about, make_talk):
    talk = make_talk(0)
    subject = _named_in(talk, talk.planted[0])
    assert plan_about(0, about=subject).clips
    assert plan_about(0, about=subject, exclude=subject).clips == ()


def test_scores_fall_from_clip_to_clip_and_their_parts_sum_to_them(plan_about, make_talk):
    talk = make_talk(3)
    plan = plan_about(3, about=_named_in(talk, talk.planted[2]), target_clips=1)
    every = [*plan.clips, *plan.reserve]
    scores = [clip.score for clip in every]
    assert scores == sorted(set(scores), reverse=True)
    assert [sum(part.points for part in clip.parts) for clip in every] == scores


def test_a_larger_plan_about_a_subject_contains_the_smaller_one(plan_about, make_talk):
    talk = make_talk(5)
    about = " ".join(_named_in(talk, planted) for planted in talk.planted)
    plans = [plan_about(5, about=about, target_clips=count).clips for count in range(1, 6)]
    for smaller, larger in pairwise(plans):
        assert larger[: len(smaller)] == smaller


def test_where_nobody_speaks_nothing_is_about_a_subject(media_of):
    plan = plan_of(_material(Transcript(language="", duration=0.0), media_of, duration=120.0, about="lighthouses"))
    assert plan.clips == ()
    assert plan.reserve
    assert plan_of(
        _material(Transcript(language="", duration=0.0), media_of, duration=120.0, exclude="lighthouses")
    ).clips


def test_a_short_source_is_a_clip_if_it_is_about_the_subject(say, media_of):
    transcript = say(["The lighthouse was lit by a single lamp."])
    assert len(plan_of(_material(transcript, media_of, about="a lighthouse")).clips) == 1
    assert plan_of(_material(transcript, media_of, about="violin lessons")).clips == ()


def test_a_subject_is_found_in_another_language_by_its_stems(say, media_of):
    texts = ["Wir sprechen heute über viele Dinge, die im Alltag einfach immer wieder passieren."] * 12
    texts[6:9] = ["Die alten Leuchttürme an der Küste wurden von Familien bewohnt und gepflegt."] * 3
    transcript = replace(say(texts), language="de")
    plan = plan_of(_material(transcript, media_of, about="Leuchtturm und Leuchttürmen"))
    assert plan.clips
    best, said = plan.clips[0], transcript.segments[7]
    assert best.start < said.end
    assert best.end > said.start
    assert plan_of(_material(transcript, media_of, about="Geigenunterricht")).clips == ()


def _material(transcript, media_of, duration=0.0, **options):
    duration = duration or transcript.duration
    scenes = Scenes(shots=(Shot(start=0.0, end=duration),), detector="d", frame_rate=25.0)
    return Material(media_of(duration), transcript, scenes, JobOptions(**options))
