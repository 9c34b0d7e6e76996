"""The clips of a job explained, and more of them: the clips of a plan's reserve are rendered when somebody asks.

A request for more clips publishes the event `clips_wanted` and waits until the event is in the job's document. Requests
that meet at several gateways name the same generation; the fold accepts one of them, and the others choose again. The
tasks are published after that. If the gateway dies before, a repetition of the request or the sweeper publishes them.
"""

import asyncio
import contextlib
import re
import time
from uuid import uuid4

import msgspec
from aiohttp import web
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import Store
from clipmill.contracts import codec
from clipmill.contracts.api import KEY_OF_REQUEST, ClipList, ClipsAccepted, ClipState, ClipView, MoreClips
from clipmill.contracts.documents import ClipFacts, Plan, PlannedClip, ShotFacts
from clipmill.contracts.events import ClipsWanted
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.options import JOB_CLIPS_LIMIT
from clipmill.contracts.status import JobState
from clipmill.gateway.api.admission import Admission
from clipmill.gateway.api.answers import as_json, job_not_found
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.document import JobDocument, job_status
from clipmill.gateway.projection.wanted import FAILURES_LIMIT, given_up
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.publisher import Publisher

FIRST_PAUSE = 0.005
LAST_PAUSE = 0.1
"""The pauses between two checks of a document for the request, in seconds, doubling from the first to the last."""

REQUEST_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")
"""The keys that a client may give its request: printable ASCII of at most 255 characters, the usual limit."""


