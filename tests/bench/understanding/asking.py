"""The cost of asking a model about an hour of talk, and the result of each misbehaviour of its server.

The handler of the analyze task works as in the service; the servers are real ones on loopback, which keep what they
received. Tokens are counted by the tokenizer of Whisper's English models (GPT-2's byte pairs), available offline.
"""

import asyncio
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import structlog
from aiohttp import web
from clipmill.analyzer.asking.costs import load_prices
from clipmill.analyzer.asking.transcript_chunks import TranscriptChunk, chunks_of
from clipmill.analyzer.asking.transcript_text import TranscriptText, likeliest, speaker_letters
from clipmill.analyzer.moments_handler import MomentsHandler
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.analyzer.talk.audience import bundled
from clipmill.analyzer.talk.material import Material
from clipmill.artifacts import layout
from clipmill.artifacts.documents import load
from clipmill.artifacts.store import Store, open_store
from clipmill.contracts.codec import encode
from clipmill.contracts.documents import MediaFacts, Plan, Scenes, Segment, Shot, Transcript, Word
from clipmill.contracts.failures import Transient
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.tasks import AnalyzeTask
from clipmill.operations.models import locate
from clipmill.operations.settings import Secret
from figures import Figure
from msgspec.structs import replace
from prometheus_client import REGISTRY
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).parents[3] / "services" / "analyzer" / "tests"))

from misbehaviours import misbehaviours
from model_servers import KEY, GeminiServer, ModelServer, OpenAIServer, answer_of, serving
from recording_context import RecordingContext
from talks.generation import Talk, talks

HOUR_SECONDS = 3600.0

FEW_CLIPS = 3
MORE_CLIPS = 10
MOST_SHARE = 1.27
TOKENIZER = "whisper-tiny.en"
SENTENCES = 40
GOOD = answer_of((1, 5), (9, 13), (20, 25))
"""A good answer about forty sentences of five and a half seconds."""


@dataclass(frozen=True)
class Documents:
    """The documents of a job whose moments are to be picked."""

    media: MediaFacts
    transcript: Transcript
    scenes: Scenes


