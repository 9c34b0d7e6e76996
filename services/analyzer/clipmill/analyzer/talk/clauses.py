"""Clauses: the parts of a spoken sentence that can stand alone."""

from collections.abc import Iterator, Sequence

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import WH_WORDS
from clipmill.analyzer.talk.phrases.assertions import hedge_length, vouches
from clipmill.analyzer.talk.phrases.spoken_sentence import (
    BROKEN_OFF,
    CLAUSE,
    NEVER_FIRST,
    PHRASE,
    PREDICATES,
    RELATIVE,
    WHOLE,
    SpokenSentence,
)
from clipmill.analyzer.talk.pieces import Piece, after_openings, pieces_of
from clipmill.analyzer.talk.punctuation import CLOSERS, OPENERS, QUOTES, asks
from msgspec import Struct

_MARKS = ",;: \u2014\u2013-"
_VERBS_ONLY = grammar.SIMPLE_PAST | grammar.CLEAR_THIRD | grammar.CLEAR_PLAIN
_SUBJECTS = (grammar.SUBJECT_PRONOUNS | grammar.DETERMINERS | grammar.CONTRACTED_IS) - {"who", "which", "whose"}


class Clause(Struct, frozen=True, kw_only=True):
    """A part of a sentence that may stand alone.

    Attributes:
        text: Text without loose marks at its ends; questions keep their mark.
        words: Words in lower case without marks.
        opens: True if it begins where the sentence begins, apart from openings without a meaning.
        grade: Quality of its end, from `WHOLE` to `BROKEN_OFF`.
    """

    text: str
    words: tuple[str, ...]
    opens: bool
    grade: int


def clauses_of(text: str) -> list[Clause]:
    """Return the parts of an English sentence that may stand alone."""
    sentence = SpokenSentence(pieces_of(text, english=True))
    found: list[Clause] = []
    for first, opens in _starts(sentence):
        quotation = None if opens else sentence.quotation(first)
        ends = iter([(quotation[1], WHOLE)]) if quotation else _ends(sentence, first)
        for last, grade in ends:
            if sentence.stands(first, last, grade):
                pieces = sentence.pieces[first : last + 1]
                words = tuple(sentence.words[first : last + 1])
                text = _shown(pieces)
                if grade != WHOLE and sentence.asks_from(first):
                    text = _as_question(text)
                found.append(Clause(text=text, words=words, opens=opens, grade=grade))
            if sentence.pieces[last].broken:
                break
    return found


def unsure_whole(text: str) -> Clause | None:
    """Return an English sentence that has a verb although no clause in it surely stands alone; None if it has none."""
    sentence = SpokenSentence(pieces_of(text, english=True))
    first, last = after_openings(sentence.pieces, 0), len(sentence.pieces) - 1
    if last - first < 2 or any(piece.broken for piece in sentence.pieces):
        return None
    start, end = sentence.words[first], sentence.words[last]
    led = start in grammar.SUBORDINATORS - WH_WORDS or start in NEVER_FIRST or start in grammar.COORDINATORS
    if led or start in PREDICATES or end in grammar.NEVER_LAST - grammar.PREPOSITIONS:
        return None
    if sentence.verbs(first, last) == 0 or sentence.only_described(first, last):
        return None
    if not asks(text) and start in WH_WORDS:
        return None
    pieces = sentence.pieces[first:]
    return Clause(text=_shown(pieces), words=tuple(sentence.words[first:]), opens=True, grade=WHOLE)


def beginning_of(text: str, most: int) -> str:
    """Return the longest beginning of an English sentence up to `most` characters that ends with a phrase, or nothing.

    This serves sentences in which no clause can stand alone.
    """
    sentence = SpokenSentence(pieces_of(text, english=True))
    first = after_openings(sentence.pieces, 0)
    best = ""
    for last, grade in _ends(sentence, first):
        if grade == BROKEN_OFF:
            break
        shown = _shown(sentence.pieces[first : last + 1])
        if len(shown) > most or not sentence.may_end(first, last, grade):
            continue
        if grade == WHOLE or sentence.is_so(first, last):
            best = _as_question(shown) if grade != WHOLE and sentence.asks_from(first) else shown
    return best


def _as_question(text: str) -> str:
    return f"{text.rstrip(_MARKS)}?"


def _starts(sentence: SpokenSentence) -> Iterator[tuple[int, bool]]:
    """Yield the indices at which a clause may start, and whether the sentence begins there."""
    pieces, words = sentence.pieces, sentence.words
    places = {after_openings(pieces, 0): True}
    for index in range(1, len(pieces)):
        before = pieces[index - 1]
        quoted = QUOTES.match(pieces[index].text)
        if before.divides or before.broken or quoted or words[index] in grammar.COORDINATORS:
            start = after_openings(pieces, index)
            if (
                start < len(pieces)
                and (quoted or _begins_clause(sentence, start))
                and vouches(pieces, sentence.finite, start)
            ):
                places.setdefault(start, False)
        if before.word == "that" and index > 1 and vouches(pieces, sentence.finite, index):
            places.setdefault(index, False)
    for start, opens in sorted(places.items()):
        if start >= len(pieces) or (not opens and (_is_remark(sentence, start) or _is_quoted(sentence, start))):
            continue
        yield start, opens
        rest = start + hedge_length(words, start)
        if start < rest < len(pieces) and _begins_subject(sentence, rest):
            yield rest, opens


