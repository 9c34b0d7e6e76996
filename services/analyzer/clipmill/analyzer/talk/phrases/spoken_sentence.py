"""A spoken sentence, which knows whether a part of it can stand alone."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import WH_WORDS
from clipmill.analyzer.talk.phrases.assertions import denies, leads_to_condition
from clipmill.analyzer.talk.pieces import Piece, addresses
from clipmill.analyzer.talk.punctuation import QUOTES, asks

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

_LEADING = frozenset("all both half last first next same other better more most less least whole kind sort".split())
"""Words that lead to a noun or an adjective."""

_NEED_MORE = (
    grammar.ANY_VERB | grammar.GERUNDS | grammar.ADVERBS | grammar.SUBJECT_PRONOUNS | grammar.NUMERALS | _LEADING
)

_SAYING = grammar.SAYING | grammar.KNOWING

NEVER_FIRST = frozenset({"except", "given", "which", "whose", "that", "than", "of", "to"})
"""Words with which no statement begins."""

_BEGIN_OBJECTS = (grammar.DETERMINERS | grammar.OBJECT_PRONOUNS) - {"which", "what", "that", "whose", "all", "both"}
PREDICATES = grammar.SIMPLE_PAST | grammar.CLEAR_THIRD | grammar.FINITE_AUXILIARIES | {"been", "not", "being"}
"""Words that need a subject before them."""

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
_ASKED = frozenset("what how why who where whether which when that".split())
"""Words that begin the object of a verb."""

_INFINITIVES = grammar.PLAIN | {"be", "have", "do"}
_TAKES_MORE = frozenset({"without", "except", "than", "unless"})
"""Prepositions whose loss turns a sentence into its opposite."""

_LINKS = grammar.BE | {"seems", "becomes", "became", "it's", "that's", "there's", "he's", "she's"}
_CONTRACTED_BE = ("'m", "'re")

_LEAD_ON = frozenset(
    "think thinks thought believe believes believed guess suppose hope hopes agreed argue argues".split()
)
"""Verbs that mean little before the verb of the clause that follows them."""

_RELATIVES = frozenset({"who", "which", "whose", "whom"})
_PARTICLES = frozenset("up out off down".split())
_QUALIFIED = frozenset("if unless provided until till".split())
"""Words that begin a condition or a limit, without which the rest says more than the speaker did."""

_PAIRED = {"either": "or", "neither": "nor"}
_ONLY = frozenset({"only", "just", "merely", "simply"})
_JOINS_PREDICATES = frozenset({"and", "or", "nor"})


class SpokenSentence:
    """A sentence, with the verbs and the beginnings of clauses in it counted once.

    Args:
        pieces: Words of the sentence, at least one.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.words = [piece.word for piece in pieces]
        indices = range(len(pieces))
        self.finite = [grammar.is_finite(self.words, index) for index in indices]
        self._verbs = list(accumulate(self.finite, initial=0))
        self._subordinate = list(accumulate((grammar.subordinates(self.words, index) for index in indices), initial=0))
        self._bare = list(accumulate((self._bare_clause(index) for index in indices), initial=0))
        self.quotations = list(_quotations(pieces))
        self._joints = list(
            accumulate((piece.divides or piece.word in grammar.COORDINATORS for piece in pieces), initial=0)
        )

    def quotation(self, index: int) -> tuple[int, int] | None:
        """Return the indices of the first and the last word of the quotation around the word at `index`, if any."""
        return next((span for span in self.quotations if span[0] <= index <= span[1]), None)

    def _bare_clause(self, index: int) -> bool:
        before = self.pieces[index - 1] if index else None
        return before is not None and not (before.divides or before.broken) and grammar.begins_clause(self.words, index)

    def asks_from(self, first: int) -> bool:
        """Return whether a question begins at `first`."""
        if not asks(self.pieces[-1].text) or first + 1 >= len(self.words):
            return False
        start, following = self.words[first : first + 2]
        bare = following.partition("'")[0]
        inverted = (grammar.holds_auxiliary(following) and bare not in grammar.NOMINATIVES) or (
            start == "how" and following in ("many", "much", "often")
        )
        return start in grammar.FINITE_AUXILIARIES or (start in WH_WORDS and inverted)

    def may_end(self, first: int, last: int, grade: int) -> bool:
        """Return whether a phrase that begins at `first` may end at `last`."""
        if self.words[last].endswith(grammar.CONTRACTED):
            return False
        if grade != WHOLE and last > first and addresses(self.pieces[last - 1 : last + 1]):
            return False
        if grade != WHOLE and self.words[last] in grammar.INTERJECTIONS and self.pieces[last - 1].divides:
            return False
        if self.words[last] in grammar.NEVER_LAST - (grammar.PREPOSITIONS if grade == WHOLE else frozenset()):
            return False
        return grade == WHOLE or not (
            self._needs_more(first, last) or (grade == PHRASE and not self._phrase_may_end(first, last))
        )

    def verbs(self, first: int, last: int) -> int:
        """Return the number of finite verbs."""
        return self._verbs[last + 1] - self._verbs[first]

    def only_described(self, first: int, last: int) -> bool:
        """Return whether the only verbs are in a relative clause after a comma, as in `A baker, who never slept`."""
        verb = next((index for index in range(first, last + 1) if self.finite[index]), last)
        described = any(
            self.words[index] in _RELATIVES and self.pieces[index - 1].divides for index in range(first + 1, verb)
        )
        return described and self.mains(first, last) < 1

    def mains(self, first: int, last: int) -> int:
        """Return the number of verbs that belong to no subordinate clause."""
        subordinate = self._subordinate[last + 1] - self._subordinate[first]
        return self.verbs(first, last) - subordinate - (self._bare[last + 1] - self._bare[first + 1])

    def stands(self, first: int, last: int, grade: int) -> bool:
        """Return whether a span can stand alone: it has a subject and a verb, and nothing that needs more words."""
        words, pieces = self.words, self.pieces
        question = grade == WHOLE and asks(pieces[last].text)
        start, end = words[first], words[last]
        quotes = sum(len(QUOTES.findall(piece.text)) for piece in pieces[first : last + 1])
        if quotes % 2 and grade != WHOLE and not QUOTES.match(pieces[first].text):
            return False
        if end.endswith(grammar.CONTRACTED) or not self._ends_whole(first, last, grade):
            return False
        if grade != WHOLE and not self.is_so(first, last):
            return False
        if end in grammar.NEVER_LAST and not (question and end in grammar.PREPOSITIONS):
            return False
        if question and self._only_part_asks(first, last):
            return False
        if question or (grade in (CLAUSE, RELATIVE) and self.asks_from(first)):
            return last - first >= 2 and self.verbs(first, last) > 0 and self.may_end(first, last, grade)
        if start in grammar.COORDINATORS or start in NEVER_FIRST or not self._has_subject(first, last):
            return False
        mains = self.mains(first, last) - (start == "as" and first > 0)
        if mains < 1 or (grade != WHOLE and mains > 1 + self._joints[last] - self._joints[first]):
            return False
        if grade == WHOLE:
            return True
        return self.may_end(first, last, grade)

    def _only_part_asks(self, first: int, last: int) -> bool:
        """Return whether a question has no main clause, such as `What I mean?` or `Before we began?`."""
        if self.asks_from(first) or self.mains(first, last) > 0 or first == last:
            return False
        subject = self.words[first + 1].partition("'")[0] in grammar.NOMINATIVES
        return grammar.subordinates(self.words, first) and (self.words[first] not in WH_WORDS or subject)

    def is_so(self, first: int, last: int) -> bool:
        """Return whether an early end leaves the sense: no denial loses its reason, no `that` its verb."""
        inside = self.words[first : last + 1]
        if self._is_limited(last) or self._lacks_other_half(first, last):
            return False
        if any(denies(word) for word in inside) and self._denial_goes_on(last):
            return False
        if leads_to_condition(self.words, first):
            return False
        believed = max((index for index in range(first, last + 1) if self.words[index] in _LEAD_ON), default=None)
        if believed is not None and self.verbs(believed + 1, last) == 0:
            return False
        begun = max((index for index in range(first + 1, last + 1) if self.words[index] == "that"), default=None)
        return begun is None or self.verbs(begun + 1, last) > 0

    def _is_limited(self, last: int) -> bool:
        """Return whether a condition or a limit follows in the same clause, such as `until noon`."""
        for at in range(last + 1, len(self.words)):
            if at > last + 1 and (self.pieces[at - 1].divides or self.words[at] in grammar.COORDINATORS):
                return False
            if self.words[at] in _QUALIFIED or self.words[at] in _TAKES_MORE:
                return True
        return False

    def _lacks_other_half(self, first: int, last: int) -> bool:
        """Return whether the rest of the sentence has the `or` of an `either`, or the `but` of a `not only`."""
        for at in range(first, last + 1):
            other = _PAIRED.get(self.words[at])
            if self.words[at] in _ONLY and at > first and denies(self.words[at - 1]):
                other = "but"
            if other in self.words[last + 1 :] and other not in self.words[at : last + 1]:
                return True
        return False

    def _denial_goes_on(self, last: int) -> bool:
        """Return whether what follows is a part of what is denied: a reason, a detail, or another verb."""
        following = self.words[last + 1]
        if following == "because":
            return True
        details = following in grammar.PREPOSITIONS or grammar.subordinates(self.words, last + 1)
        if details and not self.pieces[last].divides:
            return True
        for at in range(last + 1, len(self.words) - 1):
            if self.words[at] not in _JOINS_PREDICATES:
                continue
            verb = at + 1
            while verb < len(self.words) - 1 and self.words[verb] in grammar.ADVERBS:
                verb += 1
            if self.words[verb] in grammar.ANY_VERB - grammar.CONTRACTED_IS:
                return True
        return False

    def _has_subject(self, first: int, last: int) -> bool:
        """Return whether the span does not begin with a predicate, or with a remark before the clause."""
        start = self.words[first]
        if start in PREDICATES:
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
        """Return whether the part after the last comma with `and` or the like has its own verb."""
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
        following = self.words[last + 1] if last + 1 < len(self.words) else ""
        asked = following in _ASKED and not self.pieces[last].divides
        if asked and (end in grammar.ANY_VERB or end.endswith("ing")):
            return True
        if following == "to" and self.words[last + 2 : last + 3] and self.words[last + 2] in _INFINITIVES:
            return True
        if end in _SAYING or (end in _PLAIN_OR_THIRD and self.finite[last]):
            return True
        if before in _BEFORE_INFINITIVE or (end.endswith("ly") and grammar.holds_auxiliary(before)):
            return True
        return end in grammar.PAST and (before in _BEFORE_PARTICIPLE or self.finite[last])

    def _phrase_may_end(self, first: int, last: int) -> bool:
        """Return whether no word before a phrase needs that phrase."""
        end, following = self.words[last], self.words[last + 1]
        before = last - 1
        while before > first and (self.words[before] in grammar.ADVERBS or self.words[before].endswith("ly")):
            before -= 1
        described = before < last - 1 and before >= first and self.words[before] in grammar.DETERMINERS
        if described:
            return False  # An adverb and an adjective, whose noun is missing.
        if self.pieces[last].divides:
            return following in _AFTER_COMMA
        if end in _PARTICLES:
            return False
        if before >= first and (self.words[before] in _LINKS or self.words[before].endswith(_CONTRACTED_BE)):
            return False  # A predicate such as `subject`, whose object may be missing.
        return not (end in _NEED_MORE or end.endswith(("ed", "ing", "ly", "ent", "able", "ful"))) and any(
            self.finite[first:last]
        )


def _quotations(pieces: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    """Yield the indices of the first and the last word of each quotation; one that is left open lasts to the end."""
    opened: int | None = None
    for index, piece in enumerate(pieces):
        if QUOTES.match(piece.text) and opened is None:
            opened = index
        if opened is not None and QUOTES.search(piece.text, 1):
            yield opened, index
            opened = None
    if opened is not None:
        yield opened, len(pieces) - 1
