"""Gemini through google-genai: one request in, one answer or one well-understood failure out."""

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
"""The version that knows every model and alias; `v1` lacks the `-latest` ones."""

TEMPERATURE = 0.4
"""Low: the choice should be the same one tomorrow; titles still read as if somebody wrote them."""

OUTER_FORM_ERRORS = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What the client library raises, from its depths, about a body that is no JSON or of another form."""

_TRUNCATED = types.FinishReason.MAX_TOKENS
_FINISHED = frozenset({types.FinishReason.STOP, types.FinishReason.FINISH_REASON_UNSPECIFIED, None})


class Gemini:
    """One Gemini model with one key. An asynchronous context manager: leaving it closes the connections.

    Args:
        key: the API key.
        model: such as `gemini-2.5-flash`.
        base_url: where the API is.
        timeout: longest wait for an answer, seconds.
        output_tokens: most tokens of an answer, thoughts included.

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
            # One try a call: retries are the task's, where they are counted, spaced and survive this process.
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
            # The transport's time-out is between bytes; this one is for the whole.
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
            raise transport.broken(self.name, error, self._timeout) from error
        except errors.APIError as error:
            raise _failure(error) from None  # its text may repeat what was sent
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
        raise Refused(f"Gemini stopped its answer ({reason.value if reason else ''}).", CallOutcome.BLOCKED, usage)
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
    key_refused = _detail(error, "reason") == "API_KEY_INVALID"  # comes with code 400
    if key_refused:
        said = f"{error.code} {error.status or ''}".strip()
        return Refused(f"Gemini refuses the key ({said}).", CallOutcome.KEY_REFUSED)
    return transport.refusal(Gemini.name, error.code, error.status or "", _retry_after(error))


def _retry_after(error: errors.APIError) -> float | None:
    """Return the pause asked for in seconds, by header or by google.rpc.RetryInfo."""
    headers = getattr(error.response, "headers", None) or {}
    by_header = transport.seconds_to_wait(headers.get("retry-after", ""))
    if by_header is not None:
        return by_header
    return transport.seconds_to_wait(_detail(error, "retryDelay").removesuffix("s"))


def _detail(error: errors.APIError, name: str) -> str:
    """Return the text `name` from the error's details, empty if there is none."""
    body = error.details if isinstance(error.details, dict) else {}
    inner = body.get("error", body)
    details = inner.get("details", []) if isinstance(inner, dict) else []
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and isinstance(detail.get(name), str):
            return str(detail[name])
    return ""
