"""The analyzer's settings: CLIPMILL_ANALYZER_*."""

from pathlib import Path
from typing import Annotated

from clipmill.analyzer.asking.provider import ProviderKind
from clipmill.operations.settings import FORMERLY, Secret, ServiceSettings
from msgspec import Meta


class AnalyzerSettings(ServiceSettings, frozen=True, kw_only=True):
    """Everything about finding shots and picking moments that an operator may choose."""

    port: Annotated[int, Meta(description="Port of health and metrics; 0 lets the system choose.", ge=0, le=65535)] = (
        9103
    )

    scenes_slots: Annotated[int, Meta(description="Videos searched for shots at once.", ge=1)] = 1
    scenes_attempts: Annotated[int, Meta(description="Tries at finding a video's shots.", ge=1)] = 3
    analyze_slots: Annotated[int, Meta(description="Jobs whose moments are picked at once.", ge=1)] = 4
    analyze_attempts: Annotated[
        int,
        Meta(description="Tries at picking a job's moments; the last two pick locally where the model fails.", ge=2),
    ] = 4

    shot_min_seconds: Annotated[float, Meta(description="The shortest shot, seconds.", ge=0)] = 0.6
    cut_threshold: Annotated[
        float, Meta(description="How many times more than its neighbours a frame changes at a cut.", gt=0)
    ] = 3.0
    cut_least_change: Annotated[
        float, Meta(description="The least change of a frame at a cut, 0 to 255.", ge=0, le=255)
    ] = 15.0
    detection_pixels: Annotated[
        int, Meta(description="Longer side of the pictures searched for cuts, pixels.", ge=64)
    ] = 256
    detection_span_seconds: Annotated[
        float,
        Meta(
            description="Least length of the parts of a long video that are searched at once, one by each processor, "
            "seconds; shorter than two of them, a video is searched in one go.",
            gt=0,
        ),
    ] = 120.0
    detection_base_seconds: Annotated[
        float, Meta(description="Time that a search for shots may take in any case, seconds.", gt=0)
    ] = 120.0
    detection_seconds_per_second: Annotated[
        float, Meta(description="Time that it may take for each second of video besides, seconds.", ge=0)
    ] = 4.0
    detection_memory_bytes: Annotated[int, Meta(description="Resident memory that it may use, bytes.", ge=2**27)] = (
        4 * 2**30
    )

    provider: Annotated[
        ProviderKind,
        Meta(description="Who picks moments: gemini, or the openai_* endpoint; a key lent with a job means Gemini."),
    ] = ProviderKind.GEMINI
    provider_patience_seconds: Annotated[
        float,
        Meta(
            description="Longest pause that a provider may ask for before moments are picked locally, seconds.",
            ge=0,
            extra={FORMERLY: "CLIPMILL_ANALYZER_GEMINI_PATIENCE_SECONDS"},
        ),
    ] = 120.0
    part_tokens: Annotated[
        int,
        Meta(
            description="About the most tokens of transcript in one request, four bytes each; a longer one is divided. "
            "8000 are some 40 minutes of talk and want a context of 16384.",
            ge=500,
        ),
    ] = 8000

    gemini_api_key: Annotated[
        Secret | None,
        Meta(description="Gemini key for jobs that bring none; without any, moments are picked locally."),
    ] = None
    gemini_model: Annotated[str, Meta(description="Gemini model.", min_length=1)] = "gemini-2.5-flash"
    gemini_base_url: Annotated[str, Meta(description="Where Gemini's API is, for proxies.", pattern="^https?://")] = (
        "https://generativelanguage.googleapis.com/"
    )
    gemini_timeout_seconds: Annotated[float, Meta(description="Longest wait for one answer, seconds.", gt=0)] = 180.0
    gemini_output_tokens: Annotated[int, Meta(description="Most tokens of one answer, thoughts included.", ge=1024)] = (
        32768
    )
    gemini_parallel: Annotated[
        int, Meta(description="Parts of a transcript that Gemini is asked about at once.", ge=1)
    ] = 4

    openai_base_url: Annotated[
        str,
        Meta(description="OpenAI-compatible endpoint, to which /chat/completions is added.", pattern="^https?://"),
    ] = "http://127.0.0.1:11434/v1"
    openai_model: Annotated[str, Meta(description="The model's name there; needed with the provider openai.")] = ""
    openai_api_key: Annotated[Secret | None, Meta(description="Its key, if it wants one.")] = None
    openai_timeout_seconds: Annotated[
        float, Meta(description="Longest wait for one answer, seconds; a model without a GPU reads slowly.", gt=0)
    ] = 900.0
    openai_output_tokens: Annotated[int, Meta(description="Most tokens of one answer, thoughts included.", ge=256)] = (
        4096
    )
    openai_parallel: Annotated[
        int, Meta(description="Parts of a transcript that it is asked about at once; most servers do one.", ge=1)
    ] = 1

    price_table: Annotated[
        Path | None, Meta(description="TOML file of prices instead of the one that comes with clipmill.")
    ] = None
