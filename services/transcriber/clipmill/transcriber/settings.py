"""The transcriber's settings: CLIPMILL_TRANSCRIBER_*."""

from typing import Annotated

from clipmill.operations.settings import AT_LEAST, FORMERLY, ServiceSettings
from clipmill.transcriber.speech_request import AlignmentChoice, DeviceChoice
from msgspec import Meta


class TranscriberSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the transcriber."""

    port: Annotated[int, Meta(description="Port of health and metrics; 0 lets the system choose.", ge=0, le=65535)] = (
        9102
    )
    attempts: Annotated[int, Meta(description="Number of attempts to transcribe a video.", ge=1)] = 3
    retry_first_seconds: Annotated[
        float,
        Meta(
            description="Upper limit of the random delay before the second attempt to transcribe a video, in seconds; "
            "the limit doubles with each further attempt.",
            gt=0,
        ),
    ] = 2.0
    retry_limit_seconds: Annotated[
        float,
        Meta(
            description="Highest upper limit of the random delay between two attempts to transcribe a video, in "
            "seconds.",
            gt=0,
            extra={AT_LEAST: "retry_first_seconds"},
        ),
    ] = 120.0
    model: Annotated[
        str,
        Meta(
            description="Whisper model: auto (large-v3-turbo on a GPU; on a CPU small if it has been fetched, else "
            "whisper-base), a name from `clipmill models list`, a folder of CTranslate2 weights, or a name on the "
            "Hugging Face hub such as large-v3, which the first task downloads."
        ),
    ] = "auto"
    device: Annotated[DeviceChoice, Meta(description="Device that runs the model; auto takes a usable CUDA GPU.")] = (
        DeviceChoice.AUTO
    )
    compute_type: Annotated[
        str, Meta(description="Precision as CTranslate2 names it; auto is float16 on CUDA and int8 on a CPU.")
    ] = "auto"
    threads: Annotated[int, Meta(description="CPU threads of the model, in all; 0 uses all processors.", ge=0)] = 0
    batch_size: Annotated[
        int,
        Meta(
            description="Number of speech windows recognised at the same time, on a CPU at most 4; halved if memory "
            "runs out.",
            ge=1,
        ),
    ] = 8
    beam_size: Annotated[
        int, Meta(description="Number of alternative texts that Whisper pursues (beam size); 1 is fastest.", ge=1)
    ] = 5
    alignment: Annotated[
        AlignmentChoice,
        Meta(
            description="Source of word times: auto uses an alignment model if this machine has one for the language "
            "(CLIPMILL_MODELS_DIR/alignment-<language>), hub downloads WhisperX's default model if it has none, and "
            "off uses Whisper's own times."
        ),
    ] = AlignmentChoice.AUTO
    diarize: Annotated[
        bool,
        Meta(
            description="True if speakers are named, by pyannote's pipeline in CLIPMILL_MODELS_DIR/diarization or from "
            "the Hugging Face hub, which needs HF_TOKEN.",
            extra={FORMERLY: "CLIPMILL_DIARIZE"},
        ),
    ] = False
    preload: Annotated[
        bool,
        Meta(
            description="True if the service loads the model at its start, false if it loads the model at its first "
            "task."
        ),
    ] = False
    idle_seconds: Annotated[
        float, Meta(description="Time without a task after which the model is unloaded, in seconds.", gt=0)
    ] = 600.0
    task_seconds: Annotated[
        float, Meta(description="Longest time that one transcription may take, in seconds.", gt=0)
    ] = 4 * 3600.0
    memory_mib: Annotated[
        int, Meta(description="Most resident memory that the model process may use, in MiB.", ge=512)
    ] = 16_384
