"""Songs and jingles are no speech, and a bed of music under speech is none of them."""

import random

import pytest
from clipmill.analyzer.plan import plan_of
from clipmill.analyzer.talk.boundaries import Boundaries
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.songs import PLAYED, SUNG, outside, songs_in
from clipmill.analyzer.talk.windows import Lengths
from clipmill.contracts.documents import Scenes, Shot, Word
from clipmill.contracts.options import JobOptions
from clipmill.contracts.sounds import Sounds
from msgspec.structs import replace

SPEECH = "This is sentence number {} and it has really quite a few more words, so that it is long enough."


@pytest.fixture
def material_with(media_of, say):
    """Make material of 24 sentences with singing and music where a test wants them, and words of a score."""

    def make(*, sung=(0.0, 0.0), share=0.4, music=40, score=0.9, options=None):
        transcript = say([SPEECH.format(number) for number in range(24)])
        halves = int(transcript.duration * 2) + 1
        chance = random.Random(5)
        inside = [sung[0] <= at / 2 < sung[1] for at in range(halves)]
        singing = bytes(SUNG if one and chance.random() < share else 50 for one in inside)
        played = bytes(music if one else 40 for one in inside)
        quiet = bytes(halves)
        sounds = Sounds(laughter=quiet, applause=quiet, cheering=quiet, shouting=quiet, music=played, singing=singing)
        segments = tuple(
            replace(
                segment,
                words=tuple(
                    replace(word, score=score if sung[0] <= word.start < sung[1] else 0.9) for word in segment.words
                ),
            )
            for segment in transcript.segments
        )
        transcript = replace(transcript, segments=segments, sounds=sounds)
        scenes = Scenes(shots=(Shot(start=0.0, end=transcript.duration),), detector="d", frame_rate=25.0)
        return Material(media_of(transcript.duration), transcript, scenes, options or JobOptions(target_clips=15))

    return make


def _clips(material: Material) -> list[tuple[float, float]]:
    plan = plan_of(material)
    return [(clip.start, clip.end) for clip in (*plan.clips, *plan.reserve)]


def test_no_clip_has_a_song(material_with):
    material = material_with(sung=(30.0, 62.0))
    (start, end) = material.songs[0]
    assert 25 < start < 35
    assert 55 < end < 68
    assert material.sentences[0].start < start < end < material.sentences[-1].end
    for begin, until in _clips(material):
        assert until <= start + 1 or begin >= end - 1
    assert any(begin < 15 for begin, _ in _clips(material))
    assert any(until > 100 for _, until in _clips(material))


def test_a_bed_of_loud_music_under_speech_costs_nothing(material_with):
    plain, bed = material_with(), material_with(sung=(0.0, 999.0), share=0.1, music=PLAYED + 10, score=0.7)
    assert bed.songs == []
    assert replace(plan_of(bed), captions=None) == replace(plan_of(plain), captions=None)


def test_words_that_a_recogniser_guesses_in_a_tune_are_no_speech(material_with):
    material = material_with(sung=(0.0, 40.0), share=0.0, music=PLAYED, score=0.3)
    assert len(material.songs) == 1
    assert all(begin > 35 for begin, _ in _clips(material))
    assert material_with(sung=(0.0, 40.0), share=0.0, music=PLAYED - 1, score=0.3).songs == []


def test_a_line_that_is_sung_for_an_example_stays(material_with):
    assert material_with(sung=(30.0, 33.0), share=0.9).songs == []


def test_a_source_that_is_one_song_is_clipped_by_its_sound(material_with):
    material = material_with(sung=(0.0, 999.0))
    assert material.words == []
    plan = plan_of(material)
    assert plan.clips
    assert all(not clip.quote and clip.score <= 60 for clip in plan.clips)


def test_without_sounds_there_are_no_songs(say):
    words = [word for segment in say(["Twinkle, twinkle, little star."] * 9).segments for word in segment.words]
    assert songs_in([], words, None) == []
    assert songs_in([], words, Sounds()) == []


def test_singers_pause_within_a_song():
    sentences = [Sentence(number=at, text="La.", start=3.0 * at, end=3.0 * at + 3) for at in range(20)]
    scores = [SUNG if at % 3 == 0 and not 42 <= at < 54 else 50 for at in range(120)]
    sounds = Sounds(**dict.fromkeys(("laughter", "applause", "cheering", "shouting", "music"), bytes(120)))
    assert songs_in(sentences, [], replace(sounds, singing=bytes(scores))) == [(0.0, 60.0)]


def test_a_clip_ends_before_a_song_or_starts_after_it():
    sentences = [Sentence(number=at, text="So.", start=20.0 * at, end=20.0 * at + 8) for at in range(3)]
    boundaries = Boundaries(sentences, [], 60.0, Lengths.of(5, 60), None, songs=[(8.5, 19.5)])
    assert boundaries.fit(0, 0) is not None
    assert boundaries.fit(0, 1) is None
    assert boundaries.fit(1, 2) is not None


def test_words_belong_to_a_song_if_any_of_them_is_in_it():
    words = [Word(text=str(at), start=float(at), end=at + 0.9) for at in range(6)]
    assert [word.text for word in outside(words, [(1.0, 2.9), (4.5, 5.0)])] == ["0", "3", "5"]
