"""Servers on loopback that speak the protocols of models and misbehave on command."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from clipmill.analyzer.asking.provider import ProviderKind

KEY = "AIza-not-a-real-key-0123456789"
MODEL = "owner/talker-7b"
Reply = dict[str, object] | Callable[[web.Request, dict[str, object]], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """Gives its replies in order, one for each request, and repeats the last one.

    Replies are bodies, or functions of the request and its body.
    """

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hang: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most_waiting: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.paths.append(request.path)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.requests.append(body)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            return await reply(request, body) if callable(reply) else web.json_response(reply)
        finally:
            self.waiting -= 1

    # replies that a test may choose

    def refuses(self, status: int, body: object = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def reply(_request: web.Request, _body: object) -> web.StreamResponse:
            sent = {"error": {"code": status, "status": "X", "message": "m"}} if body is None else body
            return web.json_response(sent, status=status, headers=named)

        return reply

    def sends(self, body: bytes, content_type: str = "application/json", **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def reply(_request: web.Request, _body: object) -> web.StreamResponse:
            return web.Response(body=body, content_type=content_type, headers=named)

        return reply

    def sends_compressed(self, body: dict[str, object]) -> Reply:
        return self.sends(gzip.compress(json.dumps(body).encode()), Content_Encoding="gzip")

    async def hangs(self, _request: web.Request, _body: object) -> web.StreamResponse:
        await self.hang.wait()
        return web.json_response({})

    async def trickles(self, request: web.Request, _body: object) -> web.StreamResponse:
        """Send a blank now and then, forever: never silent, never done."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self.hang.is_set():
                await response.write(b" ")
                await asyncio.sleep(0.02)
        return response

    async def resets(self, request: web.Request, _body: object) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def breaks_off(self, request: web.Request, _body: object) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"candidates": [')
        assert request.transport is not None
        request.transport.close()
        return response

    async def never_ends(self, request: web.Request, _body: object) -> web.StreamResponse:
        """Send without end, as fast as the client reads."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        blanks = b" " * 2**16
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(blanks)
        return response


@dataclass
class GeminiServer(ModelServer):
    """A server with Gemini's REST protocol."""

    kind = "gemini"
    name = "Gemini"
    model = "gemini-2.5-flash"
    route = "/v1beta/models/{call}"
    line = "Analyzing viral moments with Gemini AI..."
    bare_code = " X"

    def settings(self) -> dict[str, object]:
        return {"gemini_base_url": self.url, "gemini_timeout_seconds": 20.0}

    def says(
        self,
        text: str | None,
        finish: str = "STOP",
        *,
        prompt: int = 1000,
        cached: int = 0,
        answer: int = 200,
        thoughts: int = 50,
    ) -> dict[str, object]:
        usage = {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": cached,
            "candidatesTokenCount": answer,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": prompt + answer + thoughts,
        }
        if text is None:
            return {"promptFeedback": {"blockReason": finish}, "usageMetadata": {"promptTokenCount": prompt}}
        content = {"role": "model", "parts": [{"text": text}]}
        return {"candidates": [{"index": 0, "content": content, "finishReason": finish}], "usageMetadata": usage}

    def truncates(self, text: str) -> dict[str, object]:
        return self.says(text, "MAX_TOKENS")

    def stops(self) -> dict[str, object]:
        return self.says("", "SAFETY")

    def says_nothing(self) -> dict[str, object]:
        return {}

    def schema_in(self, body: dict) -> dict:
        return body["generationConfig"]["responseJsonSchema"]

    def texts_in(self, body: dict) -> list[str]:
        """Return the texts that the model reads: the instruction first, then each turn."""
        contents = [body["systemInstruction"], *body["contents"]]
        return ["".join(part["text"] for part in content["parts"]) for content in contents]


@dataclass
class OpenAIServer(ModelServer):
    """A server with OpenAI's chat completions, as local servers offer them."""

    kind = "openai"
    name = "talker-7b"
    model = MODEL
    route = "/v1/chat/completions"
    line = "Analyzing viral moments with talker-7b..."
    bare_code = ""

    def settings(self) -> dict[str, object]:
        return {
            "provider": ProviderKind.OPENAI,
            "openai_base_url": f"{self.url}/v1",
            "openai_model": MODEL,
            "openai_timeout_seconds": 20.0,
        }

    def says(
        self,
        text: str | None,
        finish: str = "stop",
        *,
        prompt: int = 1000,
        cached: int = 0,
        answer: int = 200,
        thoughts: int = 50,
    ) -> dict[str, object]:
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": answer + thoughts,
            "total_tokens": prompt + answer + thoughts,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": thoughts},
        }
        message = {"role": "assistant", "content": text, "refusal": None if text is not None else "No."}
        choice = {"index": 0, "message": message, "finish_reason": finish.lower()}
        return {"id": "c", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}

    def truncates(self, text: str) -> dict[str, object]:
        return self.says(text, "length")

    def stops(self) -> dict[str, object]:
        return self.says("", "content_filter")

    def says_nothing(self) -> dict[str, object]:
        return {"choices": []}

    def schema_in(self, body: dict) -> dict:
        return body["response_format"]["json_schema"]["schema"]

    def texts_in(self, body: dict) -> list[str]:
        return [message["content"] for message in body["messages"]]


