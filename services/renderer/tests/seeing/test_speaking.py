from itertools import pairwise

import numpy as np
import pytest
from clipmill.contracts.documents import Word
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.speaking import talk, turns, voiced
from clipmill.renderer.seeing.survey import SurveyedShot
from clipmill.renderer.seeing.tracking import Detection, Track
from clipmill.renderer.shots import Span

RATE = 25.0
QUIET, LOUD = -60.0, -20.0


def seconds(*intervals, length=20.0, rate=RATE):
    heard = np.zeros(round(length * rate), np.bool_)
    for start, end in intervals:
        heard[round(start * rate) : round(end * rate)] = True
    return heard


def levels(*loud, length=10.0):
    return np.where(seconds(*loud, length=length, rate=100), LOUD, QUIET)


@pytest.fixture
def shot():
    """Return a function that makes a shot of people who speak in given intervals.

    Mouths move three times as fast while they speak, and the measured speeds have noise.
    """

    def make(*speaking, length=20.0, first=0, noise=0.8, floor=0.0, away=(), step=3):
        chance = np.random.default_rng(7)
        last = first + round(length * RATE) - 1
        tracks = []
        for number, intervals in enumerate(speaking):
            frames = [
                frame
                for frame in range(first, last + 1, step)
                if not any(who == number and start <= frame / RATE < end for who, start, end in away)
            ]
            moving = [any(start <= frame / RATE < end for start, end in intervals) for frame in frames]
            speeds = [
                float(np.hypot(floor, (0.06 if moves else 0.02) * chance.lognormal(0, noise))) for moves in moving
            ]
            face = Face(Box(100 + 500 * number, 100, 100, 100), 140, 0.9, (150 + 500 * number, 180))
            detections = [Detection(frame, face) for frame in frames]
            tracks.append(Track(number + 3, detections, list(zip(frames, speeds, strict=True))))
        return SurveyedShot(Span(first, last), tuple(range(first, last + 1, step)), tuple(tracks))

    return make


def turns_of(shot, heard):
    return [(turn.track - 3, turn.first, turn.last) for turn in turns(shot, shot.tracks, heard, RATE)]


def test_words_show_when_speech_is_heard_and_close_short_pauses(spoken):
    heard = voiced([*spoken("one two three", 1.0, 2.0), *spoken("four", 2.1, 2.5)], levels(), RATE, 100)
    assert np.flatnonzero(heard).tolist() == list(range(25, 62))


def test_a_pause_between_sentences_is_silent(spoken):
    heard = voiced([*spoken("one", 0.0, 1.0), *spoken("two", 1.4, 2.0)], levels(), RATE, 100)
    assert not heard[26:34].any()


def test_words_are_believed_against_the_sound():
    assert not voiced([Word(text="a", start=0, end=1)], levels((0, 10)), RATE, 250)[30:].any()


def test_words_outside_the_clip_do_no_harm():
    words = [Word(text="a", start=-2, end=-1), Word(text="b", start=9.5, end=12)]
    assert np.flatnonzero(voiced(words, levels(), RATE, 250)).tolist() == list(range(238, 250))


def test_without_words_the_sound_decides():
    heard = voiced([], levels((2, 4), (6, 9)), RATE, 250)
    assert heard[51:99].all()
    assert heard[151:224].all()
    assert not heard[:49].any()
    assert not heard[102:149].any()


@pytest.mark.parametrize("level", [-120.0, -18.0])
def test_silence_and_a_steady_tone_are_nobody(level):
    assert not voiced([], np.full(1000, level), RATE, 250).any()
    assert not voiced([], np.zeros(0), RATE, 250).any()


def test_the_speaker_is_followed_and_the_change_is_in_the_pause(shot):
    heard = seconds((0, 9.6), (10, 20))
    said = turns_of(shot([(0, 9.8)], [(9.8, 20)]), heard)
    assert [who for who, _, _ in said] == [0, 1]
    assert 9.6 * RATE <= said[1][1] <= 10 * RATE