def _is_quoted(sentence: SpokenSentence, start: int) -> bool:
    """Return whether `start` is within quotation marks and does not begin a question that fills them."""
    quotation = sentence.quotation(start)
    if quotation is None:
        return False
    first, last = quotation
    return start != after_openings(sentence.pieces, first) or not asks(sentence.pieces[last].text)


def _begins_subject(sentence: SpokenSentence, index: int) -> bool:
    word, text = sentence.words[index], sentence.pieces[index].text.lstrip(OPENERS)
    if word in _SUBJECTS or word.endswith(grammar.CONTRACTED):
        return True
    if word in grammar.NUMERALS or text[:1].isdigit() or text.startswith("$") or text[:1].isupper():
        return True
    plural = word.endswith("s") and not word.endswith("ss")
    return plural and index + 1 < len(sentence.words) and sentence.finite[index + 1]


def _ends(sentence: SpokenSentence, first: int) -> Iterator[tuple[int, int]]:
    """Yield the indices of words that may end a clause from `first` on, with the grades of their ends."""
    pieces, words = sentence.pieces, sentence.words
    final = len(pieces) - 1
    for index in range(first, final):
        piece, following = pieces[index], words[index + 1]
        if piece.broken:
            yield index, BROKEN_OFF
        elif piece.text.rstrip(CLOSERS).endswith((":", ";")):
            yield index, CLAUSE
        elif following in grammar.COORDINATORS:
            grade = _after_coordinator(sentence, index)
            if grade is not None:
                yield index, grade
        elif following in ("because", "although", "though", "whereas"):
            yield index, CLAUSE
        elif grammar.subordinates(words, index + 1):
            yield index, RELATIVE
        elif piece.divides:
            clause = _begins_clause(sentence, index + 1) or _soon_has_verb(sentence, index + 2)
            yield index, CLAUSE if clause else PHRASE
        elif following in grammar.PREPOSITIONS - {"of"}:
            yield index, PHRASE
    if final >= first:
        yield final, WHOLE


def _begins_clause(sentence: SpokenSentence, index: int) -> bool:
    """Return whether a subject with its verb begins at `index`, with no mark between them."""
    if not _begins_subject(sentence, index):
        return False
    if grammar.holds_auxiliary(sentence.words[index]):
        return True
    for at in range(index + 1, min(index + 7, len(sentence.words))):
        if sentence.pieces[at - 1].divides or sentence.pieces[at - 1].broken:
            return False
        if sentence.finite[at]:
            return True
    return False


def _soon_has_verb(sentence: SpokenSentence, index: int) -> bool:
    """Return whether one of the next three words is a finite verb, and no other clause or phrase begins before it."""
    for at in range(index, min(index + 3, len(sentence.words))):
        if sentence.finite[at]:
            return True
        if sentence.words[at] in grammar.COORDINATORS or sentence.pieces[at].divides:
            return False
    return False


def _is_remark(sentence: SpokenSentence, start: int) -> bool:
    """Return whether a remark such as `I agree,` or `I think is` begins at `start` and not a clause."""
    pieces, words = sentence.pieces, sentence.words
    length = hedge_length(words, start)
    if length and grammar.holds_auxiliary(words[start + length]):
        return words[start + length] in grammar.FINITE_AUXILIARIES
    end = next((at for at in range(start, min(start + 3, len(pieces))) if pieces[at].divides), None)
    return end is not None and words[start] in grammar.NOMINATIVES and any(sentence.finite[start : end + 1])


def _after_coordinator(sentence: SpokenSentence, index: int) -> int | None:
    """Return the grade of an end before `and` or the like; None if it joins words inside a phrase."""
    words = sentence.words
    start = index + 2
    while start < len(words) and words[start] in grammar.ADVERBS:
        start += 1
    if start >= len(words):
        return None
    if words[start].partition("'")[0] in grammar.NOMINATIVES or words[start] in grammar.CONTRACTED_IS:
        return CLAUSE
    if sentence.pieces[index].divides and _begins_clause(sentence, start):
        return CLAUSE
    if words[start] in _VERBS_ONLY or grammar.holds_auxiliary(words[start]):
        return PHRASE
    return PHRASE if words[index + 1] in ("but", "so", "yet") else None


def _shown(pieces: Sequence[Piece]) -> str:
    """Return pieces as a line, with quotation marks only in pairs."""
    line = " ".join(piece.text for piece in pieces)
    around = QUOTES.match(line) and QUOTES.search(line[-2:])
    return QUOTES.sub("", line) if around or len(QUOTES.findall(line)) % 2 else line