@asynccontextmanager
async def serving(server: ModelServer) -> AsyncIterator[ModelServer]:
    """Yield `server` while it listens."""
    application = web.Application(client_max_size=2**26)
    application.router.add_post(server.route, server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        server.hang.set()
        await runner.cleanup()


def answer_of(*passages: tuple[int, int], **changes: object) -> str:
    """Return a model's answer that proposes `passages`, the best first."""
    clips = [
        {
            "first_sentence": first,
            "last_sentence": last,
            "title": f"From {first}",
            "tiktok": "T #a",
            "instagram": "I #a",
            "youtube": "Y",
            "score": 90 - 10 * number,
            "reason": "r",
            **changes,
        }
        for number, (first, last) in enumerate(passages)
    ]
    return json.dumps({"clips": clips})


@dataclass(frozen=True)
class Misbehaviour:
    """A misbehaviour of a server and its expected result.

    Attributes:
        what: Name of the misbehaviour.
        replies: Replies in order; the last one is repeated.
        outcomes: Number of requests by outcome, as the metric counts them.
        by_model: True if the job gets the model's choice in the end.
        lines: Lines of the job's log about it.
        settings: Settings of the analyzer that differ from the usual ones.
    """

    what: str
    replies: list[Reply]
    outcomes: dict[str, int]
    by_model: bool
    lines: list[str]
    settings: dict[str, object] = field(default_factory=dict)


LATER = "Asking again later (try {} of 3)."
INSTEAD = "Clips are picked locally instead."


def misbehaviours(server: ModelServer, good: str) -> list[Misbehaviour]:
    """Return the misbehaviours of servers.

    Args:
        server: Server that misbehaves.
        good: Answer that can be used as it is.
    """
    fine, name, code = server.says(good), server.name, server.bare_code
    twice = f"{name} was asked twice, because its first answer could not be used."
    short = {f"{server.kind}_timeout_seconds": 0.3}

    def read(what: str, text: str) -> Misbehaviour:
        return Misbehaviour(what, [server.says(text)], {"answered": 1}, by_model=True, lines=[])

    def repaired(what: str, reply: Reply, outcome: str = "answered") -> Misbehaviour:
        outcomes = {"answered": 2} if outcome == "answered" else {outcome: 1, "answered": 1}
        return Misbehaviour(what, [reply, fine], outcomes, by_model=True, lines=[twice])

    def passes(what: str, reply: Reply, outcome: str, said: str, **settings: object) -> Misbehaviour:
        lines = [f"{said} {LATER.format(1)}"]
        return Misbehaviour(what, [reply, fine], {outcome: 1, "answered": 1}, True, lines, settings)

    def stays(what: str, reply: Reply, outcome: str, said: str, **settings: object) -> Misbehaviour:
        lines = [*(f"{said} {LATER.format(number)}" for number in (1, 2)), f"{said} {INSTEAD}"]
        return Misbehaviour(what, [reply], {outcome: 3}, False, lines, settings)

    def final(what: str, reply: Reply, outcome: str, said: str) -> Misbehaviour:
        return Misbehaviour(what, [reply], {outcome: 1}, by_model=False, lines=[f"{said} {INSTEAD}"])

    def empty(what: str, body: bytes) -> Misbehaviour:
        # Gemini's client library reads these as an answer without a candidate.
        if server.kind == "gemini":
            return repaired(what, server.sends(body))
        return passes(what, server.sends(body), "not_understood", nonsense)

    nonsense = f"{name} sent an answer that does not follow its protocol."
    useless = f"{name}'s answers cannot be used."
    return [
        read("JSON in a fence", f"```json\n{good}\n```"),
        read("JSON between prose", f"Here you are:\n{good}\nAnything else?"),
        read("JSON after its thoughts", f"<think>Maybe {{this}}?</think>{good}"),
        read("a bare list", json.dumps(json.loads(good)["clips"])),
        read("numbers as texts", good.replace(": 1,", ': "1",').replace(": 90", ': "90/100"')),
        repaired("invented sentence numbers", server.says(good.replace(": 9,", ": 9000,"))),
        repaired("passages that overlap", server.says(good.replace(": 9,", ": 2,"))),
        repaired("prose instead of JSON", server.says("Sorry, I cannot do that.")),
        repaired("an empty list", server.says('{"clips": []}')),
        repaired("an empty answer", server.says("")),
        repaired("no answer in the answer", server.says_nothing()),
        repaired("an answer that is cut off", server.truncates(good[:80]), "truncated"),
        Misbehaviour(
            "never an answer of use",
            [server.says(answer_of((900, 901)))],
            {"answered": 6},
            by_model=False,
            lines=[*(f"{useless} {LATER.format(number)}" for number in (1, 2)), f"{useless} {INSTEAD}"],
        ),
        final("stops an answer for its content", server.stops(), "blocked", _stopped(server)),
        final("blocks the prompt", server.says(None, "PROHIBITED_CONTENT"), "blocked", _declined(server)),
        passes(
            "429 with Retry-After",
            server.refuses(429, Retry_After="17"),
            "rate_limited",
            f"{name}'s quota is used up for now (429{code}).",
        ),
        final(
            "429 with a pause of an hour",
            server.refuses(429, Retry_After="3600"),
            "rate_limited",
            f"{name}'s quota is used up for now (429{code}).",
        ),
        passes("500 once", server.refuses(500), "server_error", f"{name} has trouble (500{code})."),
        stays("503 for good", server.refuses(503), "server_error", f"{name} has trouble (503{code})."),
        passes("no answer in time", server.hangs, "timed_out", f"{name} did not answer within 0.3 seconds.", **short),
        stays("trickles", server.trickles, "timed_out", f"{name} did not answer within 0.3 seconds.", **short),
        passes("resets the connection", server.resets, "unreachable", f"The connection to {name} broke off."),
        passes("closes amid the body", server.breaks_off, "unreachable", f"The connection to {name} broke off."),
        passes("a page instead of JSON", server.sends(b"<html>Hi</html>", "text/html"), "not_understood", nonsense),
        empty("an empty body", b""),
        passes("JSON of another form", server.sends(b'{"candidates": 3, "choices": 3}'), "not_understood", nonsense),
        empty("a list instead of an object", b"[3]"),
        passes("JSON of endless depth", server.sends(b"[" * 100_000), "not_understood", nonsense),
        passes("a body without end", server.never_ends, "not_understood", nonsense),
        passes("a compressed body", server.sends_compressed(fine), "not_understood", nonsense),
        final("401", server.refuses(401), "key_refused", f"{name} refuses the key (401{code})."),
        final("403", server.refuses(403), "key_refused", f"{name} refuses the key (403{code})."),
        final("404", server.refuses(404), "request_refused", f"{name} refuses the request (404{code})."),
        final(
            "a redirect",
            server.refuses(307, Location="/elsewhere"),
            "request_refused",
            f"{name} refuses the request (307{code}).",
        ),
    ]


def _stopped(server: ModelServer) -> str:
    return "Gemini stopped its answer (SAFETY)." if server.kind == "gemini" else _declined(server)


def _declined(server: ModelServer) -> str:
    why = " (PROHIBITED_CONTENT)" if server.kind == "gemini" else ""
    return f"{server.name} declines this transcript{why}."
