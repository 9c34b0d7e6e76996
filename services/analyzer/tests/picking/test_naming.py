"""The texts about a moment are made of what is said, heard and seen."""

from itertools import pairwise

import pytest
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.picking.naming import Naming, clock, topic_of
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import Scenes, Shot, Transcript
from clipmill.contracts.options import JobOptions
from msgspec.structs import replace


def _window(start, end, first=0, last=-1):
    return Window(first=first, last=last, start_ms=start * 1000, end_ms=end * 1000)


@pytest.fixture
def silent(media_of):
    """Return a function that makes the material of ten minutes without speech."""

    def make(title="", levels=(), cuts=()):
        edges = [0.0, *cuts, 600.0]
        shots = tuple(Shot(start=start, end=end) for start, end in pairwise(edges))
        transcript = Transcript(language="", duration=600.0, levels=tuple(levels))
        scenes = Scenes(shots=shots, detector="d", frame_rate=25.0)
        return Material(replace(media_of(600.0), title=title), transcript, scenes, JobOptions())

    return make


def test_a_wordless_clip_is_named_by_its_sound(silent):
    levels = [-40] * 83 + [-20] * 30 + [-40] * 487
    material = silent("holiday_final_2", levels)
    assert Naming(material).wordless(_window(83, 113)).title == "Loud moment at 1:23"
    assert Naming(material).wordless(_window(200, 230)).title == "Moment at 3:20"


def test_a_wordless_clip_is_named_by_its_shots(silent):
    material = silent("clip.mp4", cuts=[40.0, 43.0, 46.0, 50.0, 300.0])
    assert Naming(material).wordless(_window(40, 60)).title == "Quick sequence of shots at 0:40"
    assert Naming(material).wordless(_window(290, 320)).title == "Moment at 4:50"


def test_a_wordless_clip_has_the_title_that_a_person_gave_its_source(silent):
    assert Naming(silent("A winter in Oslo.mp4")).wordless(_window(5, 35)).title == "A winter in Oslo: moment at 0:05"
    long = "A winter in Oslo, Bergen, Trondheim, and all of the small villages between them"
    assert Naming(silent(long)).wordless(_window(5, 35)).title == "Moment at 0:05"


def test_swear_words_are_masked_in_titles_and_captions(say, media_of):
    transcript = say(["Forty percent of the bullshit was written by one man.", "Nobody asked Dick why."] * 3)
    scenes = Scenes(shots=(Shot(start=0, end=transcript.duration),), detector="d", frame_rate=25.0)
    material = Material(media_of(transcript.duration), transcript, scenes, JobOptions(target_clips=1))
    (moment,) = pick_locally(material)
    texts = f"{moment.title} {moment.youtube} {moment.tiktok} {moment.instagram}"
    assert "bullshit" not in texts.lower()
    assert "b*******" in texts
    assert "#b" not in texts


def test_captions_are_free_of_stammers_and_hold_the_sentence_of_the_title(say, media_of):
    transcript = say(
        ["So I I think the the harbour, you know, was was empty for forty years, and nobody asked why."] * 2
    )
    scenes = Scenes(shots=(Shot(start=0, end=transcript.duration),), detector="d", frame_rate=25.0)
    material = Material(media_of(transcript.duration), transcript, scenes, JobOptions(clip_min_seconds=5.0))
    texts = Naming(material, [0.0, 1.0]).spoken(_window(0, 10, 0, 1))
    assert texts.title == "The harbour was empty for forty years"
    assert texts.tiktok.startswith("So I think the harbour was empty for forty years, and nobody asked why.")
    assert "#harbour" in texts.tiktok


def test_a_caption_begins_with_a_capital_and_has_its_quotation_marks_in_pairs(say, media_of):
    transcript = say(
        ['I mean, "the harbour was empty for forty years.', 'So we asked forty percent of the keepers why, right?"']
    )
    scenes = Scenes(shots=(Shot(start=0, end=transcript.duration),), detector="d", frame_rate=25.0)
    material = Material(media_of(transcript.duration), transcript, scenes, JobOptions(clip_min_seconds=5.0))
    texts = Naming(material, [0.0, 1.0]).spoken(_window(0, 10, 0, 1))
    assert texts.instagram.startswith(
        "The harbour was empty for forty years. So we asked forty percent of the keepers why?"
    )
    assert '"' not in texts.instagram


def test_a_passage_without_a_point_is_named_by_its_subjects():
    tags = ["#glacier", "#nasa", "#water", "#ice"]
    assert topic_of(tags, ["The glacier that NASA saw."]) == "Glacier, NASA, water"
    assert topic_of(tags[:1], []) == ""


@pytest.mark.parametrize(("time_ms", "shown"), [(0, "0:00"), (83_999, "1:23"), (3_600_000, "1:00:00")])
def test_a_time_is_shown_in_minutes_and_seconds(time_ms, shown):
    assert clock(time_ms) == shown
