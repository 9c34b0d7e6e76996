"""What the service asks of its model process, and what it gets back."""

from enum import StrEnum

from clipmill.contracts.documents import Transcript
from msgspec import Struct

SPEECH_TARGET = "clipmill.transcriber.speech:transcribe"
"""The function that runs in the model process."""


class DeviceChoice(StrEnum):
    """Where the model is to run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class AlignmentChoice(StrEnum):
    """Whether word times come from an alignment model."""

    AUTO = "auto"
    HUB = "hub"
    OFF = "off"


class EngineRequest(Struct, frozen=True, kw_only=True):
    """Which model, and how it runs; the same for the whole life of a process.

    Attributes:
        model: as in `TranscriberSettings.model`.
        models_dir: directory of fetched weights.
        device: where.
        compute_type: CTranslate2's name or `auto`.
        threads: of the CPU, 0 for all.
        batch_size: stretches of speech at once.
        beam_size: alternatives followed.
        alignment: whether to align words.
        diarize: whether to tell speakers apart.
        gpu: the only one that the process sees, as CUDA_VISIBLE_DEVICES names it; empty: all.
    """

    model: str
    models_dir: str
    device: DeviceChoice = DeviceChoice.AUTO
    compute_type: str = "auto"
    threads: int = 0
    batch_size: int = 8
    beam_size: int = 5
    alignment: AlignmentChoice = AlignmentChoice.AUTO
    diarize: bool = False
    gpu: str = ""


class SpeechRequest(Struct, frozen=True, kw_only=True):
    """One source to transcribe.

    Attributes:
        engine: with what.
        store_url: of the artifact store.
        key: of the source.
        audio_index: of the audio stream among the container's streams.
        duration: of the source, seconds, for the progress.
        language: ISO 639-1 code, None to detect it.
        warm_up: load the model and do nothing else.
    """

    engine: EngineRequest
    store_url: str = ""
    key: str = ""
    audio_index: int | None = None
    duration: float = 0.0
    language: str | None = None
    warm_up: bool = False


class SpeechResult(Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        transcript: the document.
        batch_size: stretches of speech recognised at once, in the end.
        batch_reduced: whether that is fewer than at first because memory ran out.
        heard_again: windows that had to be heard a second time.
        alignment_problem: why words were not aligned though that was asked for; empty if all is well.
        speakers_problem: why speakers were not told apart though that was asked for; empty if all is well.
    """

    transcript: Transcript
    batch_size: int = 0
    batch_reduced: bool = False
    heard_again: int = 0
    alignment_problem: str = ""
    speakers_problem: str = ""
