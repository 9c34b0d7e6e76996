"""The real YAMNet on sound that is made here, and the constants of its file."""

import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.models import locate
from clipmill.transcriber.hearing import sound_model
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.hearing.initializers import read_initializers
from clipmill.transcriber.hearing.sound_model import KINDS, SoundModel, learned_ear, members
from clipmill.transcriber.hearing.sounds import SoundMeter

pytestmark = pytest.mark.media

LIKELY = 128
UNLIKELY = 80
AUDIBLE = 98  # readers believe a reaction from here


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return SoundModel(tmp_path_factory.mktemp("models"))


def chord(root, seconds=0.4):
    """Return a major chord that dies away, of notes with three overtones."""
    times = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * root * step * k * times) / k for step in (1, 1.26, 1.5) for k in (1, 2, 3, 4)]
    return (0.2 * np.exp(-4 * times) * np.sum(waves, axis=0)).astype(np.float32)


def claps(seconds=10, rate=40):
    """Return some short bursts of noise a second, each with a resonance, as hands have."""
    rng = np.random.default_rng(1)
    sound = np.zeros(seconds * RATE, np.float32)
    for place in rng.integers(0, len(sound) - 320, rate * seconds):
        times = np.arange(320)
        burst = rng.normal(0, 1, 320) * np.exp(-times / rng.uniform(20, 60))
        ring = 0.4 + np.cos(2 * np.pi * rng.uniform(900, 2500) * times / RATE)
        sound[place : place + 320] += burst * ring * rng.uniform(0.03, 0.2)
    return sound


def heard(model, *blocks):
    meter = SoundMeter(model)
    list(meter.measure(blocks))
    return meter.sounds()


def test_chords_are_music_while_they_last(model):
    music = np.concatenate([chord(root) for root in (262, 349, 392, 262) * 6])  # 9.6 s
    silence = np.zeros(10 * RATE, np.float32)
    sounds = heard(model, silence, music, silence)
    assert np.median(list(sounds.music[20:39])) > LIKELY
    assert max(sounds.music[:18] + sounds.music[42:]) < UNLIKELY
    assert max(sounds.laughter + sounds.applause + sounds.cheering + sounds.shouting) < UNLIKELY


def test_claps_are_nearer_to_applause_than_steady_noise_or_a_tone(model):
    noise = np.random.default_rng(1).normal(0, 0.1, 10 * RATE).astype(np.float32)
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(10 * RATE) / RATE)).astype(np.float32)
    clapping = max(heard(model, claps()).applause)
    assert clapping > max(heard(model, noise).applause) + 40
    assert clapping > max(heard(model, tone).applause) + 40


def test_a_score_does_not_depend_on_the_blocks(model):
    sound = np.concatenate([chord(root) for root in (262, 349, 392, 262) * 6] + [claps(5)])
    assert heard(model, *np.array_split(sound, 7)) == heard(model, sound)


def test_the_scales_are_those_of_the_file(model):
    assert model._input == (pytest.approx(0.0479, abs=1e-4), 144)
    assert model._input.step * (0 - model._input.zero) == pytest.approx(np.log(0.001), abs=0.05)  # silence is byte 0
    assert model._output == (pytest.approx(0.7565, abs=1e-4), 190)


def test_claps_are_applause_in_loud_noise_too(model):
    noise = np.random.default_rng(2).normal(0, 0.01, 10 * RATE).astype(np.float32)  # -40 dBFS
    assert max(heard(model, noise).applause) < AUDIBLE
    assert max(heard(model, claps() + noise).applause) >= AUDIBLE


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(5 * RATE, np.float32),
        np.full(5 * RATE, 0.5, np.float32),
        np.sign(np.sin(2 * np.pi * 150 * np.arange(5 * RATE) / RATE)).astype(np.float32),
        np.random.default_rng(3).choice([-1, 1], 5 * RATE).astype(np.float32),
        np.full(5 * RATE, np.nan, np.float32),
    ],
    ids=["silence", "constant", "square wave", "clipped noise", "damaged"],
)
def test_nobody_reacts_in_broken_sound(model, sound):
    sounds = heard(model, sound)
    assert max(sounds.laughter + sounds.applause + sounds.cheering) < AUDIBLE


def test_the_learned_weights_are_for_all_classes_and_for_kinds_of_sound():
    ear = learned_ear()
    assert set(ear.kinds) == {"laughter", "applause"}
    assert ear.weights.shape == (521, 2)
    one = np.zeros((1, 521), np.float32)
    one[0, 13] = 2.0
    assert ear.scores(one)[0] == pytest.approx(ear.constants + 2 * ear.weights[13])


class Recorder:
    """A session that keeps its input and gives every class the log-odds 0."""

    def run(self, _, inputs):
        self.heard = inputs["audio"]
        return [np.full((1, 521), 190, np.uint8)]


def test_numbers_become_the_bytes_that_stand_for_them(tmp_path, monkeypatch):
    model = SoundModel(tmp_path)
    monkeypatch.setattr(model, "_session", Recorder())
    patch = np.zeros((1, 96, 64), np.float32)
    patch[0, 0, :4] = (np.log(0.001), -100, 100, 0.0479 * 3)
    patch[0, 1, :3] = (np.nan, np.inf, -np.inf)
    scores = dict(zip(KINDS, model.scores(patch)[0].tolist(), strict=True))
    ear = learned_ear()
    surer = -sound_model.SURER_STEPS * model._output.step
    assert max(ear.constants) < surer
    assert scores == dict.fromkeys(KINDS, 0.0) | dict.fromkeys(ear.kinds, pytest.approx(surer))
    heard = model._session.heard
    assert heard.shape == (1, 1, 96, 64)
    assert heard[0, 0, 0, :5].tolist() == [0, 0, 255, 147, 144]
    assert heard[0, 0, 1, :3].tolist() == [0, 255, 0]


def test_every_class_of_a_kind_is_in_the_class_map_and_in_no_other_kind(tmp_path):
    indices = members(locate(sound_model.MODEL, tmp_path) / "yamnet_class_map.csv")
    assert [len(found) for found in indices] == [len(names) for names in KINDS.values()]
    assert len({index for found in indices for index in found}) == sum(len(names) for names in KINDS.values())
    assert (indices[0][0], indices[1][-1]) == (13, 62)  # Laughter and Applause in the published map


def test_missing_weights_are_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("clipmill.operations.models._installed_path", lambda _: None)
    with pytest.raises(Permanent, match="clipmill models fetch yamnet") as caught:
        SoundModel(tmp_path)
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE


def field(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


def test_initializers_are_found_among_other_fields():
    tensor = bytes([2 << 3, 1]) + field(8, b"step") + field(9, b"\x00\x00\x80\x3f") + field(12, b"doc")
    graph = field(1, b"node") + field(5, tensor) + field(11, b"in") + bytes([9 << 3 | 5, 1, 2, 3, 4])
    model = bytes([1 << 3, 0x88, 0x01]) + bytes([3 << 3 | 1, *range(8)]) + field(7, graph)
    assert read_initializers(model) == {"step": b"\x00\x00\x80\x3f"}


@pytest.mark.parametrize("data", [b"\x3a\x05ab", b"\x08\x80", b"\x0b\x00"])
def test_other_bytes_than_a_model_are_refused(data):
    with pytest.raises(ValueError, match=r"message ends inside|wire type"):
        read_initializers(data)
