"""The loudness and the pace of sentences are compared with the rest of the talk."""

import pytest
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.delivery import pauses, soundings, speakers_of
from clipmill.contracts.documents import Segment, Transcript


def _sentences(count, seconds=4.0, gap=1.0, texts=None):
    return [
        Sentence(
            number=index + 1,
            text=texts[index] if texts else "Twenty letters, more or less.",
            start=index * (seconds + gap),
            end=index * (seconds + gap) + seconds,
        )
        for index in range(count)
    ]


def _levels(of_each, seconds=4, gap=1, silence=-70):
    return [level for each in of_each for level in [each] * seconds + [silence] * gap]


def test_a_sentence_twice_as_loud_as_the_talk_is_has_all_the_energy():
    heard = soundings(_sentences(5), _levels([-24, -24, -18, -27, -24]))
    assert [each.energy for each in heard] == [0.0, 0.0, 1.0, -0.5, 0.0]


def test_turning_the_gain_up_changes_nothing():
    quiet, loud = ([-40, -37, -34, -40], [-20, -17, -14, -20])
    assert soundings(_sentences(4), _levels(quiet)) == soundings(_sentences(4), _levels(loud))


def test_each_speaker_is_compared_with_their_own_loudness():
    heard = soundings(_sentences(4), _levels([-20, -32, -20, -32]), ["A", "B", "A", "B"])
    assert [each.energy for each in heard] == [0.0, 0.0, 0.0, 0.0]


def test_without_levels_there_is_no_energy():
    assert [each.energy for each in soundings(_sentences(3))] == [0.0, 0.0, 0.0]


def test_levels_that_end_early_or_are_silent_are_ignored():
    heard = soundings(_sentences(3), [-20, -20, -20, -20, -70, -90, -90])
    assert [each.energy for each in heard] == [0.0, 0.0, 0.0]


def test_a_short_sentence_in_a_second_of_silence_is_as_loud_as_it_is():
    """Half of the second is speech at -20 dBFS, so its mean power is 3 dB less."""
    sentences = [*_sentences(2), Sentence(number=3, text="No!", start=10.0, end=10.5)]
    heard = soundings(sentences, [*_levels([-20, -20]), -23])
    assert heard[2].energy == pytest.approx(0.0, abs=0.01)


def test_twice_as_many_letters_a_second_is_all_the_pace():
    heard = soundings(_sentences(3, texts=["ten letter", "ten letter", "ten letterten letter"]))
    assert [each.pace for each in heard] == [0.0, 0.0, 1.0]


def test_a_pause_is_measured_against_the_usual_one():
    sentences = _sentences(4, gap=0.5)
    late = Sentence(number=5, text="Late.", start=sentences[-1].end + 1.5, end=sentences[-1].end + 3)
    assert pauses([*sentences, late]) == [1.0, 0.0, 0.0, 0.0, 1.0, 1.0]


def test_a_sentence_is_said_by_whoever_its_middle_belongs_to():
    segments = (
        Segment(text="x", start=0.0, end=4.5, speaker="A"),
        Segment(text="x", start=4.5, end=20.0, speaker="B"),
    )
    transcript = Transcript(language="en", duration=20.0, segments=segments)
    assert speakers_of(transcript, _sentences(3)) == ["A", "B", "B"]