class Clips:
    """`GET` and `POST /api/jobs/<job>/clips`.

    Args:
        store: Store of the plans and of the facts about clips.
        statuses: Statuses of jobs.
        publisher: Publisher of events and tasks.
        streams: Streams in which tasks of clips wait.
        admission: Check for space before more clips are rendered.
        answer_seconds: Longest wait for NATS and the projector, in seconds.
    """

    def __init__(
        self,
        store: Store,
        statuses: Statuses,
        publisher: Publisher,
        streams: JobStreams,
        admission: Admission,
        *,
        answer_seconds: float,
    ) -> None:
        self._store = store
        self._statuses = statuses
        self._publisher = publisher
        self._streams = streams.within(answer_seconds)
        self._admission = admission
        self._answer_seconds = answer_seconds

    async def list(self, request: web.Request) -> web.Response:
        """Return the clips of a job with the reasons why they were chosen, and the reserve.

        Both are empty as long as there is no plan, also if the job failed before there was one.

        Raises:
            Permanent: `not_found`, a completed job has no plan any more.
            Transient: `unavailable`, NATS or the store did not answer in time.
        """
        document = await self._statuses.document(request.match_info["job"])
        if document is None or document.cancelled:
            return job_not_found()
        plan = await load(self._store, layout.plan(document.job), Plan)
        if plan is None and document.state is JobState.COMPLETED:
            raise _no_plan()
        if plan is None:
            return as_json(ClipList(job_id=document.job, clips=(), status=job_status(document)))
        shots = await asyncio.gather(*(self._shots(document, clip) for clip in document.clips_ready))
        return as_json(_explained(document, plan, dict(zip(document.clips_ready, shots, strict=True))))

    async def more(self, request: web.Request) -> web.Response:
        """Have clips of the reserve rendered, and return their numbers.

        Raises:
            Permanent: `bad_request`, `key_reused`, `not_found`, `not_completed`, `reserve_empty` or `clip_given_up`.
            Transient: `out_of_space`; or `unavailable`, NATS, the store or the projector did not answer in time.
        """
        given, wish = _key(request), _wish(await request.read())
        key = given or str(uuid4())
        deadline, pause = time.monotonic() + self._answer_seconds, FIRST_PAUSE
        asked: ClipsWanted | None = None
        while (document := await self._statuses.document(request.match_info["job"])) is not None:
            numbers = _answered(document, key, wish)
            if numbers is None and (asked is None or document.generation >= asked.generation):
                chosen = await self._chosen(document, wish)
                wanted = _under_way(document, chosen)
                if wanted and given is None:
                    numbers = chosen
                else:
                    if not wanted:
                        await self._admission.check_space("more clips")
                    generation = document.generation + 1
                    asked = ClipsWanted(job=document.job, generation=generation, numbers=chosen, request=key, wish=wish)
                    await self._publisher.event(asked, deadline=deadline)
            if numbers is not None:
                await self._submit(document, numbers, deadline)
                return as_json(ClipsAccepted(job_id=document.job, numbers=numbers), 202)
            if time.monotonic() >= deadline:
                raise _not_shown(document, given)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)
        return job_not_found()

    async def _shots(self, document: JobDocument, clip: int) -> tuple[ShotFacts, ...]:
        facts = await load(self._store, layout.clip_facts(document.job, clip), ClipFacts)
        return () if facts is None else facts.shots

    async def _chosen(self, document: JobDocument, wish: MoreClips) -> tuple[int, ...]:
        """Return the numbers of the clips that `wish` means, ascending: of the reserve, or ready already.

        Raises:
            Permanent: `not_completed`, `not_found`, `reserve_empty` or `clip_given_up`.
        """
        if document.state is not JobState.COMPLETED:
            raise _not_completed(document)
        plan = await load(self._store, layout.plan(document.job), Plan)
        if plan is None:
            raise _no_plan()
        reserve = [clip.number for clip in plan.reserve if clip.number <= JOB_CLIPS_LIMIT]
        if wish.numbers is not None:
            missing = sorted(set(wish.numbers).difference(reserve, document.clips_ready))
            settled = document.wanted.keys() | document.clips_ready
            hopeless = [clip for clip in wish.numbers if clip not in settled and given_up(document, clip)]
            if missing:
                raise _not_in_reserve(document, missing[0])
            if hopeless:
                sentence = (
                    f"Clip {hopeless[0]} failed or was cancelled {FAILURES_LIMIT} times; leave it out, or submit the "
                    "video again."
                )
                raise Permanent(ErrorCode.CLIP_GIVEN_UP, sentence)
            return wish.numbers
        left = [number for number in reserve if number not in document.clips_heard]
        if not left:
            sentence = "The reserve has no more clips; submit the video again with other options to find other moments."
            raise Permanent(ErrorCode.RESERVE_EMPTY, sentence)
        return tuple(left[: wish.more])

    async def _submit(self, document: JobDocument, numbers: tuple[int, ...], deadline: float) -> None:
        """Publish the tasks of the open clips among `numbers`, except those that wait or are being worked on."""
        open_clips = {number: document.wanted[number] for number in numbers if number in document.wanted}
        if not open_clips:
            return
        waiting = set()
        async for message in self._streams.tasks(document.job):
            with contextlib.suppress(msgspec.DecodeError):  # a worker keeps it as a dead letter
                task = codec.decode_task(message.data)
                waiting.add((task.clip, task.generation))
        for number, generation in open_clips.items():
            if (number, generation) not in waiting:
                await self._publisher.task(document.render_task(number, generation), deadline=deadline)


def _key(request: web.Request) -> str | None:
    """Return the key of the request, None if the client gave it none.

    Raises:
        Permanent: `bad_request`.
    """
    key = request.headers.get(KEY_OF_REQUEST)
    if key is None:
        return None
    if not REQUEST_KEY.fullmatch(key):
        sentence = f"The header {KEY_OF_REQUEST} must be text of 1 to 255 printable ASCII characters."
        raise Permanent(ErrorCode.BAD_REQUEST, sentence)
    return key


def _wish(body: bytes) -> MoreClips:
    """Return the content of the request; two that mean the same are equal.

    Raises:
        Permanent: `bad_request`.
    """
    try:
        wish = msgspec.json.decode(body, type=MoreClips)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        wish = MoreClips()
    counted = wish.numbers is None and wish.more is not None and wish.more >= 1
    named = wish.more is None and wish.numbers is not None and 1 <= len(wish.numbers) <= JOB_CLIPS_LIMIT
    if not (counted or named):
        sentence = 'The body must be JSON such as {"more": 3}, or {"numbers": [7]} with numbers of the reserve.'
        raise Permanent(ErrorCode.BAD_REQUEST, sentence)
    if wish.numbers is not None:
        return MoreClips(numbers=tuple(sorted(set(wish.numbers))))
    return MoreClips(more=min(wish.more or 0, JOB_CLIPS_LIMIT))


