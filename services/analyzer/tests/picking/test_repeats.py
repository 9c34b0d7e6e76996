"""A passage that is said twice is one moment, and its better copy is taken."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from clipmill.analyzer.picking.local_moments import pick_locally
from clipmill.analyzer.picking.proposed_moments import adopted
from clipmill.analyzer.picking.repeats import Repeats
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import Scenes, Shot
from clipmill.contracts.options import JobOptions

STORY = [
    "Let me tell you about the night when our only bridge fell into the river.",
    "Nobody had looked below its third pillar for forty years.",
    "An old fisherman saw a crack and wrote eleven letters to the mayor.",
    "All of them were found unopened in a drawer after the funeral.",
]
LEADING = [
    "The fisherman of this bridge is a legend in our river town now.",
    "People ask about his letters every year.",
]
FOLLOWING = ["The mayor of the town resigned over the letters.", "Every bridge of the river is inspected twice now."]
ELSEWHERE = [
    "Good evening and welcome to this hall.",
    "Coats can be left beside the entrance.",
    "The second speaker is late because of her train.",
    "There will be soup at seven and cake at nine.",
    "Please fill in the form under your chair.",
    "Our treasurer reports a small surplus again.",
    "Membership fees stay as they are until spring.",
    "The parking garage closes at half past ten.",
]


@pytest.fixture
def material_of(say, media_of):
    def make(texts, cuts=(), **options):
        transcript = say(texts)
        edges = [0.0, *(transcript.segments[number].start - 0.2 for number in cuts), transcript.duration]
        shots = tuple(Shot(start=one, end=other) for one, other in pairwise(edges))
        scenes = Scenes(shots=shots, detector="d", frame_rate=25.0)
        return Material(media_of(transcript.duration), transcript, scenes, JobOptions(**options))

    return make


def _sentences(texts):
    return [Sentence(number=i, text=text, start=i * 5.0, end=i * 5.0 + 4) for i, text in enumerate(texts, 1)]


def _window(first, last):
    return Window(first=first, last=last, start_ms=first * 1000, end_ms=last * 1000 + 1000)


def _telling(plan, material):
    """Return the first sentences of the clips that tell the story, the reserve included."""
    firsts = []
    for clip in (*plan.clips, *plan.reserve):
        inside = [each for each in material.sentences if clip.start <= each.start and each.end <= clip.end]
        if sum(each.text in STORY for each in inside) >= 2:
            firsts.append(inside[0].number - 1)
    return firsts


def test_a_passage_repeats_its_copy_and_a_part_of_it_and_nothing_else():
    repeats = Repeats(_sentences([*STORY, *ELSEWHERE, *STORY[:3]]))
    assert repeats.same(_window(0, 3), _window(12, 14))
    assert repeats.same(_window(0, 3), _window(11, 13)), "two sentences of the story and another one"
    assert not repeats.same(_window(0, 3), _window(4, 7))
    assert not repeats.same(_window(4, 7), _window(8, 11))


def test_a_misheard_word_does_not_hide_a_copy():
    heard = [text.replace("river", "liver").replace("mayor", "major") for text in STORY]
    assert Repeats(_sentences([*STORY, *ELSEWHERE, *heard])).same(_window(0, 3), _window(12, 15))


def test_a_phrase_of_every_sentence_makes_no_copies():
    texts = [f"This is sentence number {number} and it has really quite a few more words." for number in range(40)]
    repeats = Repeats(_sentences(texts))
    assert not any(repeats.same(_window(a, a + 3), _window(b, b + 3)) for a, b in combinations(range(0, 40, 4), 2))


def test_a_short_coincidence_is_no_passage():
    texts = ["At the end of the day it rained.", *ELSEWHERE, "At the end of the day we won."]
    assert not Repeats(_sentences(texts)).same(_window(0, 0), _window(9, 9))


def test_windows_without_three_words_are_no_copies():
    repeats = Repeats(_sentences(["Yes.", "Yes.", "", "No way."]))
    common, repeated = repeats.shared(_window(0, 1), np.array([0, 2]), np.array([1, 3]))
    assert common.tolist() == [0.0, 0.0]
    assert not repeated.any()


@pytest.mark.parametrize("count", [1, 2, 5, None])
def test_a_source_that_repeats_itself_gives_each_passage_once(material_of, count):
    material = material_of([*STORY, *ELSEWHERE] * 4, target_clips=count)
    plan = plan_of(material)
    assert len(_telling(plan, material)) == 1
    clips = [*plan.clips, *plan.reserve]
    assert len({clip.quote for clip in clips}) == len(clips)


@pytest.mark.parametrize("teaser", [STORY, STORY[:3], STORY[1:]])
def test_the_passage_in_its_place_wins_over_its_teaser(material_of, teaser):
    texts = [*teaser, *ELSEWHERE[:4], *LEADING, *STORY, *FOLLOWING, *ELSEWHERE[4:]]
    material = material_of(texts, cuts=[len(teaser)])
    (first,) = _telling(plan_of(material), material)
    assert first >= len(teaser) + 4


@pytest.mark.parametrize("cut_at", [0, 1])
def test_of_two_copies_the_one_between_cuts_is_taken(material_of, cut_at):
    texts = [*ELSEWHERE[:3], *STORY, *ELSEWHERE[3:6], *STORY, *ELSEWHERE[6:]]
    places = [(3, 7), (10, 14)]
    material = material_of(texts, cuts=places[cut_at])
    (first,) = _telling(plan_of(material), material)
    assert first == places[cut_at][0]


def test_what_is_picked_beside_a_models_moments_does_not_repeat_them(material_of):
    material = material_of([*STORY, *ELSEWHERE, *STORY, *ELSEWHERE[::-1]])
    window = material.boundaries.fit(0, 3)
    moment = Moment(window=window, title="t", tiktok="t", instagram="t", youtube="t", score=90)
    repeats = Repeats(material.sentences)
    assert not any(repeats.same(window, other.window) for other in pick_locally(material, [moment]))


def test_of_a_models_moments_that_repeat_each_other_one_stays_with_the_better_score(material_of):
    texts = [*STORY, *ELSEWHERE[:4], *LEADING, *STORY, *FOLLOWING, *ELSEWHERE[4:]]
    material = material_of(texts, cuts=[4])
    proposed = [
        Moment(window=material.boundaries.fit(*edges), title=title, tiktok="t", instagram="t", youtube="t", score=score)
        for edges, title, score in (((0, 3), "teaser", 90), ((10, 13), "story", 80), ((14, 19), "other", 70))
    ]
    kept = adopted(material, proposed)
    assert [(moment.title, moment.score) for moment in kept] == [("story", 90), ("other", 70)]
    assert kept[0].quote in STORY
