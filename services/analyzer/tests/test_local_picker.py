"""Whether the local picker finds what is worth watching."""

import json
import time

import pytest
from clipmill.analyzer.features import features_of
from clipmill.analyzer.planning import Material, pick_locally
from clipmill.analyzer.sentences import Sentence
from clipmill.contracts.documents import Scenes, Segment, Shot, Transcript, Word
from clipmill.contracts.options import JobOptions

HIT = 0.5
"""Intersection over union from which a clip counts as the planted passage."""


@pytest.fixture
def pick(media_of):
    def run(transcript, duration, count):
        scenes = Scenes(shots=(Shot(start=0, end=duration),), detector="d", frame_rate=25.0)
        material = Material(media_of(duration), transcript, scenes, JobOptions(target_clips=count))
        return [(moment.window.start_ms / 1000, moment.window.end_ms / 1000) for moment in pick_locally(material)]

    return run


def _hits(clips, planted):
    return sum(max((_overlap(clip, passage) for clip in clips), default=0) >= HIT for passage in planted)


def _overlap(one, other):
    shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    return shared / (one[1] - one[0] + other[1] - other[0] - shared)


def test_it_finds_four_of_five_planted_passages_and_far_more_than_even_spacing_does(pick, make_talk):
    found = even = planted = 0
    for seed in range(30):
        talk = make_talk(seed)
        duration, count = talk.transcript.duration, len(talk.highlights)
        length = sum(end - start for start, end in talk.highlights) / count
        middles = [(index + 0.5) * duration / count for index in range(count)]
        found += _hits(pick(talk.transcript, duration, count), talk.highlights)
        even += _hits([(middle - length / 2, middle + length / 2) for middle in middles], talk.highlights)
        planted += count
    assert found / planted >= 0.8
    assert found >= even * 1.5


@pytest.mark.parametrize("name", ["talk", "interview"])
def test_it_finds_the_highlights_of_the_corpus(pick, corpus, name):
    truth = json.loads((corpus / f"{name}.truth.json").read_text())
    segments = []
    for sentence in truth["sentences"]:
        texts, time_now = sentence["text"].split(), sentence["start"]
        step = (sentence["end"] - sentence["start"]) / sum(len(text) for text in texts)
        words = []
        for text in texts:
            words.append(Word(text=text, start=time_now, end=time_now + step * len(text)))
            time_now += step * len(text)
        segments.append(
            Segment(text=sentence["text"], start=sentence["start"], end=sentence["end"], words=tuple(words))
        )
    transcript = Transcript(language="en", duration=truth["duration"], segments=tuple(segments))
    planted = [(highlight["start"], highlight["end"]) for highlight in truth["highlights"]]
    assert _hits(pick(transcript, truth["duration"], len(planted)), planted) == len(planted)


def test_an_hour_takes_less_than_two_seconds(pick, make_talk, say):
    texts = []
    while len(texts) < 1050:
        texts += [segment.text for segment in make_talk(len(texts)).transcript.segments]
    transcript = say(texts)
    assert transcript.duration > 3600
    began = time.process_time()
    assert len(pick(transcript, transcript.duration, 15)) == 15
    assert time.process_time() - began < 2.0


def _features(*texts):
    return features_of([Sentence(number=i, text=t, start=i * 5.0, end=i * 5.0 + 4) for i, t in enumerate(texts, 1)])


def test_a_question_that_wants_an_answer_hooks_and_a_request_does_not():
    why, request = _features("Why does everybody leave after one year?", "Could you close the window, please?")
    assert why.hook > 0.9
    assert request.hook <= 0


def test_a_sentence_that_needs_the_one_before_dangles():
    dangling, alone = _features("It was the worst of them.", "Nobody reads the manual.")
    assert dangling.dangling == 1.0
    assert alone.dangling == 0.0


def test_announcements_are_housekeeping():
    announcement, story = _features("Please register for the next session on Monday.", "He lost his boat that night.")
    assert announcement.housekeeping > 0.8
    assert story.housekeeping == 0.0
    assert story.story > 0
