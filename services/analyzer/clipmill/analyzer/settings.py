"""The settings of the analyzer: CLIPMILL_ANALYZER_*."""

from pathlib import Path
from typing import Annotated

from clipmill.analyzer.asking.costs import PriceTable, PriceTableError, load_prices
from clipmill.analyzer.asking.provider import ProviderKind
from clipmill.operations.credentials import split_address
from clipmill.operations.settings import AT_LEAST, FORMERLY, Secret, ServiceSettings, SettingsError
from msgspec import Meta


class AnalyzerSettings(ServiceSettings, frozen=True, kw_only=True):
    """The choices of an operator about finding shots and picking moments."""

    port: Annotated[int, Meta(description="Port of health and metrics; 0 lets the system choose.", ge=0, le=65535)] = (
        9103
    )

    scenes_slots: Annotated[int, Meta(description="Number of videos searched for shots at the same time.", ge=1)] = 1
    scenes_attempts: Annotated[int, Meta(description="Number of attempts to find a video's shots.", ge=1)] = 3
    scenes_retry_first_seconds: Annotated[
        float,
        Meta(
            description="Upper limit of the random delay before the second attempt to find a video's shots, in "
            "seconds; the limit doubles with each further attempt.",
            gt=0,
        ),
    ] = 2.0
    scenes_retry_limit_seconds: Annotated[
        float,
        Meta(
            description="Highest upper limit of the random delay between two attempts to find a video's shots, in "
            "seconds.",
            gt=0,
            extra={AT_LEAST: "scenes_retry_first_seconds"},
        ),
    ] = 120.0
    analyze_slots: Annotated[
        int, Meta(description="Number of jobs whose moments are picked at the same time.", ge=1)
    ] = 4
    analyze_attempts: Annotated[
        int,
        Meta(
            description="Number of attempts to pick a job's moments; the last two pick locally if the model fails.",
            ge=2,
        ),
    ] = 4
    analyze_retry_first_seconds: Annotated[
        float,
        Meta(
            description="Upper limit of the random delay before the second attempt to pick a job's moments, in "
            "seconds; the limit doubles with each further attempt.",
            gt=0,
        ),
    ] = 2.0
    analyze_retry_limit_seconds: Annotated[
        float,
        Meta(
            description="Highest upper limit of the random delay between two attempts to pick a job's moments, in "
            "seconds.",
            gt=0,
            extra={AT_LEAST: "analyze_retry_first_seconds"},
        ),
    ] = 120.0

    shot_min_seconds: Annotated[float, Meta(description="Length of the shortest shot, in seconds.", ge=0)] = 0.6
    cut_threshold: Annotated[
        float,
        Meta(description="Smallest ratio of a frame's change to its neighbours' change that counts as a cut.", gt=0),
    ] = 3.0
    cut_least_change: Annotated[
        float,
        Meta(
            description="Smallest change of a frame that counts as a cut, averaged over hue, saturation and "
            "brightness, from 0 to 255.",
            ge=0,
            le=255,
        ),
    ] = 15.0
    detection_pixels: Annotated[
        int, Meta(description="Longer side of the pictures searched for cuts, in pixels.", ge=64)
    ] = 256
    detection_span_seconds: Annotated[
        float,
        Meta(
            description="Length of the shortest chunk of a long video, in seconds. Processors search chunks in "
            "parallel; a video shorter than two chunks is searched in one pass.",
            gt=0,
        ),
    ] = 120.0
    detection_base_seconds: Annotated[
        float, Meta(description="Fixed part of the time limit of a search for shots, in seconds.", gt=0)
    ] = 120.0
    detection_seconds_per_second: Annotated[
        float, Meta(description="Part of the search's time limit for each second of video, in seconds.", ge=0)
    ] = 4.0
    detection_memory_bytes: Annotated[
        int, Meta(description="Most resident memory that a search for shots may use, in bytes.", ge=2**27)
    ] = 4 * 2**30

    audience: Annotated[
        bool,
        Meta(
            description="True if the local picker uses the learned model of what audiences react to. It knows English."
        ),
    ] = True
    provider: Annotated[
        ProviderKind,
        Meta(
            description="Provider that picks moments: gemini, or openai for the endpoint of "
            "CLIPMILL_ANALYZER_OPENAI_BASE_URL. A job with its own key uses Gemini."
        ),
    ] = ProviderKind.GEMINI
    provider_patience_seconds: Annotated[
        float,
        Meta(
            description="Longest pause that a provider gets when it asks for one, in seconds; if it asks for more, "
            "moments are picked locally.",
            ge=0,
            extra={FORMERLY: "CLIPMILL_ANALYZER_GEMINI_PATIENCE_SECONDS"},
        ),
    ] = 120.0
    part_tokens: Annotated[
        int,
        Meta(
            description="Approximate limit for the transcript in one request, in tokens of four bytes; a longer "
            "transcript is divided. 8000 tokens are about 40 minutes of talk and need a context of 16384 tokens.",
            ge=500,
        ),
    ] = 8000

    gemini_api_key: Annotated[
        Secret | None,
        Meta(description="Gemini key for jobs that bring none; without a key, moments are picked locally."),
    ] = None
    gemini_model: Annotated[str, Meta(description="Name of the Gemini model.", min_length=1)] = "gemini-2.5-flash"
    gemini_base_url: Annotated[
        str, Meta(description="URL of Gemini's API, or of a proxy for it.", pattern="^https?://")
    ] = "https://generativelanguage.googleapis.com/"
    gemini_timeout_seconds: Annotated[
        float, Meta(description="Longest wait for one answer of Gemini, in seconds.", gt=0)
    ] = 180.0
    gemini_output_tokens: Annotated[
        int, Meta(description="Largest number of tokens of one answer of Gemini, thoughts included.", ge=1024)
    ] = 32768
    gemini_parallel: Annotated[
        int, Meta(description="Number of requests that Gemini gets at the same time for one job.", ge=1)
    ] = 4

    openai_base_url: Annotated[
        str,
        Meta(
            description="URL of an OpenAI-compatible endpoint, to which /chat/completions is added.",
            pattern="^https?://",
        ),
    ] = "http://127.0.0.1:11434/v1"
    openai_model: Annotated[
        str, Meta(description="Name of the model at the endpoint; required for the provider openai.")
    ] = ""
    openai_api_key: Annotated[Secret | None, Meta(description="Key of the endpoint, if it needs one.")] = None
    openai_timeout_seconds: Annotated[
        float,
        Meta(
            description="Longest wait for one answer of the endpoint, in seconds; a model without a GPU reads slowly.",
            gt=0,
        ),
    ] = 900.0
    openai_output_tokens: Annotated[
        int, Meta(description="Largest number of tokens of one answer of the endpoint, thoughts included.", ge=256)
    ] = 4096
    openai_parallel: Annotated[
        int,
        Meta(
            description="Number of requests that the endpoint gets at the same time for one job; most local servers "
            "handle one.",
            ge=1,
        ),
    ] = 1

    price_table: Annotated[
        Path | None, Meta(description="TOML file of model prices, used in place of the built-in file.")
    ] = None

    def check(self) -> None:
        """Check the price table and the providers' addresses, and that the provider has a model."""
        self.prices()
        _check_address("CLIPMILL_ANALYZER_GEMINI_BASE_URL", self.gemini_base_url)
        _check_address("CLIPMILL_ANALYZER_OPENAI_BASE_URL", self.openai_base_url)
        if self.provider is ProviderKind.OPENAI and not self.openai_model:
            sentence = "CLIPMILL_ANALYZER_OPENAI_MODEL is not set; the provider openai needs it, so name a model."
            raise SettingsError(sentence)

    def prices(self) -> PriceTable:
        """Return the price table.

        Raises:
            SettingsError: if the file that `price_table` names holds no price table.
        """
        try:
            return load_prices(self.price_table)
        except PriceTableError as error:
            sentence = f"CLIPMILL_ANALYZER_PRICE_TABLE names {self.price_table}, which {error}"
            raise SettingsError(sentence) from error


def _check_address(variable: str, address: str) -> None:
    """Raise `SettingsError` if an address cannot be read; it may hold a password, which no sentence repeats."""
    try:
        split_address(address)
    except ValueError:
        raise SettingsError(f"{variable} is not the URL of a server; write one such as http://host:port/v1.") from None
