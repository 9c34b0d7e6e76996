"""Reactions that are heard, and parts that viewers replay, speak for a moment, within limits."""

from itertools import pairwise

import pytest
from clipmill.analyzer.picking.evidence import evidence_for
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.picking.local_picker import LONE_SHARE, MOST_DOUBLINGS, LocalPicker
from clipmill.analyzer.picking.score_parts import contributions
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.contracts.documents import Chapter, HeatPoint
from clipmill.contracts.options import JobOptions
from clipmill.contracts.sounds import Sounds
from msgspec.structs import replace

LAUGH = 140


@pytest.fixture
def material_of(make_talk):
    """Make material of a talk with laughs at some times, and with the marks of its site."""

    def make(number=0, laughs=(), *, kind="laughter", score=LAUGH, seconds=2.0, audience=True, options=None, **marks):
        talk = make_talk(number)
        halves = int(talk.media.duration * 2) + 1
        scores = bytearray(b"\x28" * halves)
        for time in laughs:
            first = int(time * 2)
            scores[first : first + int(seconds * 2)] = bytes([score] * int(seconds * 2))
        quiet = b"\x28" * halves
        kinds = dict.fromkeys(("laughter", "applause", "cheering", "shouting", "music", "singing"), quiet)
        sounds = Sounds(**{**kinds, kind: bytes(scores)})
        return Material(
            replace(talk.media, **marks),
            replace(talk.transcript, sounds=sounds),
            talk.scenes,
            options or JobOptions(target_clips=3),
            bundled() if audience else None,
        )

    return make


def _clips(plan):
    return [(clip.start, clip.end) for clip in plan.clips]


def _with_part(plan, name):
    return [clip for clip in (*plan.clips, *plan.reserve) if name in {part.name for part in clip.parts}]


def _weakest_place(material):
    """Return the end of a sentence of the worst moment in the middle of a talk."""
    worst = min(pick_locally(material), key=lambda moment: moment.score)
    return material.sentences[worst.window.last].end


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("kind", ["laughter", "applause", "cheering"])
def test_the_moment_that_people_react_to_comes_first(material_of, number, kind):
    at = _weakest_place(material_of(number))
    material = material_of(number, [at + 0.2], kind=kind)
    plan = plan_of(material)
    best = plan.clips[0]
    assert best.start < at - 1
    assert at <= best.end
    assert max(best.parts[1:], key=lambda part: part.points).name == "reactions", "the first is the base"
    said = "makes the room laugh" if kind == "laughter" else "is applauded"
    assert best.reason.startswith(f"Picked locally: it {said}")


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    "heard",
    [
        {},
        {"kind": "shouting", "laughs": [30.0, 60.0]},
        {"kind": "music", "laughs": [30.0, 60.0]},
        {"score": 97, "laughs": [30.0, 60.0]},
        {"score": 109, "seconds": 0.5, "laughs": [30.0, 60.0]},
    ],
)
def test_where_nobody_reacts_the_plan_is_that_of_a_transcript_without_sounds(material_of, make_talk, number, heard):
    material = material_of(number, **heard)
    talk = make_talk(number)
    plain = plan_of(Material(talk.media, talk.transcript, talk.scenes, JobOptions(target_clips=3), bundled()))
    assert plan_of(material) == plain


def test_a_reaction_at_the_start_of_a_window_is_none_to_it(material_of):
    calm = material_of(1)
    start = next(one.start for one in calm.sentences if one.start > 60)
    material = material_of(1, [start + 0.3])
    picker = LocalPicker(evidence_for(material))
    for window in material.windows:
        if material.sentences[window.first].start == start:
            assert contributions(picker, [window])[0]["reactions"] == 0
    before = [
        window
        for window in material.windows
        if material.sentences[window.last].end <= start < window.end_ms / 1000 + 2.5
    ]
    assert any(contributions(picker, [window])[0]["reactions"] > 0 for window in before)


def test_more_reactions_count_more_up_to_a_limit(material_of):
    calm = material_of(2)
    times = [sentence.end - 0.3 for sentence in calm.sentences if 40 < sentence.end < 70]
    gains = []
    for count in range(1, len(times) + 1):
        material = material_of(2, times[:count], seconds=1.0)
        picker = LocalPicker(evidence_for(material))
        gains.append(max(each["reactions"] for each in contributions(picker, material.windows)))
    weights = LocalPicker(evidence_for(calm)).weights
    assert 0 < gains[0] < 2 * weights.reactions, "one laugh is no marvel"
    assert gains[1] > 1.2 * gains[0]
    assert max(gains) <= weights.reactions * MOST_DOUBLINGS


