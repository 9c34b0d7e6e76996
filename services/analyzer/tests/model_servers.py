"""Servers on loopback that speak the protocols of models."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web
from clipmill.analyzer.asking.provider import ProviderKind

KEY = "AIza-not-a-real-key-0123456789"
MODEL = "owner/talker-7b"
Reply = dict[str, object] | Callable[[web.Request, dict[str, object]], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """Gives its replies in order, one for each request, and repeats the last one.

    Replies are bodies, or functions of the request and its body. `counts_thoughts` is false for a protocol that counts
    the tokens of thoughts as part of the answer.
    """

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hang: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most_waiting: int = 0
    counts_thoughts: ClassVar[bool] = True

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
        """Send a blank now and then, forever, so that the answer is never silent and never complete."""
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
