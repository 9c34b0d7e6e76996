"""The words of a given transcript, placed by a real alignment model."""

import numpy as np
import pytest
from clipmill.contracts.documents import Segment, Transcript
from clipmill.transcriber.hearing.audio import RATE, read_sound
from clipmill.transcriber.recognising.given import GivenSpeech
from clipmill.transcriber.speech_request import EngineRequest

pytestmark = [
    pytest.mark.media,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the model libraries' own
]


def test_the_words_of_a_given_transcript_are_aligned_and_keep_their_text(models_dir_with_alignment, sample):
    cues = (
        Segment(text="Good morning, everybody — hello!", start=0.4, end=2.2),
        Segment(text="The 24 handouts are here.", start=2.2, end=4.8),
    )
    given = Transcript(language="", duration=4.8, segments=cues)
    speech = GivenSpeech(EngineRequest(model="", models_dir=str(models_dir_with_alignment)))
    with sample.open("rb") as file:
        samples = np.concatenate(list(read_sound(file, end=5.0)))

    result = speech.transcribe([samples[: 3 * RATE], samples[3 * RATE :]], given, "en", 5.0, lambda _share: None)

    assert result.transcript.engine.word_times == "alignment"
    assert " ".join(segment.text for segment in result.transcript.segments) == " ".join(cue.text for cue in cues)
    words = [word for segment in result.transcript.segments for word in segment.words]
    assert [word.text for word in words][2:4] == ["everybody —", "hello!"]
    reached = 0.0
    for word in words:
        assert reached <= word.start < word.end <= 5.0
        reached = word.end
