import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clipmill.contracts.documents import AudioFacts, MediaFacts, Origin, VideoFacts
from clipmill.contracts.events import Event
from clipmill.contracts.tasks import Task
from clipmill.operations.logs import get_logger
from clipmill.transcriber.models.hub import restrain_libraries

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parents[2]

LEVEL_DIARIZATION = """
pipeline:
  name: level_diarization.LevelDiarization
params: {}
"""

MakeMedia = Callable[..., Path]


@pytest.fixture(scope="session")
def sample() -> Path:
    return REPOSITORY / "libs/cli/clipmill/cli/sample/sample.mp4"


@pytest.fixture(scope="session")
def sample_facts(sample: Path) -> MediaFacts:
    """Return the facts about the sample as the downloader stores them."""
    return MediaFacts(
        stem="sample",
        title="Sample",
        container="mp4",
        duration=76.84,
        size_bytes=sample.stat().st_size,
        origin=Origin.UPLOAD,
        video=VideoFacts(codec="h264", width=1280, height=720),
        audio=AudioFacts(codec="aac", sample_rate=48_000, channels=2),
    )


@pytest.fixture(scope="session")
def make_media() -> MakeMedia:
    """Return a function that writes a small file with grey pictures for `picture` seconds and with `sound`."""

    def make(
        path: Path,
        *,
        picture: float | None = 2.0,
        picture_at: float = 0.0,
        sound: np.ndarray | None = None,
        sound_at: float = 0.0,
        rate: int = 48_000,
        layout: str = "stereo",
        codec: str = "aac",
        sound_first: bool = False,
    ) -> Path:
        with av.open(str(path), "w") as container:
            video = audio = None
            if picture is not None:
                video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
                video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
                video.codec_context.time_base = Fraction(1, 25)
            if sound is not None:
                audio = container.add_stream(codec, rate=rate, layout=layout)

            def write_picture() -> None:
                if video is None:
                    return
                for number in range(round(picture * 25)):
                    frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
                    frame.pts, frame.time_base = number + round(picture_at * 25), Fraction(1, 25)
                    container.mux(video.encode(frame))
                container.mux(video.encode(None))

            def write_sound() -> None:
                if audio is None:
                    return
                channels = 2 if layout == "stereo" else 1
                samples = np.repeat(sound[None, :].astype(np.float32), channels, axis=0)
                for start in range(0, samples.shape[1], 1024):
                    piece = np.ascontiguousarray(samples[:, start : start + 1024])
                    frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
                    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                    frame.pts = start + round(sound_at * rate)
                    container.mux(audio.encode(frame))
                container.mux(audio.encode(None))

            for write in (write_sound, write_picture) if sound_first else (write_picture, write_sound):
                write()
        return path

    return make


@pytest.fixture(scope="module")
def offline_libraries() -> Iterator[None]:
    """Keep the model libraries, imported afterwards, from the network."""
    with pytest.MonkeyPatch.context() as patch:
        variables: dict[str, str] = {}
        restrain_libraries(variables, offline=True)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def level_diarization(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of models whose diarization pipeline is that of `level_diarization.py`."""
    monkeypatch.syspath_prepend(TESTS)
    folder = tmp_path / "models" / "diarization"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(LEVEL_DIARIZATION)
    return folder.parent


@pytest.fixture
def models_dir_with_alignment(offline_libraries: None, tmp_path: Path) -> Path:
    """Return a directory with an untrained alignment model, which is enough to run WhisperX's alignment."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder = tmp_path / "alignment-en"
    folder.mkdir()
    letters = ["<pad>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>")
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    positions = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
    torch.manual_seed(1)
    config = Wav2Vec2Config(vocab_size=len(letters), conv_dim=(16,) * 7, **small, **positions)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return tmp_path


class RecordingContext:
    """A task context that keeps the events, tasks and progress of a handler."""

    attempt = 1

    def __init__(self) -> None:
        self.log = get_logger("test")
        self.events: list[Event] = []
        self.tasks: list[Task] = []
        self.percents: list[float] = []

    async def emit(self, event: Event) -> None:
        self.events.append(event)

    async def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def progress(self, percent: float) -> None:
        self.percents.append(percent)


@pytest.fixture
def context() -> RecordingContext:
    return RecordingContext()
