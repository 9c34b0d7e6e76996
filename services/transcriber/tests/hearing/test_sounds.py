"""The sounds of the room at their half seconds, with a model that answers by rule."""

import tracemalloc

import numpy as np
import pytest
from clipmill.contracts import codec
from clipmill.contracts.documents import Transcript
from clipmill.contracts.sounds import Sounds
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.hearing.sound_model import KINDS
from clipmill.transcriber.hearing.sounds import SoundMeter
from msgspec.structs import asdict, fields


class LoudIsLaughter:
    """A model that takes each patch with sound in the half second around its middle for laughter."""

    def scores(self, patches):
        scores = np.full((len(patches), len(KINDS)), -100, np.float32)
        scores[patches[:, 23:73].max(axis=(1, 2)) > -3, 0] = 2.5
        return scores


def burst(seconds, *times):
    """Return silence with noise of 0.3 s around each of `times`."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    for time in times:
        place = slice(round((time - 0.15) * RATE), round((time + 0.15) * RATE))
        sound[place] = np.random.default_rng(1).normal(0, 0.1, place.stop - place.start)
    return sound


def meter_of(*blocks, start=0.0):
    meter = SoundMeter(LoudIsLaughter(), start)
    passed = list(meter.measure(blocks))
    assert all(one is other for one, other in zip(passed, blocks, strict=True))
    return meter


def heard(sounds):
    return [number / 2 for number, score in enumerate(sounds.laughter) if score > 1]


def test_the_kinds_are_those_of_the_document():
    assert list(KINDS) == [field.name for field in fields(Sounds)]


@pytest.mark.parametrize("time", [3.75, 40.25, 599.75, 700.25])
def test_a_sound_stands_at_its_half_second(time):
    sound = burst(720, time)
    sounds = meter_of(sound[: 600 * RATE], sound[600 * RATE :]).sounds()
    assert time - 0.25 in heard(sounds)
    assert all(abs(found + 0.25 - time) <= 0.75 for found in heard(sounds))
    assert {len(scores) for scores in asdict(sounds).values()} == {1440}


def test_every_half_second_of_steady_sound_is_heard():
    sound = np.random.default_rng(1).normal(0, 0.1, 60 * RATE).astype(np.float32)
    assert set(meter_of(sound).sounds().laughter) == {128 + 20}


def test_sounds_of_a_part_stand_at_the_half_seconds_of_the_source():
    meter = meter_of(burst(20, 2.5, 10.0, 17.5), start=33.25)
    whole, part = heard(meter.sounds()), meter.sounds(40.25, 48.0)
    assert {35.5, 43.0, 50.5} <= set(whole)
    assert all(min(abs(found + 0.25 - time) for time in (35.75, 43.25, 50.75)) <= 0.75 for found in whole)
    assert len(part.laughter) == 96
    assert heard(part) == [found for found in whole if 40 <= found < 48] != []


def test_of_two_patches_in_a_half_second_the_likelier_counts():
    meter = SoundMeter(LoudIsLaughter())
    scores = np.zeros((50, len(KINDS)), np.float32)
    scores[[24, 48]] = 5.0  # the patch after the first of them has its middle in the same half second
    meter._note(scores)
    assert [place for place, score in enumerate(meter._scores["music"]) if score > 128] == [24, 47]
    assert (49 * 0.48 // 0.5, 25 * 0.48 // 0.5, 26 * 0.48 // 0.5) == (47, 24, 24)


def test_a_half_second_is_0_only_where_nobody_listened():
    sounds = meter_of(burst(10, 5.0), start=3.0).sounds()
    assert set(sounds.music[:6]) == {0}
    assert set(sounds.music[6:]) == {1}


def test_further_blocks_take_no_more_memory_than_the_first():
    block = np.random.default_rng(1).normal(0, 0.1, 600 * RATE).astype(np.float32)
    meter = SoundMeter(LoudIsLaughter())
    list(meter.measure([block]))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in meter.measure(block for _ in range(2)):
        pass
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 1 << 20
    assert peak - before < 60 << 20  # a block has 38 MB, and its spectrum as a whole would take 400
    meter._note(np.zeros((22_500, len(KINDS)), np.float32))
    assert len(meter._scores["music"]) > 21_600


def test_no_sound_has_no_scores():
    assert meter_of().sounds() == Sounds()


def test_a_document_keeps_its_sounds_in_a_byte_a_half_second():
    scores = bytes(range(256)) * 84  # three hours
    transcript = Transcript(language="", duration=10_752.0, sounds=Sounds(laughter=scores, singing=scores))
    data = codec.encode(transcript)
    assert codec.decode_document(data, Transcript) == transcript
    assert len(data) < 2 * len(scores) * 1.34 + 300


def test_a_document_of_an_older_version_has_no_sounds():
    assert codec.decode_document(b'{"language":"en","duration":1.0,"levels":[-20]}', Transcript).sounds is None
