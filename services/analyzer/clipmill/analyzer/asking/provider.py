"""What the analyzer asks of a model, whoever runs it, and the ways in which that fails.

`docs/guides/models.md` has the table of what comes of each misbehaviour. In short: what is wrong with an answer is told
to the model once; what may pass is left to a later try of the task, which is spaced, counted, survives this process and
is said in the job's log; what will not pass, or has not passed by the last tries, ends with moments picked locally.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from clipmill.analyzer.asking.costs import Usage
from msgspec import Struct
from prometheus_client import Counter

CALLS = Counter("clipmill_provider_calls", "Requests to a model, by how they ended.", ["provider", "outcome"])
TOKENS = Counter("clipmill_provider_tokens", "Tokens that a model counted.", ["provider", "kind"])
REPAIRS = Counter(
    "clipmill_provider_repairs", "Answers that had to be asked for again, by what came of it.", ["provider", "result"]
)


class ProviderKind(StrEnum):
    """The protocols that are spoken; their values are settings and metric labels."""

    GEMINI = "gemini"
    OPENAI = "openai"


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
    FORM_REFUSED = "form_refused"
    """The server does not know a way of asking; the same is asked again in a plainer one."""
    NOT_UNDERSTOOD = "not_understood"
    UNUSABLE = "unusable"
    """Answered, but nothing of the answers can be used: never a single request's outcome, but a conversation's."""


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
    """Later it may work: too many requests, an error on the other side, no connection, no answer in time or no use.

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

    @property
    def kind(self) -> ProviderKind:
        """Whose protocol it speaks."""

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


def count(kind: ProviderKind, outcome: CallOutcome, usage: Usage | None) -> None:
    """Count one request and its tokens."""
    CALLS.labels(provider=kind, outcome=outcome).inc()
    if usage is not None:
        TOKENS.labels(provider=kind, kind="input").inc(max(usage.prompt_tokens - usage.cached_tokens, 0))
        TOKENS.labels(provider=kind, kind="cached").inc(usage.cached_tokens)
        TOKENS.labels(provider=kind, kind="answer").inc(usage.answer_tokens)
        TOKENS.labels(provider=kind, kind="thoughts").inc(usage.thought_tokens)


def count_repair(kind: ProviderKind, *, worked: bool) -> None:
    """Count an answer that was asked for a second time, and whether that helped."""
    REPAIRS.labels(provider=kind, result="repaired" if worked else "unusable").inc()
