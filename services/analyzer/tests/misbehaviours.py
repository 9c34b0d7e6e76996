"""The misbehaviours of a model's server, and the result that each of them must have."""

import json
from dataclasses import dataclass, field

from model_servers import ModelServer, Reply, answer_of


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


LATER = "Try {} of 3 failed; the model is asked again later."
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

    nonsense = f"The answer from {name} could not be read; check whether a proxy in between changes it."
    prefix = f"CLIPMILL_ANALYZER_{server.kind.upper()}"
    slow = f"{name} did not answer within 0.3 seconds; {prefix}_TIMEOUT_SECONDS is the limit."
    broken = f"The connection to {name} broke off before the whole answer came."
    useless = f"{name} answered twice, but neither answer had a usable clip."
    trouble = f"{name} reported an error on its side"
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
            f"{name} allows no more requests for now (429{code}).",
        ),
        final(
            "429 with a pause of an hour",
            server.refuses(429, Retry_After="3600"),
            "rate_limited",
            f"{name} allows no more requests for now (429{code}).",
        ),
        passes("500 once", server.refuses(500), "server_error", f"{trouble} (500{code})."),
        stays("503 for good", server.refuses(503), "server_error", f"{trouble} (503{code})."),
        passes("no answer in time", server.hangs, "timed_out", slow, **short),
        stays("trickles", server.trickles, "timed_out", slow, **short),
        passes("resets the connection", server.resets, "unreachable", broken),
        passes("closes amid the body", server.breaks_off, "unreachable", broken),
        passes("a page instead of JSON", server.sends(b"<html>Hi</html>", "text/html"), "not_understood", nonsense),
        empty("an empty body", b""),
        passes("JSON of another form", server.sends(b'{"candidates": 3, "choices": 3}'), "not_understood", nonsense),
        empty("a list instead of an object", b"[3]"),
        passes("JSON of endless depth", server.sends(b"[" * 100_000), "not_understood", nonsense),
        passes("a body without end", server.never_ends, "not_understood", nonsense),
        passes("a compressed body", server.sends_compressed(fine), "not_understood", nonsense),
        final("401", server.refuses(401), "key_refused", f"{name} refuses the key (401{code}); check the key."),
        final("403", server.refuses(403), "key_refused", f"{name} refuses the key (403{code}); check the key."),
        final(
            "404",
            server.refuses(404),
            "request_refused",
            f"{name} refuses the request (404{code}); check {prefix}_MODEL and {prefix}_BASE_URL.",
        ),
        final(
            "a redirect",
            server.refuses(307, Location="/elsewhere"),
            "request_refused",
            f"{name} refuses the request (307{code}); check {prefix}_MODEL and {prefix}_BASE_URL.",
        ),
    ]


def _stopped(server: ModelServer) -> str:
    return "Gemini stopped its answer (SAFETY)." if server.kind == "gemini" else _declined(server)


def _declined(server: ModelServer) -> str:
    why = " (PROHIBITED_CONTENT)" if server.kind == "gemini" else ""
    return f"{server.name} declines this transcript{why}."
