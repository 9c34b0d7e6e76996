"""Asks a model for moments: one request for each chunk of the transcript, and one that ranks all proposals."""

import asyncio
from collections.abc import Collection, Sequence
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
from clipmill.analyzer.asking.transcript_text import TranscriptText, speaker_letters
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.moments import Moment

_HALTING = frozenset({Outcome.KEY_REFUSED, Outcome.RATE_LIMITED})
"""Outcomes that the next request would have too, so the remaining chunks wait for a later try."""

TIME_OUTS = 2
"""Time-outs after which a try asks about no other chunk. One may be bad luck, two mean a server that hangs, and a task
must end."""


@dataclass(frozen=True)
class Reading:
    """The model's answers about the chunks of a transcript.

    Attributes:
        chunks: Number of chunks.
        moments: Usable moments of all chunks, without overlap, the best first by their chunks' scores.
        failures: Failures of the chunks without an answer, in the order of the chunks.
    """

    chunks: int
    moments: tuple[Moment, ...]
    failures: tuple[ProviderFailure, ...]

    @property
    def comparable(self) -> bool:
        """True if all scores have one scale, because the model gave them in one answer or there is only one."""
        return self.chunks - len(self.failures) <= 1 or len(self.moments) <= 1

    @property
    def passing(self) -> Unavailable | None:
        """Failure with the longest pause among those that may pass, None if none of them may."""
        may_pass = [failure for failure in self.failures if isinstance(failure, Unavailable)]
        return max(may_pass, key=lambda failure: failure.retry_after or 0.0, default=None)


@dataclass
class Conversation:
    """Asks one model about one transcript.

    Args:
        provider: Model to ask.
        material: Material to ask about.
        wanted: Number of moments wanted, the largest one if the job leaves it open.
        spending: Account that counts every request.
        chunk_tokens: Approximate limit for the transcript in one request, in tokens.
        parallel: Largest number of requests at once.
        answered: Store of the chunks that earlier tries have answers for.
        marked: Indices of the sentences to which an audience would react, as a hint for the model.
    """

    provider: Provider
    material: Material
    wanted: int
    spending: Spending
    chunk_tokens: int
    parallel: int
    answered: AnsweredChunks
    marked: Collection[int] = ()
    repaired: bool = field(default=False, init=False)
    """True if a second request was needed to make an answer usable."""
    read_tokens: int | None = field(default=None, init=False)
    """Tokens that the model counted in a request that must have had more; None if all counts are plausible."""
    _time_outs: int = field(default=0, init=False)
    _halted: ProviderFailure | None = field(default=None, init=False)

    async def read(self) -> Reading:
        """Ask about each chunk, several at a time, and return the answers and the failures.

        Raises:
            Transient: if the store of answered chunks cannot be reached.
        """
        material = self.material
        chunks = chunks_of(material.sentences, self.chunk_tokens, material.lengths.longest_ms / 1000)
        speakers = speaker_letters(material.transcript, material.sentences)
        text = TranscriptText(material.sentences, speakers, material.cuts, material.duration, self.marked)
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
            raise several.exceptions[0] from several  # such as one of the store, which the worker handles
        results = [task.result() for task in tasks]
        found = [moment for result in results if isinstance(result, tuple) for moment in result]
        failures = tuple(result for result in results if isinstance(result, ProviderFailure))
        return Reading(chunks=len(chunks), moments=tuple(shortlist(found)), failures=failures)

    async def rank(self, moments: Sequence[Moment]) -> tuple[Moment, ...]:
        """Return the moments of a shortlist from several chunks, the best first, with scores of one scale.

        Raises:
            ProviderFailure: if the model does not rank them, which leaves only the scores of their chunks.
        """
        lines = [described(moment, self.material) for moment in moments]
        turns = [Turn(prompts.ranking_turn(self.material.name, lines))]
        answer = await self._request(prompts.RANKING_INSTRUCTION, turns, prompts.ranks_schema())
        best = ranked(answer, moments)
        if best is None:
            sentence = f"{self.provider.name} ranked fewer than half of the proposed clips."
            raise Unavailable(sentence, Outcome.UNUSABLE)
        return tuple(best)

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
        """Return what the model proposes for a chunk; ask once more if the first answer breaks a rule.

        A sole chunk must bring all wanted moments, unless the job leaves their number open or names a subject. One of
        several chunks may have fewer to offer, even none.

        Raises:
            Unavailable: if another try may work, also if neither answer can be used.
            Refused: if no other try will work.
        """
        options = self.material.options
        fewer = not sole or options.target_clips is None or self.material.subject.named
        instruction = prompts.instruction_for(options, marked=bool(self.marked))
        turns = [Turn(request)]
        answer = await self._request(instruction, turns, prompts.proposals_schema())
        if 0 < answer.usage.prompt_tokens < fewest_tokens(instruction + request):
            self.read_tokens = answer.usage.prompt_tokens
        first = checked(answer, self.material, wanted, chunk, fewer=fewer)
        if not first.problems or len(first.moments) >= (1 if fewer else wanted):
            return first.moments
        turns += [Turn(answer.text or "{}", ours=False), Turn(prompts.repair(first.problems, wanted, fewer=fewer))]
        try:
            answer = await self._request(instruction, turns, prompts.proposals_schema())
        except ProviderFailure:
            if first.moments:
                return first.moments
            raise
        second = checked(answer, self.material, wanted, chunk, fewer=fewer)
        worked = not second.problems or len(second.moments) > len(first.moments)
        count_repair(self.provider.kind, worked=worked)
        self.repaired = self.repaired or worked
        if worked or first.moments:
            return second.moments if worked else first.moments
        sentence = f"{self.provider.name} answered twice, but neither answer had a usable clip."
        raise Unavailable(sentence, Outcome.UNUSABLE)

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
