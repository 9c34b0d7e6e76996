"""The laws of the words: the templates that metrics, settings, log events, errors and docstrings follow.

A program can check the form of a sentence, not whether it reads well: CONTRIBUTING.md says how we write.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from clipmill.contracts.failures import ErrorCode

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "deploy/README.md")

AVOIDED = (
    *("anew", "besides", "shall", "likewise", "at hand", "put right", "mend", "mends", "mended", "in one go"),
    *("thus", "hence", "whereby", "of its own", "to be had", "what comes of", "told", "lies"),
)
"""Words that a reader stumbles over, or that say less than the usual word."""

AVOIDED_FOR_A_REASON = {
    "analyzer/talk/lexicon.py": "the lists there hold words that speakers say",
    "analyzer/talk/grammar.py": "the lists there hold words that speakers say",
    "gateway/projection/rebuilding.py": "`mended` is a JSON field that `rebuild --json` prints",
}
"""Files or sentences that need an avoided word, each with its reason; ten at most."""

CLAUSE_OPENINGS = {"what", "which", "who", "whose", "whether", "that", "how", "why"}
PREPOSITIONS = {
    *("of", "for", "in", "by", "to", "with", "from", "at", "on", "as", "where", "when", "if", "until", "after"),
    *("before", "per", "into", "within", "without", "likewise"),
}
UNITS = {"_seconds": "seconds", "_bytes": "bytes", "_days": "days", "_bitrate": "bits per second"}
METRICS = {"Counter", "Gauge", "Histogram"}
FAILURES = {"Permanent", "Transient"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

IRREGULAR_PARTICIPLES = {
    *("lost", "left", "begun", "broken", "kept", "made", "sent", "read", "run", "built", "cut", "unheard", "taken"),
    *("put", "found", "written", "known", "unknown", "bound", "held", "given", "chosen", "hidden"),
}


class Words(NamedTuple):
    """Words of the project, and where they stand."""

    path: Path
    line: int
    text: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.name}{': ' if self.name else ''}{self.text}"


@cache
def product() -> tuple[tuple[Path, ast.Module], ...]:
    """Return every module of the product."""
    paths = sorted([*ROOT.glob("libs/*/clipmill/**/*.py"), *ROOT.glob("services/*/clipmill/**/*.py")])
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


@cache
def suites() -> tuple[tuple[Path, ast.Module], ...]:
    """Return every module of tests and benchmarks."""
    paths = sorted(
        [*ROOT.glob("libs/*/tests/**/*.py"), *ROOT.glob("services/*/tests/**/*.py"), *ROOT.glob("tests/**/*.py")]
    )
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths if path != Path(__file__))


def text_of(node: ast.expr | None) -> str | None:
    """Return the text of a literal, each placeholder as `{}`, None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


