"""Every score is explained by parts that sum to it."""

import re
from pathlib import Path

import pytest
from clipmill.analyzer.picking.evidence import evidence_for
from clipmill.analyzer.picking.local_moments import HIGHEST_LOCAL_SCORE, deviations_of, pick_locally, score_of
from clipmill.analyzer.picking.local_picker import LocalPicker
from clipmill.analyzer.picking.score_parts import BASE, contributions, score_parts
from clipmill.analyzer.picking.wordless import Wordless
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import MODEL, ORDER, SUBJECT, Moment, scored
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import Transcript
from clipmill.contracts.options import JobOptions
from talks.judging import material_of


def test_parts_are_whole_points_and_the_base_is_the_rest():
    parts = score_parts(80, {"interest": 20.6, "start": -3.4, "cohesion": 0.2, "ending": 5.0})
    assert [(part.name, part.points) for part in parts] == [
        ("base", 57),
        ("interest", 21),
        ("ending", 5),
        ("start", -3),
    ]


@pytest.mark.parametrize("number", range(6))
def test_contributions_add_up_to_the_value(make_talk, number):
    material = material_of(make_talk(number))
    picker = LocalPicker(evidence_for(material))
    windows = material.windows[::7]
    sums = [sum(each.values()) for each in contributions(picker, windows)]
    assert sums == pytest.approx(picker.valued(windows), abs=1e-9)


def test_a_stronger_start_shows_in_the_part_of_its_name(make_talk):
    material = material_of(make_talk(2))
    picker = LocalPicker(evidence_for(material))
    starts = [each["start"] for each in contributions(picker, material.windows)]
    features = picker.evidence.features
    best = material.windows[starts.index(max(starts))]
    assert features[best.first].hook == max(features[window.first].hook for window in material.windows)


def test_every_moment_of_a_talk_has_its_parts_and_its_quote(make_talk):
    material = material_of(make_talk(4))
    for moment in pick_locally(material):
        assert sum(part.points for part in moment.parts) == moment.score
        assert {"base", "interest"} <= {part.name for part in moment.parts}
        assert moment.quote in [sentence.text for sentence in material.sentences]


def test_a_score_that_changes_keeps_its_parts_and_names_the_change():
    window = Window(first=0, last=0, start_ms=0, end_ms=1)
    moment = Moment(window=window, title="t", tiktok="", instagram="", youtube="", score=70)
    twice = scored(scored(moment, 65), 66)
    assert twice.score == 66
    assert [(part.name, part.points) for part in twice.parts] == [("model", 70), ("order", -4)]


def test_the_docs_explain_every_part(make_talk):
    talk = make_talk(0)
    silent = Material(talk.media, Transcript(language="", duration=0.0), talk.scenes, JobOptions())
    segments = Wordless(silent.levels, [], silent.duration_ms).ranked([(0, silent.duration_ms)], silent.lengths)
    spoken = material_of(talk)
    picker = LocalPicker(evidence_for(spoken))
    kinds = {*segments[0].parts, *contributions(picker, spoken.windows[:1])[0], BASE, MODEL, SUBJECT, ORDER}
    page = (Path(__file__).parents[4] / "docs" / "scores.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == kinds


def test_scores_of_moments_far_above_the_rest_still_differ():
    """A moment that stands out by six deviations is no equal of one that stands out by four."""
    scores = [round(score_of(above)) for above in (-9.0, 0.0, 1.0, 2.0, 4.0, 6.0, 99.0)]
    assert scores == [3, 50, 64, 75, 90, 95, HIGHEST_LOCAL_SCORE]


@pytest.mark.parametrize("above", [-3.0, -0.5, 0.0, 1.0, 3.3])
def test_the_value_behind_a_score_is_found_again(above):
    assert deviations_of(score_of(above)) == pytest.approx(above)
