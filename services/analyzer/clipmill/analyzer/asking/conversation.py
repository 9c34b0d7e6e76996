"""Asking a model for moments: one request about each chunk of the transcript, one that ranks what they brought."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from clipmill.analyzer.asking import prompts
from clipmill.analyzer.asking.answered_chunks import AnsweredChunks
from clipmill.analyzer.asking.costs import Spending
from clipmill.analyzer.asking.proposals import checked
from clipmill.analyzer.asking.provider import (
    Answer,
    Provider,
    ProviderFailure,
    Turn,
    Unavailable,
    count,
    count_repair,
)
from clipmill.analyzer.asking.provider import CallOutcome as Outcome
from clipmill.analyzer.asking.ranking import described, proposals_each, ranked, shortlist
from clipmill.analyzer.asking.transcript_chunks import TranscriptChunk, chunks_of, fewest_tokens
from clipmill.analyzer.asking.transcript_text import TranscriptText, speakers_of
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment

_HALTING = frozenset({Outcome.KEY_REFUSED, Outcome.RATE_LIMITED})
"""What one request met with, the next one would: chunks that were not asked about yet are left for later."""

TIME_OUTS = 2
"""After so many requests without an answer in time no other chunk is asked about in this try: one may be unlucky, two
are a server that hangs, and a task must come to an end."""


@dataclass(frozen=True)
class Reading:
    """What the chunks of a transcript brought.

    Attributes:
        chunks: how many there are.
        moments: usable, of all chunks, not overlapping, the best first by their own scores.
        failures: why the other chunks brought nothing, in their order.
    """

    chunks: int
    moments: tuple[Moment, ...]
    failures: tuple[ProviderFailure, ...]

    @property
    def comparable(self) -> bool:
        """Whether all scores are of one scale: the model saw them together, or there is only one."""
        return self.chunks - len(self.failures) <= 1 or len(self.moments) <= 1

    @property
    def passing(self) -> Unavailable | None:
        """The failure that asks for the longest pause among those that may pass, None if none may."""
        may_pass = [failure for failure in self.failures if isinstance(failure, Unavailable)]
        return max(may_pass, key=lambda failure: failure.retry_after or 0.0, default=None)


@dataclass
class Conversation:
    """Asks one model about one transcript.

    Args:
        provider: whom to ask.
        material: what to ask about.
        wanted: how many moments.
        spending: where every request is counted.
        chunk_tokens: about the most tokens of transcript in a request.
        parallel: the most requests at once.
        answered: keeps the chunks of a transcript that were answered when others were not.
    """

    provider: Provider
    material: Material
    wanted: int
    spending: Spending
    chunk_tokens: int
    parallel: int
    answered: AnsweredChunks
    repaired: bool = field(default=False, init=False)
    """Whether an answer was of use only when it was asked for again."""
    read_tokens: int | None = field(default=None, init=False)
    """What the model counted of a request, if that is too little to be all of it; None if it never was."""
    _time_outs: int = field(default=0, init=False)
    _halted: ProviderFailure | None = field(default=None, init=False)

    async def read(self) -> Reading:
        """Ask about each chunk, several at a time, and return what they brought, failures included.

        Raises:
            Transient: if the store of answered chunks cannot be reached.
        """
        material = self.material
        chunks = chunks_of(material.sentences, self.chunk_tokens, material.lengths.longest_ms / 1000)
        speakers = speakers_of(material.transcript, material.sentences)
        text = TranscriptText(material.sentences, speakers, material.cuts, material.duration)
        free = asyncio.Semaphore(self.parallel)

        async def one(chunk: TranscriptChunk) -> tuple[Moment, ...] | ProviderFailure:
            async with free:
                try:
                    return await self._remembered(chunk, len(chunks), text.of(chunk))
                except ProviderFailure as failure:
                    self._time_outs += failure.outcome is Outcome.TIMED_OUT
                    if failure.outcome in _HALTING or self._time_outs >= TIME_OUTS:
                        self._halted = failure
                    return failure

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(chunk)) for chunk in chunks]
        except ExceptionGroup as several:
            raise several.exceptions[0] from several  # such as the store's, which the worker knows what to do about
        results = [task.result() for task in tasks]
        found = [moment for result in results if isinstance(result, tuple) for moment in result]
        failures = tuple(result for result in results if isinstance(result, ProviderFailure))
        return Reading(chunks=len(chunks), moments=tuple(shortlist(found)), failures=failures)

    async def rank(self, moments: Sequence[Moment]) -> tuple[Moment, ...]:
        """Return the moments that are wanted of a shortlist from several chunks, by scores of one scale.

        Raises:
            ProviderFailure: if the model does not rank them; their own scores are then all there is.
        """
        lines = [described(moment, self.material) for moment in moments]
        turns = [Turn(prompts.ranking_turn(self.material.name, lines))]
        answer = await self._request(prompts.RANKING_INSTRUCTION, turns, prompts.ranks_schema())
        best = ranked(answer, moments)
        if best is None:
            raise Unavailable(f"{self.provider.name}'s ranking cannot be used.", Outcome.UNUSABLE)
        return tuple(best[: self.wanted])

    async def _remembered(self, chunk: TranscriptChunk, chunks: int, transcript: str) -> tuple[Moment, ...]:
        material, wanted = self.material, proposals_each(self.wanted, chunks)
        rate = len(material.words) / max(sum(sentence.seconds for sentence in material.sentences), 1.0)
        request = prompts.chunk_turn(material.name, rate, transcript, material.options, wanted)
        known = await self.answered.recall(request)
        if known is not None:
            return known
        if self._halted is not None:
            raise self._halted
        moments = await self._proposed(request, chunk, wanted, sole=chunks == 1)
        await self.answered.keep(request, moments)
        return moments

    async def _proposed(self, request: str, chunk: TranscriptChunk, wanted: int, *, sole: bool) -> tuple[Moment, ...]:
        """Return what the model proposes in a chunk, asked again once if that is not what it should be.

        The sole chunk has to bring all that is wanted; where there are several, one may have less or nothing to offer.

        Raises:
            Unavailable: if another try may work; also if both answers were of no use.
            Refused: if none will.
        """
        turns = [Turn(request)]
        answer = await self._request(prompts.INSTRUCTION, turns, prompts.proposals_schema())
        if 0 < answer.usage.prompt_tokens < fewest_tokens(prompts.INSTRUCTION + request):
            self.read_tokens = answer.usage.prompt_tokens
        first = checked(answer, self.material, wanted, chunk, fewer=not sole)
        if not first.problems or len(first.moments) >= (wanted if sole else 1):
            return first.moments
        turns += [Turn(answer.text or "{}", ours=False), Turn(prompts.repair(first.problems, wanted))]
        try:
            answer = await self._request(prompts.INSTRUCTION, turns, prompts.proposals_schema())
        except ProviderFailure:
            if first.moments:
                return first.moments
            raise
        second = checked(answer, self.material, wanted, chunk, fewer=not sole)
        worked = not second.problems or len(second.moments) > len(first.moments)
        count_repair(self.provider.kind, worked=worked)
        self.repaired = self.repaired or worked
        if worked or first.moments:
            return second.moments if worked else first.moments
        raise Unavailable(f"{self.provider.name}'s answers cannot be used.", Outcome.UNUSABLE)

    async def _request(self, instruction: str, turns: Sequence[Turn], schema: dict[str, object]) -> Answer:
        try:
            answer = await self.provider.answer(instruction, turns, schema)
        except ProviderFailure as failure:
            self.spending.request(failure.usage)
            count(self.provider.kind, failure.outcome, failure.usage)
            raise
        self.spending.request(answer.usage)
        count(self.provider.kind, Outcome.TRUNCATED if answer.truncated else Outcome.ANSWERED, answer.usage)
        return answer
