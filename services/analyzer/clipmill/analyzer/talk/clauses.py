"""Clauses: the parts of a spoken sentence that can stand alone."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import WH_WORDS
from clipmill.analyzer.talk.pieces import Piece, after_openings, pieces_of
from clipmill.analyzer.talk.punctuation import CLOSERS, OPENERS, asks
from msgspec import Struct

BROKEN_OFF = 4
"""Grade of an end at which the speaker breaks off."""

PHRASE = 3
"""Grade of an end before a phrase that could be left out."""

RELATIVE = 2
"""Grade of an end before a relative clause or a condition, whose loss changes the meaning."""

CLAUSE = 1
"""Grade of an end before another clause."""

WHOLE = 0
"""Grade of the end of the sentence."""
_QUOTES = re.compile('["\u201c\u201d\u201e\u00ab\u00bb]')
_MARKS = ",;: \u2014\u2013-"
_LEADING = frozenset("all both half last first next same other better more most less least whole kind sort".split())
"""Words that lead to a noun or an adjective."""

_NEED_MORE = (
    grammar.ANY_VERB | grammar.GERUNDS | grammar.ADVERBS | grammar.SUBJECT_PRONOUNS | grammar.NUMERALS | _LEADING
)

_VERBS_ONLY = grammar.SIMPLE_PAST | grammar.CLEAR_THIRD | grammar.CLEAR_PLAIN

_SAYING = frozenset(
    """say says said think thinks thought believe believes believed know knows knew see show shows showed find finds
    found suppose supposes guess mean means meant hope hopes argue argues argued emphasize emphasise mention mentioned
    imagine suggest suggests suggested tell tells told realize realized realise realised learn learned learnt understand
    understood explain explained submit assume wonder figured ask asked claim claimed remember""".split()
)
"""Verbs whose object is the clause after them."""

_NEVER_FIRST = frozenset({"given", "which", "whose", "that", "than", "of", "to"})
_BEGIN_OBJECTS = (grammar.DETERMINERS | grammar.OBJECT_PRONOUNS) - {"which", "what", "that", "whose", "all", "both"}
_PREDICATES = grammar.SIMPLE_PAST | grammar.CLEAR_THIRD | grammar.FINITE_AUXILIARIES | {"been", "not", "being"}
_TIMES = frozenset("today tomorrow yesterday last next every once one this these two three here there just".split())
"""Words that begin a remark on time or place before a clause."""

_BEFORE_OBJECTS = (
    grammar.SUBJECT_PRONOUNS
    | grammar.DETERMINERS
    | grammar.PREPOSITIONS
    | grammar.SUBORDINATORS
    | grammar.PART_TIME_SUBORDINATORS
    | grammar.ADVERBS
    | grammar.PLAIN
    | _TIMES
)
_AFTER_COMMA = grammar.PREPOSITIONS | grammar.ADVERBS | grammar.GERUNDS | grammar.SUBORDINATORS | grammar.COORDINATORS
_AFTER_REMARK = grammar.SUBORDINATORS | grammar.PREPOSITIONS | grammar.ADVERBS
_PLAIN_OR_THIRD = grammar.PLAIN | grammar.THIRD
_BEFORE_INFINITIVE = grammar.MODALS | {"to"}
_BEFORE_PARTICIPLE = grammar.HAVE | {"now"}
_SUBJECTS = (grammar.SUBJECT_PRONOUNS | grammar.DETERMINERS | grammar.CONTRACTED_IS) - {"who", "which", "whose"}
_HEDGES = re.compile(
    r"^i (?:just |really |actually |do |would |also |still )?(?:think|believe|guess|suppose|mean|say|know|feel|find|"
    r"understand|hope|see|would say|would argue)(?: that)? (?=\w)"
)
_KNOWING = re.compile(
    r"^(?:think|thinks|thought|believe|believes|believed|know|knows|knew|say|says|said|show|shows|showed|found|finds|"
    r"find|discover|discovered|realize|realized|realise|realised|learned|learnt|means|meant|mean|understand|understood|"
    r"suggest|suggests|argue|argues|told|tell|tells|convinced|remember|clear|true|fact|point|hope|proves|proved|is)$"
)
"""Words before a `that` whose clause can stand alone."""


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
    sentence = _Sentence(pieces_of(text, english=True))
    found: list[Clause] = []
    for first, opens in _starts(sentence):
        for last, grade in _ends(sentence, first):
            if sentence.stands(first, last, grade):
                pieces = sentence.pieces[first : last + 1]
                words = tuple(sentence.words[first : last + 1])
                text = _shown(pieces)
                if grade != WHOLE and sentence.asks_from(first):
                    text = f"{text.rstrip(_MARKS)}?"
                found.append(Clause(text=text, words=words, opens=opens, grade=grade))
            if sentence.pieces[last].broken:
                break
    return found


def beginning_of(text: str, most: int) -> str:
    """Return the longest beginning of an English sentence up to `most` characters that ends with a phrase, or nothing.

    This serves sentences in which no clause can stand alone.
    """
    sentence = _Sentence(pieces_of(text, english=True))
    first = after_openings(sentence.pieces, 0)
    best = ""
    for last, grade in _ends(sentence, first):
        shown = _shown(sentence.pieces[first : last + 1])
        if len(shown) <= most and sentence.may_end(first, last, grade):
            best = shown
    return best


class _Sentence:
    """A sentence, with the verbs and the beginnings of clauses in it counted once."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.words = [piece.word for piece in pieces]
        indices = range(len(pieces))
        self.finite = [grammar.is_finite(self.words, index) for index in indices]
        self._verbs = list(accumulate(self.finite, initial=0))
        self._subordinate = list(accumulate((grammar.subordinates(self.words, index) for index in indices), initial=0))
        self._bare = list(accumulate((self._bare_clause(index) for index in indices), initial=0))
        self._joints = list(
            accumulate((piece.divides or piece.word in grammar.COORDINATORS for piece in pieces), initial=0)
        )

    def _bare_clause(self, index: int) -> bool:
        before = self.pieces[index - 1] if index else None
        return before is not None and not (before.divides or before.broken) and grammar.begins_clause(self.words, index)

    def asks_from(self, first: int) -> bool:
        """Return whether a question begins at `first`."""
        if not asks(self.pieces[-1].text) or first + 1 >= len(self.words):
            return False
        start, following = self.words[first : first + 2]
        inverted = grammar.holds_auxiliary(following) or (start == "how" and following in ("many", "much", "often"))
        return start in grammar.FINITE_AUXILIARIES or (start in WH_WORDS and inverted)

    def may_end(self, first: int, last: int, grade: int) -> bool:
        """Return whether a phrase that begins at `first` may end at `last`."""
        if self.words[last].endswith(grammar.CONTRACTED):
            return False
        if self.words[last] in grammar.NEVER_LAST - (grammar.PREPOSITIONS if grade == WHOLE else frozenset()):
            return False
        return grade == WHOLE or not (
            self._needs_more(first, last) or (grade == PHRASE and not self._phrase_may_end(first, last))
        )

    def verbs(self, first: int, last: int) -> int:
        """Return the number of finite verbs."""
        return self._verbs[last + 1] - self._verbs[first]

    def mains(self, first: int, last: int) -> int:
        """Return the number of verbs that belong to no subordinate clause."""
        subordinate = self._subordinate[last + 1] - self._subordinate[first]
        return self.verbs(first, last) - subordinate - (self._bare[last + 1] - self._bare[first + 1])

    def stands(self, first: int, last: int, grade: int) -> bool:
        """Return whether a span can stand alone: it has a subject and a verb, and nothing that needs more words."""
        words, pieces = self.words, self.pieces
        question = grade == WHOLE and asks(pieces[last].text)
        start, end = words[first], words[last]
        quotes = sum(len(_QUOTES.findall(piece.text)) for piece in pieces[first : last + 1])
        if quotes % 2 and grade != WHOLE and not _QUOTES.match(pieces[first].text):
            return False
        if end.endswith(grammar.CONTRACTED) or not self._ends_whole(first, last, grade):
            return False
        if end in grammar.NEVER_LAST and not (question and end in grammar.PREPOSITIONS):
            return False
        if question or (grade in (CLAUSE, RELATIVE) and self.asks_from(first)):
            return last - first >= 2 and self.verbs(first, last) > 0 and self.may_end(first, last, grade)
        if start in grammar.COORDINATORS or start in _NEVER_FIRST or not self._has_subject(first, last):
            return False
        mains = self.mains(first, last) - (start == "as" and first > 0)
        if mains < 1 or (grade != WHOLE and mains > 1 + self._joints[last] - self._joints[first]):
            return False
        if grade == WHOLE:
            return True
        return self.may_end(first, last, grade)

    def _has_subject(self, first: int, last: int) -> bool:
        """Return whether the span does not begin with a predicate, or with a remark before the clause."""
        start = self.words[first]
        if start in _PREDICATES:
            return start == "don't"
        led = start in _BEFORE_OBJECTS or grammar.holds_auxiliary(start) or start.endswith("ly")
        if not led and last > first and self.words[first + 1] in _BEGIN_OBJECTS and not self.pieces[first].divides:
            return False
        comma = next((index for index in range(first, last) if self.pieces[index].divides), None)
        if comma is None:
            return start not in grammar.PREPOSITIONS
        if self.verbs(first, comma) > 0 or start in grammar.PREPOSITIONS | _TIMES or start.endswith("ly"):
            return self.verbs(comma + 1, last) > 0 or start not in grammar.PREPOSITIONS
        following = self.words[comma + 1]
        return following in _AFTER_REMARK or following.endswith("ly")

    def _ends_whole(self, first: int, last: int, grade: int) -> bool:
        """Return whether the part after the last comma with `and` or the like has a verb of its own."""
        joint = next(
            (
                index
                for index in range(last - 1, first, -1)
                if self.pieces[index].divides and self.words[index + 1] in grammar.COORDINATORS
            ),
            None,
        )
        return grade == WHOLE or joint is None or (joint + 2 <= last and self.mains(joint + 2, last) > 0)

    def _needs_more(self, first: int, last: int) -> bool:
        """Return whether the last word is a verb whose object is missing."""
        end, before = self.words[last], self.words[last - 1] if last > first else ""
        if end in _SAYING or (end in _PLAIN_OR_THIRD and self.finite[last]):
            return True
        if before in _BEFORE_INFINITIVE or (end.endswith("ly") and grammar.holds_auxiliary(before)):
            return True
        return end in grammar.PAST and (before in _BEFORE_PARTICIPLE or self.finite[last])

    def _phrase_may_end(self, first: int, last: int) -> bool:
        """Return whether no word before a phrase needs that phrase."""
        end, following = self.words[last], self.words[last + 1]
        if self.pieces[last].divides:
            return following in _AFTER_COMMA
        return not (end in _NEED_MORE or end.endswith(("ed", "ing", "ly", "ent", "able", "ful"))) and any(
            self.finite[first:last]
        )