@cache
def all_calls() -> tuple[tuple[Path, ast.Call, str], ...]:
    """Return every call in the product, by the name of what is called."""
    found = []
    for path, module in product():
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                called = node.func
                found.append((path, node, called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")))
    return tuple(found)


def calls(names: set[str]) -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield the product's calls of a function or method with one of these names."""
    return (call for call in all_calls() if call[2] in names)


def docstrings() -> Iterator[Words]:
    """Yield the docstrings of the product and its tests, those of constants included."""
    for path, module in (*product(), *suites()):
        for node in ast.walk(module):
            body = getattr(node, "body", None)
            if not isinstance(body, list):
                continue
            for before, statement in zip([None, *body], body, strict=False):
                documents = before is None or isinstance(before, ast.Assign | ast.AnnAssign)
                if documents and isinstance(statement, ast.Expr) and (text := text_of(statement.value)):
                    yield Words(path, statement.lineno, text)


def arguments() -> Iterator[Words]:
    """Yield the entries of the sections `Args` and `Attributes` of all docstrings."""
    for path, line, text, _ in docstrings():
        section, entry = False, None
        for number, row in enumerate(text.splitlines()):
            depth = len(row) - len(row.lstrip())
            heading = re.fullmatch(r"(Args|Attributes|Raises|Returns|Yields|Example|Note)s?:", row.strip())
            if heading:
                section, base = heading[1] in ("Args", "Attributes"), depth
                if entry:
                    yield entry
                entry = None
            elif section and row.strip():
                started = re.match(r"\*{0,2}(\w+)(?: \([^)]*\))?: (.*)", row.strip())
                if started and depth == base + 4:
                    if entry:
                        yield entry
                    entry = Words(path, line + number, started[2], started[1])
                elif entry:
                    entry = entry._replace(text=f"{entry.text} {row.strip()}")
        if entry:
            yield entry


def metrics() -> Iterator[tuple[Words, bool]]:
    """Yield the help of every metric, and whether the metric has labels."""
    for path, call, name in calls(METRICS):
        if name in METRICS and call.args and (text_of(call.args[0]) or "").startswith("clipmill_"):
            labels = len(call.args) > 2 or any(keyword.arg == "labelnames" for keyword in call.keywords)
            yield Words(path, call.lineno, text_of(call.args[1]) or "", text_of(call.args[0]) or ""), labels


def settings() -> Iterator[Words]:
    """Yield the description of every setting."""
    for path, module in product():
        for node in ast.walk(module):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                for meta in ast.walk(node.annotation):
                    if isinstance(meta, ast.keyword) and meta.arg == "description":
                        yield Words(path, node.lineno, text_of(meta.value) or "", node.target.id)


def log_events() -> Iterator[Words]:
    """Yield the names of the events that the product logs."""
    for path, call, name in calls(LEVELS):
        owner = getattr(call.func, "value", None)
        logger = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
        if name in LEVELS and logger in ("log", "_log", "logger") and call.args and (event := text_of(call.args[0])):
            yield Words(path, call.lineno, event)
    for path, call, _ in calls({"Fallback"}):
        for keyword in call.keywords:
            if keyword.arg == "log_event":
                yield Words(path, keyword.value.lineno, text_of(keyword.value) or "")


def error_sentences() -> Iterator[Words]:
    """Yield the sentences of failures, also those that a variable `sentence` holds first."""
    for path, call, _ in calls(FAILURES):
        if len(call.args) > 1 and (text := text_of(call.args[1])):
            yield Words(path, call.lineno, text)
    for path, module in product():
        for node in ast.walk(module):
            named = isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["sentence"]
            if named and (text := text_of(node.value)):
                yield Words(path, node.lineno, text)


def accept_none(wrong: Iterable[Words]) -> None:
    """Fail the test with a line for each of these words."""
    lines = [str(words) for words in wrong]
    if lines:
        pytest.fail("\n".join([f"{len(lines)} to reword:", *lines]), pytrace=False)


def first_word(text: str) -> str:
    return re.sub(r"[^\w'-].*", "", text, flags=re.DOTALL).lower()


def stands_alone(text: str) -> bool:
    """Return whether a phrase begins like a noun phrase and ends like a sentence."""
    opening = first_word(text)
    return not text[:1].islower() and opening not in CLAUSE_OPENINGS | PREPOSITIONS and text.rstrip().endswith(".")


def test_the_laws_see_the_words():
    assert len(list(metrics())) > 25
    assert len(list(settings())) > 60
    assert len(list(log_events())) > 50
    assert len(list(error_sentences())) > 90
    assert len(list(arguments())) > 1000


def test_metric_help_names_what_is_counted_and_by_which_labels():
    def plural(text: str) -> bool:
        noun = re.split(r"[,.:]| (?:of|in|by|that|from|with|to|which|until|for) ", text)[0]
        return any(word.endswith("s") for word in noun.split())

    wrong = (
        words
        for words, labels in metrics()
        if not (stands_alone(words.text) and plural(words.text) and (", by " in words.text) == labels)
    )
    accept_none(wrong)


def test_a_setting_is_described_by_a_noun_phrase_with_its_unit():
    def unit_named(words: Words) -> bool:
        wanted = next((unit for ending, unit in UNITS.items() if words.name.endswith(ending)), None)
        return wanted is None or f"in {wanted}" in words.text

    accept_none(words for words in settings() if not (stands_alone(words.text) and unit_named(words)))


def test_a_log_event_is_a_noun_and_a_participle():
    def well_named(event: str) -> bool:
        *noun, last = event.split("_")
        participle = last.endswith(("ed", "ing")) or last in IRREGULAR_PARTICIPLES
        return bool(noun) and participle and re.fullmatch(r"[a-z0-9_]+", event) is not None

    accept_none(words for words in log_events() if not well_named(words.text))


def test_an_error_is_a_sentence():
    accept_none(
        words
        for words in error_sentences()
        if words.text[:1].islower()
        or not words.text.endswith((".", "{}"))
        or first_word(words.text) in CLAUSE_OPENINGS | PREPOSITIONS - {"after"}
    )


def test_an_argument_is_described_by_a_phrase_that_stands_alone():
    accept_none(words for words in arguments() if not stands_alone(words.text) or "the same." in words.text)


def test_no_docstring_begins_with_a_clause():
    accept_none(
        words._replace(text=words.text.splitlines()[0])
        for words in docstrings()
        if first_word(words.text) in CLAUSE_OPENINGS
    )


def sentences_of_sources() -> Iterator[Words]:
    """Yield all lines of prose: of documents whole, of sources the comments, the texts and the names."""
    for path in [ROOT / name for name in DOCUMENTS] + sorted(ROOT.glob("docs/**/*.md")):
        if path.exists():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield Words(path, number, line)
    for path, _ in product():
        source = path.read_text(encoding="utf-8")
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING, tokenize.NAME):
                for number, line in enumerate(token.string.splitlines()):
                    yield Words(path, token.start[0] + number, line)


def test_no_word_that_a_reader_stumbles_over():
    avoided = re.compile(rf"(?<![a-z])({'|'.join(AVOIDED)})(?![a-z])", re.IGNORECASE)
    assert len(AVOIDED_FOR_A_REASON) <= 10
    found = [words for words in sentences_of_sources() if avoided.search(words.text)]
    excused = {words for words in found for excuse in AVOIDED_FOR_A_REASON if excuse in str(words)}
    accept_none(words for words in found if words not in excused)
    assert all(any(excuse in str(words) for words in excused) for excuse in AVOIDED_FOR_A_REASON)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_has_a_row_in_the_docs(code):
    assert f"| `{code}` |" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