@dataclass
class Reader:
    """A stand-in for a model that answers with passages of the requested length, and scores a shortlist.

    Attributes:
        server: Server whose protocol is spoken.
        answers: Texts of all answers.
    """

    server: ModelServer
    answers: list[str] = field(default_factory=list)

    async def __call__(self, _request: web.Request, body: dict[str, object]) -> web.StreamResponse:
        asked = self.server.texts_in(body)[1]
        if shortlist := re.search(r"Score all (\d+) passages", asked):
            ranks = [{"passage": number, "score": 97 - 6 * number} for number in range(1, int(shortlist[1]) + 1)]
            self.answers.append(json.dumps({"scores": ranks}))
        else:
            wanted = re.search(r"the (\d+) best passages", asked)
            self.answers.append(self._proposals(asked, int(wanted[1]) if wanted else 1))
        return web.json_response(self.server.says(self.answers[-1], prompt=len(asked) // 4))

    @staticmethod
    def _proposals(asked: str, wanted: int) -> str:
        """Propose passages of some 30 s, from one time to the next, spread over the part."""
        opens = [int(number) for number in re.findall(r"(?<!\S)(\d+)[A-Z]?\*?!?@\d+", asked)]
        step = max(1, (len(opens) - 1) // wanted)
        said = "Three minutes of attention and a promise that almost nobody keeps afterwards. #focus #work #attention"
        texts = {
            "title": "Why nobody returns to the task after an interruption",
            "tiktok": said,
            "instagram": said,
            "youtube": "Why nobody returns to the task after an interruption",
            "reason": "A surprising number, its proof and a line that people quote.",
        }
        passages = [(opens[at], opens[at + 1] - 1) for at in range(0, step * wanted, step)]
        return answer_of(*passages, **texts)


def measure(_corpus: Path, _folder: Path) -> list[Figure]:
    """Ask real servers on loopback, as the service does, and return the figures."""
    # The server warns of connections that break in the middle; this bench breaks some on purpose.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(_measured())


async def _measured() -> list[Figure]:
    figures = [*await _hour(FEW_CLIPS), *await _hour(MORE_CLIPS)]
    async with serving(GeminiServer()) as gemini, serving(OpenAIServer()) as endpoint:
        count = len(misbehaviours(gemini, GOOD))
        figures += [await _misbehaviour(number, (gemini, endpoint)) for number in range(count)]
    return figures


# tokens


async def _hour(clips: int) -> list[Figure]:
    """Ask about an hour of talk, for so many clips, and count the tokens that the server received."""
    documents = _joined(talks())
    options = JobOptions(target_clips=clips)
    async with serving(GeminiServer()) as server:
        reader = Reader(server)
        server.replies = [reader]
        plan, lines = await _picked(server, documents, options)
        requests = server.requests
    if plan.picker != server.model or len(plan.clips) != clips or lines:
        raise AssertionError(f"The model's choice was not taken: {lines}")
    tokenizer = Tokenizer.from_file(str(locate(TOKENIZER) / "tokenizer.json"))

    def tokens(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    def single_digits(text: str) -> int:
        return tokens(re.sub(r"\d", "", text)) + len(re.findall(r"\d", text))

    material = Material(documents.media, documents.transcript, documents.scenes, options)
    plain = " ".join(sentence.text for sentence in material.sentences)
    speakers = speaker_letters(documents.transcript, material.sentences)
    parts = chunks_of(material.sentences, AnalyzerSettings().part_tokens, options.clip_max_seconds)
    bare = TranscriptText(material.sentences, [""] * len(speakers), [], material.duration)
    hinted = TranscriptText(material.sentences, speakers, material.cuts, material.duration)
    chances = bundled().chances([sentence.text for sentence in material.sentences]).tolist()
    marked = TranscriptText(material.sentences, speakers, material.cuts, material.duration, likeliest(chances))
    whole = [TranscriptChunk(first=0, last=len(material.sentences) - 1)]
    bodies = [_read_in(server, request) for request in requests]
    sent, own = sum(tokens("\n".join(body)) for body in bodies), tokens(plain)
    ranking = sum(tokens("\n".join(body)) for body in bodies if "Score all" in body[-1])
    once, numbered = (sum(tokens(bare.of(part)) for part in given) for given in (whole, parts))
    hints = sum(tokens(marked.of(part)) for part in parts) - numbered
    marks = hints + numbered - sum(tokens(hinted.of(part)) for part in parts)
    hour = f"{material.duration / 60:.0f} minutes, {len(plain.split())} words, {len(material.sentences)} sentences"
    answers = sum(tokens(answer) for answer in reader.answers)
    share, unhinted = sent / own, (sent - hints) / own
    head = f"an hour of talk, {clips} clips"
    wanted = f"≤ {MOST_SHARE}" if clips == FEW_CLIPS else ""
    figures = [
        Figure(
            f"{head}: tokens of all requests, schemas included, to those of the bare transcript",
            f"{share:.3f} ({sent} to {own})",
            wanted,
            share <= MOST_SHARE if wanted else None,
        ),
        Figure(
            f"{head}: without marks of speakers, shots and likely reactions",
            f"{unhinted:.3f}",
            wanted,
            unhinted <= MOST_SHARE if wanted else None,
        ),
    ]
    if not wanted:
        return figures
    digits = sum(single_digits("\n".join(body)) for body in bodies) / single_digits(plain)
    overlap = sum(tokens(_said(material, part)) for part in parts) - own
    return [
        Figure(
            f"{head} ({hour})",
            f"{len(parts)} parts, {len(bodies) - len(parts)} ranking",
            "parts and one ranking",
            len(parts) > 1 and len(bodies) == len(parts) + 1,
        ),
        *figures,
        Figure(f"{head}: all requests to the numbered transcript sent once", f"{sent / once:.3f}"),
        Figure(f"{head}: numbers and times", f"{(numbered - own - overlap) / own:.3f} of the bare transcript"),
        Figure(
            f"{head}: {turns(speakers)} speaker turns and {len(material.cuts)} shots", f"{(hints - marks) / own:.3f}"
        ),
        Figure(f"{head}: marks of {len(likeliest(chances))} likely reactions", f"{marks / own:.3f} ({marks})"),
        Figure(f"{head}: what parts have in common", f"{overlap / own:.3f}"),
        Figure(
            f"{head}: instructions, schemas, title and wishes of the parts",
            f"{(sent - ranking - numbered - hints) / own:.3f}",
        ),
        Figure(f"{head}: the ranking", f"{ranking / own:.3f}"),
        Figure(f"{head}: all answers, texts of every proposal included", f"{answers / own:.3f} ({answers})"),
        Figure(
            f"{head}: all requests, if each digit were a token as in Gemma's and Qwen's tokenizers", f"{digits:.3f}"
        ),
    ]


def turns(speakers: Sequence[str]) -> int:
    """Return how often the speaker changes."""
    return sum(one != other for one, other in pairwise(speakers))


def _said(material: Material, part: TranscriptChunk) -> str:
    return " ".join(sentence.text for sentence in material.sentences[part.first : part.last + 1])


def _read_in(server: ModelServer, request: dict[str, object]) -> list[str]:
    """Return the texts of a request that a model reads: the instruction, the schema and the question."""
    instruction, *turns = server.texts_in(request)
    return [instruction, json.dumps(server.schema_in(request), separators=(",", ":")), *turns]


def _joined(parts: Sequence[Talk]) -> Documents:
    """Join talks until they fill an hour, and return the result."""
    segments: list[Segment] = []
    edges, start = [0.0], 0.0
    for talk in parts:
        segments += [_moved(segment, start) for segment in talk.transcript.segments]
        edges += [start + shot.end for shot in talk.scenes.shots]
        start += talk.media.duration
        if start >= HOUR_SECONDS:
            break
    shots = tuple(Shot(start=one, end=other) for one, other in pairwise(edges))
    return Documents(
        media=replace(parts[0].media, duration=start, title="An hour of talk"),
        transcript=Transcript(language="en", duration=start, segments=tuple(segments)),
        scenes=replace(parts[0].scenes, shots=shots),
    )


def _moved(segment: Segment, by: float) -> Segment:
    words = tuple(Word(text=word.text, start=word.start + by, end=word.end + by) for word in segment.words)
    return replace(segment, start=segment.start + by, end=segment.end + by, words=words)


# misbehaviours


async def _misbehaviour(number: int, servers: Sequence[ModelServer]) -> Figure:
    """Let each server misbehave in one way, try the job until it ends, and compare the result with the table."""
    seen: list[str] = []
    met = True
    what = ""
    for server in servers:
        case = misbehaviours(server, GOOD)[number]
        what, server.replies = case.what, case.replies
        before = _counted(server)
        plan, lines = await _picked(server, _speech(), JobOptions(target_clips=FEW_CLIPS), **case.settings)
        counted = _counted(server) - before
        met = met and counted == case.outcomes and lines == case.lines
        met = met and plan.picker == (server.model if case.by_model else "local")
        outcomes = ", ".join(f"{count} × {outcome}" for outcome, count in counted.items())
        choice = "the model's choice" if plan.picker == server.model else "picked locally"
        said = " / ".join(lines) or "no line"
        seen.append(f"{outcomes}; {choice}; {said}")
    alike = seen[1].replace(servers[1].name, servers[0].name)
    same = re.sub(r" X\)| \([A-Z_]+\)", lambda found: ")" if "X" in found[0] else "", seen[0]) == alike
    return Figure(f"a server's misbehaviour: {what}", seen[0] if same else " — ".join(seen), "as documented", met)


def _counted(server: ModelServer) -> Counter[str]:
    """Return the number of requests by their end, as the metric counts them."""
    found = Counter[str]()
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == "clipmill_provider_calls_total" and sample.labels["provider"] == server.kind:
                found[sample.labels["outcome"]] = int(sample.value)
    return found


def _speech() -> Documents:
    """Return forty sentences of five and a half seconds."""
    segments = []
    for number in range(SENTENCES):
        text = f"This is sentence number {number + 1}, and it goes on for quite a while so that it is long enough."
        start, spoken = number * 5.5, text.split()
        length = 5.1 / len(spoken)
        words = tuple(
            Word(text=word, start=start + at * length, end=start + (at + 1) * length) for at, word in enumerate(spoken)
        )
        segments.append(Segment(text=text, start=start, end=start + 5.1, words=words))
    duration = SENTENCES * 5.5
    return Documents(
        media=replace(talks(1)[0].media, duration=duration),
        transcript=Transcript(language="en", duration=duration, segments=tuple(segments)),
        scenes=Scenes(shots=(Shot(start=0.0, end=duration),), detector="none", frame_rate=25.0),
    )


# both


async def _picked(
    server: ModelServer, documents: Documents, options: JobOptions, **settings: object
) -> tuple[Plan, list[str]]:
    """Try an analyze task as often as a worker would; return the plan and the lines of the job's log."""
    store, job = open_store("memory://"), new_job_id()
    await _stored(store, job, documents)
    keys = {"gemini_api_key": Secret(KEY), "openai_api_key": Secret(KEY)}
    analyzer = AnalyzerSettings(**{**keys, **server.settings(), **settings})  # type: ignore[arg-type]
    handler = MomentsHandler(store, analyzer, load_prices())
    lines: list[str] = []
    for attempt in range(1, analyzer.analyze_attempts + 1):
        context = RecordingContext(attempt)
        try:
            await handler(AnalyzeTask(job=job, options=options), context)
        except Transient:
            lines += context.lines
            continue
        lines += context.lines
        break
    plan = await load(store, layout.plan(job), Plan)
    if plan is None:
        raise AssertionError("The last try failed as well.")
    return plan, lines


async def _stored(store: Store, job: JobId, documents: Documents) -> None:
    await store.put_bytes(layout.media(job), encode(documents.media))
    await store.put_bytes(layout.transcript(job), encode(documents.transcript))
    await store.put_bytes(layout.scenes(job), encode(documents.scenes))
