"""The requests of the service to its model process, and the results."""

from enum import StrEnum

from clipmill.contracts.documents import Transcript
from msgspec import Struct

SPEECH_TARGET = "clipmill.transcriber.speech:transcribe"
"""The function that runs in the model process."""


class DeviceChoice(StrEnum):
    """The device that runs the model."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class AlignmentChoice(StrEnum):
    """The use of an alignment model for word times."""

    AUTO = "auto"
    HUB = "hub"
    OFF = "off"


class EngineRequest(Struct, frozen=True, kw_only=True):
    """The model and its options; a process loads another model if a job asks for one.

    Attributes:
        model: Name of the model, as in `TranscriberSettings.model`; a job may name another one.
        models_dir: Directory of fetched weights.
        device: Device that runs the model.
        compute_type: CTranslate2's name of the precision, or `auto`.
        threads: Number of CPU threads, 0 for all processors.
        batch_size: Number of speech windows recognised at once.
        beam_size: Number of alternatives followed.
        alignment: Use of an alignment model.
        diarize: True to name the speakers.
        gpu: Only GPU that the process sees, as CUDA_VISIBLE_DEVICES names it; empty for all GPUs.
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
        engine: Model and its options.
        store_url: URL of the artifact store.
        key: Key of the source in the store.
        audio_index: Index of the audio stream among the container's streams.
        duration: Duration of the source, in seconds.
        start: Start of the part to transcribe, in seconds, of whole milliseconds.
        end: End of the part to transcribe, in seconds; None for the end of the sound.
        language: ISO 639-1 code of the language, None to detect it.
        vocabulary: Names and terms that are likely to be said, the most important first.
        warm_up: True to load the model and do nothing else.
        given: Transcript that the submitter gave, whose words only need times; None to recognise the speech.
    """

    engine: EngineRequest
    store_url: str = ""
    key: str = ""
    audio_index: int | None = None
    duration: float = 0.0
    start: float = 0.0
    end: float | None = None
    language: str | None = None
    vocabulary: tuple[str, ...] = ()
    warm_up: bool = False
    given: Transcript | None = None


class SpeechResult(Struct, frozen=True, kw_only=True):
    """The result of a transcription.

    Attributes:
        transcript: Transcript of the source.
        batch_size: Number of speech windows recognised at once, in the end.
        sequences: Number of sequences of hard speech recognised at once, in the end.
        batch_reduced: True if one of these numbers was reduced because memory ran out.
        heard_again: Number of windows that were recognised a second time.
        alignment_problem: Reason if words were not aligned although that was asked for; otherwise empty.
        speakers_problem: Reason if speakers were not named although that was asked for; otherwise empty.
        sounds_problem: Reason if nobody listened to the sounds of the room; otherwise empty.
        cues_beyond: Number of cues of a given transcript that begin after the end of the source.
        model_reason: Reasons for the choice of the model, in sentences; empty if the setting names it.
        language_problem: Reason if no word was recognised because no model on this machine knows the language;
            otherwise empty.
        names_left_out: Number of names of the vocabulary for which the model's prompt had no room.
    """

    transcript: Transcript
    batch_size: int = 0
    sequences: int = 0
    batch_reduced: bool = False
    heard_again: int = 0
    alignment_problem: str = ""
    speakers_problem: str = ""
    sounds_problem: str = ""
    cues_beyond: int = 0
    model_reason: str = ""
    language_problem: str = ""
    names_left_out: int = 0
