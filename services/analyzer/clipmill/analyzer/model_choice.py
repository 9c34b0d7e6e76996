"""The choice of the model that picks a job's moments, and the way to reach it."""

import ipaddress
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from clipmill.analyzer.asking.provider import Provider, ProviderKind
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.contracts import log_lines

OWN_NETWORK_NAMES = (".local", ".localhost", ".lan", ".internal", ".svc", ".home.arpa")
"""Endings of host names that only an own network has (RFC 6762, RFC 6761, RFC 8375, ICANN 2024, and custom)."""


@dataclass(frozen=True)
class Choice:
    """A model to ask.

    Attributes:
        name: Name of the model for people.
        model: Name of the model for its provider.
        line: Line of the job's log when the model is asked.
        parallel: Largest number of requests at once.
        free_unlisted: True if the model is free when no price is listed, because it runs in the operator's network.
        key: API key to conceal; None if there is none.
        open: Function that returns the provider, a context manager. It imports its libraries, which takes a second and
            60 MB for Gemini, and may raise `Refused`.
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
        settings: Settings of the analyzer.
        lent_key: Gemini key that came with the job, which takes precedence over all settings.
    """
    if lent_key:
        return _gemini(settings, lent_key)
    match settings.provider:
        case ProviderKind.OPENAI:
            return _openai_compatible(settings)
        case ProviderKind.GEMINI:
            return _gemini(settings, settings.gemini_api_key.reveal()) if settings.gemini_api_key else None


def in_own_network(url: str) -> bool:
    """Return whether `url` leads to this machine or its network, judged without asking any server."""
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
    # The name goes without its folders and owners, because the job's log should not show the server's paths.
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
