"""Which model a job's moments are picked by, and how it is reached."""

import ipaddress
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from clipmill.analyzer.asking.provider import Provider, ProviderKind
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.contracts import log_lines

OWN_NETWORK_NAMES = (".local", ".localhost", ".lan", ".internal", ".svc", ".home.arpa")
"""Endings of host names that nobody outside can have (RFC 6762, RFC 6761, RFC 8375, ICANN 2024, and customs)."""


@dataclass(frozen=True)
class Choice:
    """A model to ask.

    Attributes:
        name: what people call it.
        model: what its provider calls it.
        line: what the job's log says when it is asked.
        parallel: the most requests at once.
        free_unlisted: whether it costs nothing if no price is listed: it runs in the operator's own network.
        key: to be concealed; None if there is none.
        open: returns the provider, a context manager; it imports what it needs, which takes a second and 60 MB for
            Gemini, and may raise `Refused`.
    """

    name: str
    model: str
    line: str
    parallel: int
    free_unlisted: bool
    key: str | None
    open: Callable[[], AbstractAsyncContextManager[Provider]]


def choose(settings: AnalyzerSettings, lent_key: str | None) -> Choice | None:
    """Return the model that a job asks, None if there is none and moments are picked locally.

    Args:
        settings: of the analyzer.
        lent_key: a Gemini key that came with the job; it goes before everything that is configured.
    """
    if lent_key:
        return _gemini(settings, lent_key)
    match settings.provider:
        case ProviderKind.OPENAI:
            return _openai_compatible(settings)
        case ProviderKind.GEMINI:
            return _gemini(settings, settings.gemini_api_key.reveal()) if settings.gemini_api_key else None


def problem_with(settings: AnalyzerSettings) -> str | None:
    """Return why the provider that is configured cannot be asked, None if it can."""
    if settings.provider is ProviderKind.OPENAI and not settings.openai_model:
        return "CLIPMILL_ANALYZER_OPENAI_MODEL is not set: the provider openai needs the name of a model."
    return None


def in_own_network(url: str) -> bool:
    """Tell whether `url` leads to this machine or this network, as far as it can be told without asking anyone."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(OWN_NETWORK_NAMES) or ".svc." in host


def _gemini(settings: AnalyzerSettings, key: str) -> Choice:
    def gemini() -> AbstractAsyncContextManager[Provider]:
        from clipmill.analyzer.asking.gemini import Gemini  # noqa: PLC0415

        return Gemini(
            key,
            settings.gemini_model,
            settings.gemini_base_url,
            settings.gemini_timeout_seconds,
            settings.gemini_output_tokens,
        )

    return Choice(
        name="Gemini",
        model=settings.gemini_model,
        line=log_lines.ANALYZING_WITH_GEMINI,
        parallel=settings.gemini_parallel,
        free_unlisted=False,
        key=key,
        open=gemini,
    )


def _openai_compatible(settings: AnalyzerSettings) -> Choice:
    key = settings.openai_api_key.reveal() if settings.openai_api_key else None
    # Without the folders or owners before it: what a server keeps where is not for the job's log.
    name = settings.openai_model.rstrip("/").rsplit("/", 1)[-1]

    def openai_compatible() -> AbstractAsyncContextManager[Provider]:
        from clipmill.analyzer.asking.openai_compatible import OpenAICompatible  # noqa: PLC0415

        return OpenAICompatible(
            name,
            key,
            settings.openai_model,
            settings.openai_base_url,
            timeout=settings.openai_timeout_seconds,
            output_tokens=settings.openai_output_tokens,
        )

    return Choice(
        name=name,
        model=settings.openai_model,
        line=log_lines.analyzing_with(name),
        parallel=settings.openai_parallel,
        free_unlisted=in_own_network(settings.openai_base_url),
        key=key,
        open=openai_compatible,
    )