def _starts(sentence: _Sentence) -> Iterator[tuple[int, bool]]:
    """Yield the indices at which a clause may start, and whether the sentence begins there."""
    pieces, words = sentence.pieces, sentence.words
    places = {after_openings(pieces, 0): True}
    for index in range(1, len(pieces)):
        before = pieces[index - 1]
        quoted = _QUOTES.match(pieces[index].text)
        if before.divides or before.broken or quoted or words[index] in grammar.COORDINATORS:
            start = after_openings(pieces, index)
            if start < len(pieces) and (quoted or _begins_clause(sentence, start)):
                places.setdefault(start, False)
        if before.word == "that" and index > 1 and _KNOWING.match(words[index - 2]):
            places.setdefault(index, False)
    for start, opens in sorted(places.items()):
        if start >= len(pieces):
            continue
        yield start, opens
        hedge = _HEDGES.match(" ".join(words[start : start + 6]))
        if hedge:
            rest = start + len(hedge.group().split())
            if rest < len(pieces) and _begins_subject(sentence, rest):
                yield rest, opens


def _begins_subject(sentence: _Sentence, index: int) -> bool:
    word, text = sentence.words[index], sentence.pieces[index].text.lstrip(OPENERS)
    if word in _SUBJECTS or word.endswith(grammar.CONTRACTED):
        return True
    if word in grammar.NUMERALS or text[:1].isdigit() or text.startswith("$") or text[:1].isupper():
        return True
    plural = word.endswith("s") and not word.endswith("ss")
    return plural and index + 1 < len(sentence.words) and sentence.finite[index + 1]


def _ends(sentence: _Sentence, first: int) -> Iterator[tuple[int, int]]:
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
            clause = _begins_clause(sentence, index + 1) or any(sentence.finite[index + 2 : index + 5])
            yield index, CLAUSE if clause else PHRASE
        elif following in grammar.PREPOSITIONS - {"of"}:
            yield index, PHRASE
    if final >= first:
        yield final, WHOLE


def _begins_clause(sentence: _Sentence, index: int) -> bool:
    """Return whether a subject with its verb begins at `index`."""
    return _begins_subject(sentence, index) and (
        grammar.holds_auxiliary(sentence.words[index]) or any(sentence.finite[index + 1 : index + 7])
    )


def _after_coordinator(sentence: _Sentence, index: int) -> int | None:
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
    around = _QUOTES.match(line) and _QUOTES.search(line[-2:])
    return _QUOTES.sub("", line) if around or len(_QUOTES.findall(line)) % 2 else line
