"""Gemini through google-genai: each request ends with an answer or with a known failure."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx2
from clipmill.analyzer.asking import transport
from clipmill.analyzer.asking.costs import Usage
from clipmill.analyzer.asking.provider import Answer, CallOutcome, ProviderKind, Refused, Turn, Unavailable
from google import genai
from google.genai import errors, types

API_VERSION = "v1beta"
"""Version of the API that knows every model and alias; `v1` lacks the `-latest` ones."""

TEMPERATURE = 0.4
"""Low, so the choice hardly varies from run to run, while titles still read as if a person wrote them."""

OUTER_FORM_ERRORS = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""Errors that the client library raises for a body that is not JSON or has another form."""

_TRUNCATED = types.FinishReason.MAX_TOKENS
_FINISHED = frozenset({types.FinishReason.STOP, types.FinishReason.FINISH_REASON_UNSPECIFIED, None})


class Gemini:
    """One Gemini model with one key, as an asynchronous context manager that closes its connections at the end.

    Args:
        key: API key.
        model: Name of the model, such as `gemini-2.5-flash`.
        base_url: URL of the API.
        timeout: Longest wait for an answer, in seconds.
        output_tokens: Largest number of tokens of an answer, thoughts included.

    Raises:
        Refused: if `key` cannot be a key at all.
    """

    name = "Gemini"
    kind = ProviderKind.GEMINI

    def __init__(self, key: str, model: str, base_url: str, timeout: float, output_tokens: int) -> None:
        transport.check_key(self.name, key)
        self.model = model
        self._timeout = timeout
        self._output_tokens = output_tokens
        self._transport = transport.client(timeout)
        options = types.HttpOptions(
            base_url=base_url,
            api_version=API_VERSION,
            timeout=int(timeout * 1000),
            # One try per call: the task retries, and its retries are counted, spaced and survive this process.
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_async_client=self._transport,
        )
        self._client = genai.Client(api_key=key, vertexai=False, http_options=options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._transport.aclose()
        self._client.close()

    async def answer(self, instruction: str, turns: Sequence[Turn], schema: dict[str, object]) -> Answer:
        """Return the model's next turn; see `Provider.answer`."""
        try:
            # The time-out of the transport limits the wait between bytes; this one limits the whole request.
            async with asyncio.timeout(self._timeout):
                response = await self._client.aio.models.generate_content(
                    model=self.model,
                    contents=[_content(turn) for turn in turns],
                    config=types.GenerateContentConfig(
                        system_instruction=instruction,
                        response_mime_type="application/json",
                        response_json_schema=schema,
                        max_output_tokens=self._output_tokens,
                        temperature=TEMPERATURE,
                        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
                    ),
                )
        except (TimeoutError, httpx2.HTTPError) as error:
            raise transport.broken(self.name, self.kind, error, self._timeout) from error
        except errors.APIError as error:
            raise _failure(error) from None  # its message may repeat the request
        except OUTER_FORM_ERRORS as error:
            raise transport.not_understood(self.name) from error
        return _answer(response)


def _content(turn: Turn) -> types.Content:
    return types.Content(role="user" if turn.ours else "model", parts=[types.Part(text=turn.text)])


def _answer(response: types.GenerateContentResponse) -> Answer:
    usage = _usage(response.usage_metadata)
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        sentence = f"Gemini declines this transcript ({feedback.block_reason.value})."
        raise Refused(sentence, CallOutcome.BLOCKED, usage)
    candidate = response.candidates[0] if response.candidates else None
    reason = candidate.finish_reason if candidate else None
    if reason not in _FINISHED and reason is not _TRUNCATED:
        said = reason.value if reason else "no reason given"
        raise Refused(f"Gemini stopped its answer ({said}).", CallOutcome.BLOCKED, usage)
    parts = candidate.content.parts or [] if candidate and candidate.content else []
    text = "".join(part.text for part in parts if part.text and not part.thought)
    return Answer(text=text, usage=usage, truncated=reason is _TRUNCATED)


def _usage(metadata: types.GenerateContentResponseUsageMetadata | None) -> Usage:
    if metadata is None:
        return Usage()
    return Usage(
        prompt_tokens=max(metadata.prompt_token_count or 0, 0),
        cached_tokens=max(metadata.cached_content_token_count or 0, 0),
        answer_tokens=max(metadata.candidates_token_count or 0, 0),
        thought_tokens=max(metadata.thoughts_token_count or 0, 0),
    )


def _failure(error: errors.APIError) -> Unavailable | Refused:
    key_refused = _detail(error, "reason") == "API_KEY_INVALID"  # this reason comes with code 400
    if key_refused:
        said = f"{error.code} {error.status or ''}".strip()
        return Refused(f"Gemini refuses the key ({said}); check the key.", CallOutcome.KEY_REFUSED)
    return transport.refusal(Gemini.name, Gemini.kind, error.code, error.status or "", _retry_after(error))


def _retry_after(error: errors.APIError) -> float | None:
    """Return the pause that a header or google.rpc.RetryInfo asks for, in seconds; None without either."""
    headers = getattr(error.response, "headers", None) or {}
    by_header = transport.seconds_to_wait(headers.get("retry-after", ""))
    if by_header is not None:
        return by_header
    return transport.seconds_to_wait(_detail(error, "retryDelay").removesuffix("s"))


def _detail(error: errors.APIError, name: str) -> str:
    """Return the text called `name` in the details of the error, empty if there is none."""
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    details = inner.get("details", []) if isinstance(inner, dict) else []
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and isinstance(detail.get(name), str):
            return str(detail[name])
    return ""
