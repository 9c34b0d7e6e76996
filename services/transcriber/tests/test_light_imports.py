"""A transcription without alignment and diarization imports neither WhisperX nor PyTorch."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.media, pytest.mark.slow]

TRANSCRIBE = """
import sys
from clipmill.transcriber.speech import transcribe
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest

store_url, models_dir = sys.argv[1:]
engine = EngineRequest(model="whisper-tiny.en", models_dir=models_dir)
request = SpeechRequest(engine=engine, store_url=store_url, key="sample.mp4", duration=76.84, start=53.2, end=58.0)
said = transcribe(request, lambda percent: None).transcript
print(*(segment.text for segment in said.segments))
print(*sys.modules, sep="\\n")
"""


def test_a_transcription_imports_neither_whisperx_nor_pytorch(sample, tmp_path):
    command = [sys.executable, "-c", TRANSCRIBE, sample.parent.as_uri(), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    said, *modules = done.stdout.splitlines()
    assert "The worst speech I ever saw" in said
    assert "faster_whisper" in modules
    assert not {"whisperx", "torch", "torchaudio", "pyannote", "transformers"} & set(modules)