def test_without_the_learned_audience_reactions_weigh_less_and_still_decide(material_of):
    at = _weakest_place(material_of(3, audience=False))
    material = material_of(3, [at + 0.2], audience=False)
    picker = LocalPicker(evidence_for(material))
    most = max(each["reactions"] for each in contributions(picker, material.windows))
    assert 0 < most <= picker.weights.reactions * LONE_SHARE * MOST_DOUBLINGS
    best = plan_of(material).clips[0]
    assert best.start < at <= best.end


def test_a_subject_is_sought_whatever_people_laugh_at(material_of):
    at = _weakest_place(material_of(0))
    calm = material_of(0, [at + 0.2]).without_audience()
    assert evidence_for(calm).heard is None
    assert not any(part.name == "reactions" for moment in pick_locally(calm) for part in moment.parts)


def _curve(duration, peak):
    edges = [duration * at / 100 for at in range(101)]
    return tuple(
        HeatPoint(start=one, end=other, value=1.0 if one <= peak < other else 0.1) for one, other in pairwise(edges)
    )


@pytest.mark.parametrize("audience", [True, False])
def test_the_most_replayed_moment_comes_first(material_of, audience):
    calm = material_of(1, audience=audience)
    at = _weakest_place(calm) - 5
    best = plan_of(material_of(1, audience=audience, heatmap=_curve(calm.duration, at))).clips[0]
    assert best.start < at < best.end
    assert "replays" in {part.name for part in best.parts}
    assert "is replayed more often than the rest" in best.reason


def test_a_peak_at_the_very_start_and_a_flat_curve_change_no_plan(material_of):
    calm = material_of(1)
    flat = tuple(replace(point, value=0.5) for point in _curve(calm.duration, 0))
    assert plan_of(material_of(1, heatmap=_curve(calm.duration, 0.0))) == plan_of(calm)
    assert plan_of(material_of(1, heatmap=flat)) == plan_of(calm)


def test_a_start_of_a_chapter_speaks_for_the_moment_that_opens_it_and_against_one_across_it(material_of):
    calm = material_of(2)
    border = calm.sentences[len(calm.sentences) // 2].start
    chapters = (Chapter(start=0.0, end=border), Chapter(start=border, end=calm.duration))
    marked = material_of(2, chapters=chapters)
    picker = LocalPicker(evidence_for(marked))
    added = {
        window: each["chapters"]
        for window, each in zip(marked.windows, contributions(picker, marked.windows), strict=True)
    }
    weight = picker.weights.chapters
    for window, value in added.items():
        start, end = window.start_ms / 1000, window.end_ms / 1000
        if start < border - 3 and end > border + 3:
            assert value == pytest.approx(-weight)
        elif abs(marked.sentences[window.first].start - border) < 0.01:
            assert value == pytest.approx(weight)
    assert {round(value, 6) for value in added.values()} == {-weight, 0.0, weight}
    one_chapter = (Chapter(start=0.0, end=calm.duration),)
    assert plan_of(material_of(2, chapters=one_chapter)) == plan_of(calm)


def test_a_plan_has_the_fades_of_its_windows(material_of):
    ends = [sentence.end for sentence in material_of(0).sentences]
    material = material_of(0, ends[::2], options=JobOptions(target_clips=15))
    fades = {(one.start_ms, one.end_ms): (one.fade_in_ms, one.fade_out_ms) for one in material.windows}
    plan = plan_of(material)
    found = [fades[round(clip.start * 1000), round(clip.end * 1000)] for clip in (*plan.clips, *plan.reserve)]
    kept = [(round(clip.fade_in * 1000), round(clip.fade_out * 1000)) for clip in (*plan.clips, *plan.reserve)]
    assert kept == found
    assert any(fade_out for _, fade_out in kept)
    first = plan_of(material_of(0, [0.0], seconds=material.sentences[0].start + 2, options=JobOptions(target_clips=15)))
    opening = min((*first.clips, *first.reserve), key=lambda clip: clip.start)
    assert (opening.start, opening.fade_in) == (material.sentences[0].start, 0.1)


def test_a_start_under_a_laugh_at_something_else_is_worse(material_of):
    calm = material_of(1)
    sentence = next(one for one in calm.sentences if one.start > 60)
    material = material_of(1, [sentence.start - 1.0], seconds=3.0)
    window = next(one for one in material.windows if material.sentences[one.first] == sentence)
    evidence = evidence_for(material)
    assert evidence.heard.interrupted[window.first]
    undisturbed = replace(evidence, heard=replace(evidence.heard, interrupted=[False] * len(material.sentences)))
    (here,), (there,) = (contributions(LocalPicker(one), [window]) for one in (evidence, undisturbed))
    assert here["start"] == pytest.approx(there["start"] - LocalPicker(evidence).weights.interrupted)
