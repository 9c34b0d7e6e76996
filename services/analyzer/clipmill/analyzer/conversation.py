"""Asking a model for moments: one request, and one more if the answer has to be repaired."""

from clipmill.analyzer import prompts
from clipmill.analyzer.costs import Spending
from clipmill.analyzer.planning import Material, Moment
from clipmill.analyzer.proposals import Checked, checked
from clipmill.analyzer.provider import Answer, Provider, ProviderFailure, Turn, count
from clipmill.analyzer.provider import CallOutcome as Outcome


async def ask_for_moments(
    provider: Provider, material: Material, wanted: int, spending: Spending
) -> tuple[Moment, ...]:
    """Return the usable moments that the model proposes; none if its answer stays unusable.

    Args:
        provider: whom to ask.
        material: what to ask about.
        wanted: how many moments.
        spending: where every request is counted.

    Raises:
        Unavailable: if another try may work.
        Refused: if none will.
    """
    about = prompts.transcript_turn(material.name, material.language, material.duration, material.sentences)
    turns = [Turn(f"{about}\n\n{prompts.wish(material.options, wanted)}")]
    answer = await _request(provider, turns, spending)
    first = checked(answer, material, wanted)
    if not first.problems or len(first.moments) == wanted:
        return first.moments
    turns += [Turn(answer.text or "{}", ours=False), Turn(prompts.repair(first.problems, wanted))]
    try:
        second = checked(await _request(provider, turns, spending), material, wanted)
    except ProviderFailure:
        if first.moments:
            return first.moments
        raise
    return max(second, first, key=_usable).moments


async def _request(provider: Provider, turns: list[Turn], spending: Spending) -> Answer:
    try:
        answer = await provider.answer(prompts.INSTRUCTION, turns, prompts.schema())
    except ProviderFailure as failure:
        spending.request(failure.usage)
        count(failure.outcome, failure.usage)
        raise
    spending.request(answer.usage)
    count(Outcome.TRUNCATED if answer.truncated else Outcome.ANSWERED, answer.usage)
    return answer


def _usable(outcome: Checked) -> int:
    return len(outcome.moments)