def _answered(document: JobDocument, key: str, wish: MoreClips) -> tuple[int, ...] | None:
    """Return the numbers with which an earlier request with this key was answered, None if there was none.

    An answer does not count once the job has failed, or one of the answer's clips went back to the reserve.

    Raises:
        Permanent: `key_reused`, the earlier request wanted something else.
    """
    numbers = document.requests.get(key)
    if numbers is None:
        return None
    if document.wishes.get(key, wish) != wish:
        sentence = f"An earlier request with this {KEY_OF_REQUEST} had another body; send this one with its own key."
        raise Permanent(ErrorCode.KEY_REUSED, sentence)
    counts = document.state is not JobState.FAILED and document.clips_heard.issuperset(numbers)
    return numbers if counts else None


def _no_plan() -> Permanent:
    return Permanent(ErrorCode.NOT_FOUND, "The plan of the job's clips is gone; submit the video again.")


def _not_in_reserve(document: JobDocument, number: int) -> Permanent:
    if number in document.clips_failed:
        sentence = (
            f"Clip {number} failed and does not belong to the reserve; have an operator retry its dead letter, or "
            "submit the video again."
        )
    else:
        shown = f"GET /api/jobs/{document.job}/clips"
        sentence = f"No clip of the reserve has the number {number}; {shown} shows the numbers of the reserve."
    return Permanent(ErrorCode.NOT_FOUND, sentence)


def _not_shown(document: JobDocument, given: str | None) -> Transient:
    if given is None:
        then = f"look at GET /api/jobs/{document.job}/clips before you repeat it"
    else:
        then = f"repeat it with the same {KEY_OF_REQUEST}"
    return Transient(ErrorCode.UNAVAILABLE, f"The job does not show the request yet; {then}.")


def _under_way(document: JobDocument, numbers: tuple[int, ...]) -> bool:
    """Return whether each clip is rendered or will be."""
    return all(number in document.clips_ready or number in document.wanted for number in numbers)


def _not_completed(document: JobDocument) -> Permanent:
    if not document.state.terminal:
        return Permanent(ErrorCode.NOT_COMPLETED, "The job has not completed yet; ask for more clips when it has.")
    how = "was cancelled" if document.cancelled else "failed"
    return Permanent(ErrorCode.NOT_COMPLETED, f"The job {how} and has no reserve; submit the video again.")


def _explained(document: JobDocument, plan: Plan, shots: dict[int, tuple[ShotFacts, ...]]) -> ClipList:
    best = sorted((*plan.clips, *plan.reserve), key=lambda clip: (-clip.score, clip.number))
    ranks = {clip.number: rank for rank, clip in enumerate(best, 1)}
    urls = {number: clip.video_url for number, clip in zip(document.clips_ready, document.clips, strict=True)}
    planned = {clip.number for clip in plan.clips}

    def view(clip: PlannedClip) -> ClipView:
        return ClipView(
            number=clip.number,
            rank=ranks[clip.number],
            state=_state(document, clip.number, planned=clip.number in planned),
            start=clip.start,
            end=clip.end,
            title=clip.title,
            score=clip.score,
            parts=clip.parts,
            reason=clip.reason,
            quote=clip.quote,
            url=urls.get(clip.number),
            error=document.clips_failed.get(clip.number),
            shots=shots.get(clip.number, ()),
            good=None if plan.good is None else clip.number <= plan.good,
        )

    views = [view(clip) for clip in (*plan.clips, *plan.reserve)]
    return ClipList(
        job_id=document.job,
        clips=tuple(view for view in views if view.state != ClipState.RESERVE),
        reserve=tuple(view for view in views if view.state == ClipState.RESERVE),
        status=job_status(document),
    )


def _state(document: JobDocument, number: int, *, planned: bool) -> ClipState:
    if number in document.clips_ready:
        return ClipState.READY
    if number in document.clips_failed:
        return ClipState.FAILED
    if number in document.wanted:
        return ClipState.RENDERING
    if planned:
        return ClipState.FAILED if document.state is JobState.FAILED else ClipState.RENDERING
    return ClipState.RESERVE
