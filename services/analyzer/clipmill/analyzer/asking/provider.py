"""The protocol of all model providers, and the ways in which a request to one fails.

`docs/guides/models.md` has a table of misbehaviours and their results. In short: an answer that breaks a rule is sent
back to the model once. A failure that may pass is left to a later try of the task, which is counted, waits its turn,
survives this process and has a line in the job's log. A failure that will not pass, or lasts until the last tries, ends
with moments picked locally.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from clipmill.analyzer.asking.costs import Usage
from msgspec import Struct
from prometheus_client import Counter

CALLS = Counter("clipmill_provider_calls", "Requests to models, by provider and outcome.", ["provider", "outcome"])
TOKENS = Counter("clipmill_provider_tokens", "Tokens that models counted, by provider and kind.", ["provider", "kind"])
REPAIRS = Counter(
    "clipmill_provider_repairs",
    "Second requests after an unusable answer, by provider and result.",
    ["provider", "result"],
)


class ProviderKind(StrEnum):
    """The protocols of providers; their values are settings and metric labels."""

    GEMINI = "gemini"
    OPENAI = "openai"


class CallOutcome(StrEnum):
    """The outcomes of a request to a provider."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    KEY_REFUSED = "key_refused"
    REQUEST_REFUSED = "request_refused"
    FORM_REFUSED = "form_refused"
    """The server does not know the form of the request, which is repeated in a plainer form."""
    NOT_UNDERSTOOD = "not_understood"
    UNUSABLE = "unusable"
    """The model answered, but none of its answers can be used: the outcome of a conversation, never of one request."""


class Turn(Struct, frozen=True):
    """One turn of a conversation.

    Attributes:
        text: Words of the turn.
        ours: True if the turn is ours, False if it is the model's.
    """

    text: str
    ours: bool = True


class Answer(Struct, frozen=True, kw_only=True):
    """An answer of the model.

    Attributes:
        text: Text of the answer, or its beginning if it was cut off.
        usage: Tokens used.
        truncated: True if the answer was cut off at the output limit.
    """

    text: str
    usage: Usage
    truncated: bool = False


class ProviderFailure(Exception):
    """A request that brought no answer.

    Attributes:
        sentence: Sentence for people, without secrets.
        outcome: Outcome for the metric.
        usage: Tokens that the request cost nevertheless, None if unknown.
    """

    def __init__(self, sentence: str, outcome: CallOutcome, usage: Usage | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.outcome = outcome
        self.usage = usage


class Unavailable(ProviderFailure):
    """A failure that may pass: too many requests, a server error, no connection, a time-out, or a useless answer.

    Attributes:
        retry_after: Pause that the provider asks for, in seconds; None if it names none.
    """

    def __init__(self, sentence: str, outcome: CallOutcome, retry_after: float | None = None) -> None:
        super().__init__(sentence, outcome)
        self.retry_after = retry_after


class Refused(ProviderFailure):
    """A failure that will not pass: the provider refuses the key, the request or the content."""


class Provider(Protocol):
    """A model that answers in JSON of a given schema."""

    @property
    def name(self) -> str:
        """Name of the model for people."""

    @property
    def kind(self) -> ProviderKind:
        """Protocol that the model speaks."""

    async def answer(self, instruction: str, turns: Sequence[Turn], schema: dict[str, object]) -> Answer:
        """Return the model's next turn.

        Args:
            instruction: Role and rules of the model, identical in every request of a kind.
            turns: Conversation so far, which ends with a turn of ours.
            schema: JSON Schema of the answer.

        Raises:
            Unavailable: if another try may work.
            Refused: if no other try will work.
        """


def count(kind: ProviderKind, outcome: CallOutcome, usage: Usage | None) -> None:
    """Count one request and its tokens."""
    CALLS.labels(provider=kind, outcome=outcome).inc()
    if usage is not None:
        TOKENS.labels(provider=kind, kind="input").inc(max(usage.prompt_tokens - usage.cached_tokens, 0))
        TOKENS.labels(provider=kind, kind="cached").inc(usage.cached_tokens)
        TOKENS.labels(provider=kind, kind="answer").inc(usage.answer_tokens)
        TOKENS.labels(provider=kind, kind="thoughts").inc(usage.thought_tokens)


def count_repair(kind: ProviderKind, *, worked: bool) -> None:
    """Count a second request after an unusable answer, by whether its answer could be used."""
    REPAIRS.labels(provider=kind, result="repaired" if worked else "unusable").inc()
