"""The cost of asking a model: tokens times prices for every request, failed ones included."""

from importlib.resources import files
from pathlib import Path

import msgspec
from clipmill.contracts.documents import Cost
from msgspec import Struct

MILLION = 1_000_000


class Usage(Struct, frozen=True, kw_only=True):
    """The tokens of one request, as the provider counts them.

    Attributes:
        prompt_tokens: Tokens read, cached ones included.
        cached_tokens: Tokens read from the provider's cache, at a lower price.
        answer_tokens: Tokens of the answer.
        thought_tokens: Tokens of the model's thoughts, at the price of an answer.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    answer_tokens: int = 0
    thought_tokens: int = 0


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The prices of one model, in US dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None


class PriceTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The prices of models.

    Attributes:
        unlisted: Name of the listed model whose price is assumed for unlisted ones.
        models: Prices by the name of the model.
    """

    unlisted: str
    models: dict[str, Price]

    def usd(self, model: str, usage: Usage) -> float:
        """Return the price of a request that used `usage`."""
        price = self.models.get(model) or self.models[self.unlisted]
        cached = price.input if price.cached is None else price.cached
        fresh_tokens = max(usage.prompt_tokens - usage.cached_tokens, 0)
        output_tokens = usage.answer_tokens + usage.thought_tokens
        return (fresh_tokens * price.input + usage.cached_tokens * cached + output_tokens * price.output) / MILLION

    def knows(self, model: str) -> bool:
        """Return whether the table lists `model`."""
        return model in self.models


class PriceTableError(Exception):
    """An error for a price table that cannot be used.

    Its message continues a sentence about the table: "cannot be read (…); name a TOML file of prices."
    """


def load_prices(path: Path | None = None) -> PriceTable:
    """Return the price table in `path`, or the one that comes with clipmill.

    Raises:
        PriceTableError: if the file cannot be read or holds no price table.
    """
    try:
        data = path.read_bytes() if path else files("clipmill.analyzer").joinpath("prices.toml").read_bytes()
        table = msgspec.toml.decode(data, type=PriceTable)
    except (OSError, msgspec.DecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PriceTableError(f"cannot be read ({reason}); name a TOML file of prices.") from error
    if table.unlisted not in table.models:
        raise PriceTableError(
            f"uses the price of {table.unlisted} for models that it does not list, but has no price for "
            f"{table.unlisted}; add that price."
        )
    return table


class Spending:
    """Adds up what one job's requests to one model cost.

    Args:
        prices: Price table.
        model: Name of the model.
        free_unlisted: True if the model is free when the table does not list it, because the operator runs it. False
            estimates its price by the table's `unlisted` model.
    """

    def __init__(self, prices: PriceTable, model: str, *, free_unlisted: bool = False) -> None:
        self._prices = prices
        self._model = model
        self._free = free_unlisted and not prices.knows(model)
        self._usd = 0.0
        self._calls = 0
        self._estimated = False

    def request(self, usage: Usage | None) -> None:
        """Count a request and its tokens; None if the provider reported no tokens."""
        self._calls += 1
        if usage is not None and not self._free:
            self._usd += self._prices.usd(self._model, usage)
            self._estimated = self._estimated or not self._prices.knows(self._model)

    @property
    def cost(self) -> Cost:
        """Cost so far, rounded to ten-thousandths of a cent."""
        return Cost(total_usd=round(self._usd, 6), provider_calls=self._calls, estimated=self._estimated)


def added(one: Cost, other: Cost) -> Cost:
    """Return the sum of two costs."""
    return Cost(
        total_usd=round(one.total_usd + other.total_usd, 6),
        provider_calls=one.provider_calls + other.provider_calls,
        estimated=one.estimated or other.estimated,
    )
