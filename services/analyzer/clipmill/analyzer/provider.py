"""What the analyzer asks of a paid model, whoever runs it, and the ways in which that fails."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from clipmill.analyzer.costs import Usage
from msgspec import Struct
from prometheus_client import Counter

CALLS = Counter("clipmill_provider_calls", "Requests to a paid model, by how they ended.", ["outcome"])
TOKENS = Counter("clipmill_provider_tokens", "Tokens that a paid model counted.", ["kind"])


class CallOutcome(StrEnum):
    """How a request to a provider ended."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    KEY_REFUSED = "key_refused"
    REQUEST_REFUSED = "request_refused"
    NOT_UNDERSTOOD = "not_understood"


class Turn(Struct, frozen=True):
    """One turn of a conversation.

    Attributes:
        text: what is said.
        ours: whether we say it; else the model did.
    """

    text: str
    ours: bool = True


class Answer(Struct, frozen=True, kw_only=True):
    """What the model said.

    Attributes:
        text: the whole of it, or its beginning where it was cut off.
        usage: the tokens used.
        truncated: whether it was cut off at the output limit.
    """

    text: str
    usage: Usage
    truncated: bool = False


class ProviderFailure(Exception):
    """A request that brought no answer.

    Attributes:
        sentence: what happened, for people, without secrets.
        outcome: the same for the metric.
        usage: what it cost all the same, None if unknown.
    """

    def __init__(self, sentence: str, outcome: CallOutcome, usage: Usage | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.outcome = outcome
        self.usage = usage


class Unavailable(ProviderFailure):
    """Later it may work: too many requests, an error on the other side, no connection, no answer in time.

    Attributes:
        retry_after: seconds that the provider asks to be left alone, None if it did not say.
    """

    def __init__(self, sentence: str, outcome: CallOutcome, retry_after: float | None = None) -> None:
        super().__init__(sentence, outcome)
        self.retry_after = retry_after


class Refused(ProviderFailure):
    """Asking again would not help: the key, the request or the content is refused."""


class Provider(Protocol):
    """A model that answers in JSON of a given schema."""

    @property
    def name(self) -> str:
        """What people call it."""

    async def answer(self, instruction: str, turns: Sequence[Turn], schema: dict[str, object]) -> Answer:
        """Return the model's next turn.

        Args:
            instruction: what it is and how it works, the same for every request.
            turns: the conversation so far, ending with ours.
            schema: JSON Schema of the answer.

        Raises:
            Unavailable: if another try may work.
            Refused: if none will.
        """


def count(outcome: CallOutcome, usage: Usage | None) -> None:
    """Count one request and its tokens."""
    CALLS.labels(outcome=outcome).inc()
    if usage is not None:
        TOKENS.labels(kind="input").inc(max(usage.prompt_tokens - usage.cached_tokens, 0))
        TOKENS.labels(kind="cached").inc(usage.cached_tokens)
        TOKENS.labels(kind="answer").inc(usage.answer_tokens)
        TOKENS.labels(kind="thoughts").inc(usage.thought_tokens)
