"""Diarization by the real WhisperX and pyannote, with a pipeline that needs no weights."""

import numpy as np
import pytest
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.recognising.turns import Turn

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the model libraries' own


@pytest.fixture
def load(offline_libraries):
    from clipmill.transcriber.recognising.diarization import load_diarizer  # its imports take seconds

    return load_diarizer


def sound(*parts):
    """Return a tone in parts, each with a length in seconds and an amplitude."""
    return np.concatenate(
        [amplitude * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE) for seconds, amplitude in parts]
    ).astype(np.float32)


def test_turns_say_who_speaks_when(load, level_diarization):
    diarizer = load(level_diarization, "cpu")

    turns = diarizer.turns(sound((2, 0.5), (1, 0.0), (3, 0.05), (1.5, 0.5)), lambda share: None)

    assert turns == [Turn(0.0, 2.0, "SPEAKER_01"), Turn(3.0, 6.0, "SPEAKER_00"), Turn(6.0, 7.5, "SPEAKER_01")]
    assert {(type(turn.start), type(turn.end), type(turn.speaker)) for turn in turns} == {(float, float, str)}


def test_the_share_that_is_done_rises_to_all(load, level_diarization):
    shares = []

    load(level_diarization, "cpu").turns(sound((4, 0.5)), shares.append)

    assert shares == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.745, 1.0])


def test_where_nobody_is_heard_nobody_has_a_turn(load, level_diarization):
    assert load(level_diarization, "cpu").turns(sound((2, 0.0)), lambda share: None) == []


def test_a_folder_without_a_pipeline_is_named(load, tmp_path):
    from clipmill.transcriber.recognising.diarization import SpeakersUnavailable

    (tmp_path / "diarization").mkdir()

    with pytest.raises(SpeakersUnavailable, match=f"cannot be loaded from {tmp_path / 'diarization'}: "):
        load(tmp_path, "cpu")