def test_turns_cover_the_shot_without_gaps(shot):
    said = turns_of(shot([(4, 8), (12, 15)], [(8, 12), (15, 24)], first=100), np.ones(1000, np.bool_))
    assert [who for who, _, _ in said] == [0, 1, 0, 1]
    assert (said[0][1], said[-1][2]) == (100, 599)
    assert all(after[1] == before[2] + 1 for before, after in pairwise(said))


def test_changes_without_a_pause_are_met_within_half_a_second(shot):
    said = turns_of(shot([(0, 6), (13, 20)], [(6, 13)]), seconds((0, 20)))
    assert [who for who, _, _ in said] == [0, 1, 0]
    assert [first / RATE for _, first, _ in said[1:]] == pytest.approx([6, 13], abs=0.5)


def test_a_word_thrown_in_takes_no_turn(shot):
    said = turns_of(shot([(0, 20)], [(8, 8.6)]), seconds((0, 20)))
    assert [who for who, _, _ in said] == [0]


def test_a_laugh_takes_no_turn(shot):
    laughing = shot([(0, 20)], [])
    laughing.tracks[1].motion[:] = [
        (frame, 3.0 if 200 <= frame < 215 else speed) for frame, speed in laughing.tracks[1].motion
    ]
    assert [who for who, _, _ in turns_of(laughing, seconds((0, 20)))] == [0]


def test_a_mouth_that_moves_while_nobody_is_heard_does_not_speak(shot):
    said = turns_of(shot([(0, 8)], [(8, 20)]), seconds((0, 8)))
    assert [who for who, _, _ in said] == [0]


def test_no_turn_is_shorter_than_a_second_of_speech(shot):
    heard = seconds((0, 20))
    changes = np.arange(0, 20, 0.7)
    said = turns_of(shot([(t, t + 0.7) for t in changes[::2]], [(t, t + 0.7) for t in changes[1::2]], noise=0.1), heard)
    assert all(last - first + 1 >= RATE - 3 for _, first, last in said[1:-1])


def test_noise_that_moves_all_mouths_does_not_hide_the_speaker(shot):
    said = turns_of(shot([(0, 10)], [(10, 20)], floor=0.08, noise=0.3), seconds((0, 20)))
    assert [who for who, _, _ in said] == [0, 1]


def test_the_speaker_among_three_people_is_found(shot):
    said = turns_of(shot([(0, 6)], [(6, 12)], [(12, 20)]), seconds((0, 20)))
    assert [who for who, _, _ in said] == [0, 1, 2]


def test_somebody_out_of_sight_is_not_shown(shot):
    said = turns_of(shot([(0, 20)], [], away=[(0, 8, 16)]), seconds((0, 20)))
    shown = {frame: who for who, first, last in said for frame in range(first, last + 1)}
    assert [shown[frame] for frame in (100, 300, 470)] == [0, 1, 0]


def test_one_person_has_no_turns(shot):
    assert turns_of(shot([(0, 20)]), seconds((0, 20))) == []


def test_mouths_that_move_alike_give_no_turns(shot):
    assert turns_of(shot([(0, 20)], [(0, 20)], noise=0.02, floor=0.2), seconds((0, 20))) == []


def test_silence_gives_no_turns(shot):
    assert turns_of(shot([(0, 10)], [(10, 20)]), seconds()) == []


def test_without_measured_mouths_there_are_no_turns(shot):
    seen = shot([(0, 10)], [(10, 20)])
    for track in seen.tracks:
        track.motion.clear()
    assert turns_of(seen, seconds((0, 20))) == []


def test_talk_is_counted_in_seconds_heard(shot):
    seen = shot([(0, 10)], [(10, 20)])
    heard = talk(seen, seen.tracks, seconds((0, 8), (11, 20)), RATE)
    assert heard == pytest.approx({3: 8.0, 4: 9.0}, abs=0.3)


def test_a_person_alone_is_taken_to_talk(shot):
    seen = shot([(0, 10)])
    assert talk(seen, seen.tracks, seconds((2, 7)), RATE) == {3: 5.0}


def test_without_turns_nobody_has_talked(shot):
    seen = shot([(0, 20)], [(0, 20)], noise=0.02, floor=0.2)
    assert talk(seen, seen.tracks, seconds((0, 20)), RATE) == {3: 0.0, 4: 0.0}
    assert talk(seen, (), seconds((0, 20)), RATE) == {}
