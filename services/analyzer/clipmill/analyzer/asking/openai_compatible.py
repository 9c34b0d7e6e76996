"""Any server with OpenAI's chat completions: Ollama, llama.cpp, vLLM, LM Studio, or one on the internet.

Servers understand different parts of the protocol, so the client negotiates the `Form` of a request.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from types import TracebackType
from typing import Self

import httpx2
import msgspec
from clipmill.analyzer.asking import transport
from clipmill.analyzer.asking.costs import Usage
from clipmill.analyzer.asking.provider import (
    Answer,
    CallOutcome,
    ProviderFailure,
    ProviderKind,
    Refused,
    Turn,
    Unavailable,
    count,
)
from msgspec import Struct
from msgspec.structs import replace

TEMPERATURE = 0.4
"""As low as for Gemini, for the reasons given there."""

_FORM_CODES = frozenset({400, 422, 501})
_COMPLAINT_CHARACTERS = 4000
_NO_CREDIT = "insufficient_quota"
_CONTEXT_EXCEEDED = ("context_length", "context length", "context size", "context window")


class Output(StrEnum):
    """Ways to request an answer of a given form, the most reliable first."""

    SCHEMA = "json_schema"
    OBJECT = "json_object"
    WORDS = "words"


class Form(Struct, frozen=True, kw_only=True):
    """The form of a request. The default suits current servers; an older one gets a plainer form after it complains.

    Attributes:
        output: Way to ask for the form of the answer; except with a schema, the instruction spells the form out.
        limit: Name of the field that limits the tokens of an answer; models that think need the newer name.
        temperature: True to send a temperature, which models that think refuse.
        system: True to send the instruction as a separate message, which the templates of some models do not accept.
    """

    output: Output = Output.SCHEMA
    limit: str = "max_tokens"
    temperature: bool = True
    system: bool = True

    def instead(self, complaint: str) -> "Form | None":
        """Return the form to try after the server complained, None if the form is not at fault."""
        said = complaint[:_COMPLAINT_CHARACTERS].lower()
        if any(sign in said for sign in _CONTEXT_EXCEEDED):
            return None
        if self.limit == "max_tokens" and "max_completion_tokens" in said:
            return replace(self, limit="max_completion_tokens")
        if self.temperature and "temperature" in said:
            return replace(self, temperature=False)
        if self.system and "system" in said and "role" in said:
            return replace(self, system=False)
        if self.output is Output.SCHEMA:
            return replace(self, output=Output.OBJECT)
        return replace(self, output=Output.WORDS) if self.output is Output.OBJECT else None


class _Part(Struct, frozen=True):
    text: str = ""


class _Message(Struct, frozen=True):
    content: str | list[_Part] | None = None
    refusal: str | None = None


class _Choice(Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(Struct, frozen=True):
    cached_tokens: int | None = None


class _CompletionDetails(Struct, frozen=True):
    reasoning_tokens: int | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Completion(Struct, frozen=True):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Error(Struct, frozen=True):
    code: str | int | None = None


class _ErrorBody(Struct, frozen=True):
    error: _Error


class OpenAICompatible:
    """One model behind one endpoint, as an asynchronous context manager that closes its connections at the end.

    Args:
        name: Name of the model for people.
        key: API key, sent as a bearer token; None if the server needs none.
        model: Name of the model on the server.
        base_url: URL to which `/chat/completions` is added, such as `http://127.0.0.1:11434/v1`.
        timeout: Longest wait for an answer, in seconds.
        output_tokens: Largest number of tokens of an answer, thoughts included.

    Raises:
        Refused: if `key` cannot be a key at all.
    """

    kind = ProviderKind.OPENAI

    def __init__(
        self, name: str, key: str | None, model: str, base_url: str, *, timeout: float, output_tokens: int
    ) -> None:
        self.name = name
        transport.check_key(self.name, key or "")
        self.model = model
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout
        self._output_tokens = output_tokens
        self._form = Form()
        self._client = transport.client(timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def answer(self, instruction: str, turns: Sequence[Turn], schema: dict[str, object]) -> Answer:
        """Return the model's next turn; see `Provider.answer`."""
        try:
            # The time-out of the transport limits the wait between bytes; this one limits the whole request.
            async with asyncio.timeout(self._timeout):
                response = await self._negotiated(instruction, turns, schema)
        except (TimeoutError, httpx2.HTTPError) as error:
            raise transport.broken(self.name, self.kind, error, self._timeout) from error
        except httpx2.InvalidURL:
            raise transport.unusable_address(self.name, "CLIPMILL_ANALYZER_OPENAI_BASE_URL") from None
        if response.status_code != 200:
            raise self._failure(response)
        return self._answer(response.content)

    async def _negotiated(self, instruction: str, turns: Sequence[Turn], schema: dict[str, object]) -> httpx2.Response:
        """Ask in the form that worked last, then in plainer forms until the server accepts one."""
        form = self._form
        while True:
            body = self._body(form, instruction, turns, schema)
            response = await self._client.post(self._url, json=body, headers=self._headers)
            if response.status_code not in _FORM_CODES:
                self._form = form
                return response
            plainer = form.instead(response.text)
            if plainer is None:
                return response
            count(self.kind, CallOutcome.FORM_REFUSED, None)
            form = plainer

    def _body(
        self, form: Form, instruction: str, turns: Sequence[Turn], schema: dict[str, object]
    ) -> dict[str, object]:
        if form.output is not Output.SCHEMA:
            spelled = msgspec.json.encode(schema).decode()
            instruction = f"{instruction}\nAnswer with one JSON object of this schema and nothing else:\n{spelled}\n"
        messages = [{"role": "user" if turn.ours else "assistant", "content": turn.text} for turn in turns]
        if form.system:
            messages.insert(0, {"role": "system", "content": instruction})
        else:
            messages[0]["content"] = f"{instruction}\n{messages[0]['content']}"
        body: dict[str, object] = {"model": self.model, "messages": messages, form.limit: self._output_tokens}
        if form.temperature:
            body["temperature"] = TEMPERATURE
        if form.output is Output.SCHEMA:
            named = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": Output.SCHEMA, "json_schema": named}
        elif form.output is Output.OBJECT:
            body["response_format"] = {"type": Output.OBJECT}
        return body

    def _answer(self, body: bytes) -> Answer:
        try:
            completion = msgspec.json.decode(body, type=_Completion)
        except (ValueError, RecursionError) as error:
            raise self._reported_failure(body) or transport.not_understood(self.name) from error
        usage = _usage(completion.usage)
        choice = completion.choices[0] if completion.choices else _Choice(message=_Message())
        if choice.finish_reason == "content_filter" or choice.message.refusal:
            raise Refused(f"{self.name} declines this transcript.", CallOutcome.BLOCKED, usage)
        content = choice.message.content or ""
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        return Answer(text=text, usage=usage, truncated=choice.finish_reason == "length")

    def _reported_failure(self, body: bytes) -> ProviderFailure | None:
        """Return the failure reported in a body with status 200, as some relays do; None if it reports none."""
        try:
            code = msgspec.json.decode(body, type=_ErrorBody).error.code
        except (ValueError, RecursionError):
            return None
        return transport.refusal(
            self.name, self.kind, code if isinstance(code, int) and 400 <= code < 600 else 500, "", None
        )

    def _failure(self, response: httpx2.Response) -> Unavailable | Refused:
        """Return the failure for a status other than 200, without the server's words, which may repeat the request."""
        code, said = response.status_code, response.text[:_COMPLAINT_CHARACTERS].lower()
        if code in _FORM_CODES and any(sign in said for sign in _CONTEXT_EXCEEDED):
            return Refused(
                f"The transcript is too long for {self.name}'s context ({code}); give the model a larger context or "
                "lower CLIPMILL_ANALYZER_PART_TOKENS.",
                CallOutcome.REQUEST_REFUSED,
            )
        if code == 429 and _NO_CREDIT in said:
            sentence = f"{self.name} has no credit left ({code}); add credit to its account."
            return Refused(sentence, CallOutcome.RATE_LIMITED)
        wait = transport.seconds_to_wait(response.headers.get("retry-after", ""))
        return transport.refusal(self.name, self.kind, code, "", wait)


def _usage(reported: _Usage | None) -> Usage:
    if reported is None:
        return Usage()
    cached = reported.prompt_tokens_details.cached_tokens if reported.prompt_tokens_details else 0
    thoughts = reported.completion_tokens_details.reasoning_tokens if reported.completion_tokens_details else 0
    thoughts = max(thoughts or 0, 0)
    return Usage(
        prompt_tokens=max(reported.prompt_tokens or 0, 0),
        cached_tokens=max(cached or 0, 0),
        answer_tokens=max((reported.completion_tokens or 0) - thoughts, 0),  # completion tokens include the thoughts
        thought_tokens=thoughts,
    )
