"""Leads of clauses: does the speaker say that the clause after them is so?"""

import re
from collections.abc import Sequence

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import DOUBTS
from clipmill.analyzer.talk.pieces import Piece, after_openings
from clipmill.analyzer.talk.punctuation import QUOTES

_FIRST_PERSON = (
    r"(?:i|we) (?:just |really |actually |do |would |also |still |all |now |can |can actually |honestly |truly )*(?:"
    + "|".join(sorted(grammar.KNOWING - {"thought", "believed", "supposed", "assumed", "imagine", "wonder", "figured"}))
    + r"|say|argue|show|showed|tell|suggest|submit)(?: you)?"
)
"""A speaker who vouches for the clause that follows. Past forms of belief often lead to its opposite."""

_HEDGE = re.compile(rf"^{_FIRST_PERSON}(?: that)?(?= )")
_VOUCHED = re.compile(
    rf"^(?:{_FIRST_PERSON}|(?:the|my) (?:simple |plain |sad |good )?(?:fact|truth|point|problem|reality|news|result) "
    r"(?:is|was)) that$"
)
"""Words before a clause that say it is so; all others may deny it or put it into the mouth of somebody else."""

_CONDITIONS = frozenset("if unless whether suppose supposing imagine imagining pretend assuming provided lest".split())
"""Words that make what follows in the sentence a possibility."""

_SAYERS = (grammar.SAYING | grammar.KNOWING) - {"see", "find", "finds", "found", "show", "shows", "showed", "means"}
_DENIALS = frozenset("not never no nobody none nothing neither nor cannot hardly without".split())


def denies(word: str) -> bool:
    """Return whether a lower-case `word` is a negation."""
    return word in _DENIALS or word.endswith("n't")


def hedge_length(words: Sequence[str], first: int) -> int:
    """Return the number of words of a remark such as `I think that` at `first`, 0 if there is none.

    Args:
        words: Words in lower case without marks.
        first: Index of the first word.
    """
    hedge = _HEDGE.match(" ".join(words[first : first + 6]))
    return len(hedge.group().split()) if hedge else 0


def leads_to_condition(words: Sequence[str], first: int) -> bool:
    """Return whether a remark and a condition begin at `first`, as in `I suppose if`."""
    length = hedge_length(words, first)
    return length > 0 and words[first + length] in _CONDITIONS


def vouches(pieces: Sequence[Piece], finite: Sequence[bool], index: int) -> bool:
    """Return whether the speaker says that the clause from `index` on is so.

    A clause after a condition, a doubt or somebody else's words may be the opposite of what the speaker says.

    Args:
        pieces: Words of the sentence.
        finite: True for each word that is a finite verb.
        index: Index of the first word of the clause, above 0.
    """
    words = [piece.word for piece in pieces[:index]]
    if QUOTES.match(pieces[index].text):
        return not any(denies(word) or word in DOUBTS for word in words)
    begun = after_openings(pieces, 0)
    lead = words[begun:]
    if any(word in _CONDITIONS or word in DOUBTS for word in lead):
        return False
    if lead and lead[-1] == "that":
        return bool(_VOUCHED.match(" ".join(lead)))
    for at, word in enumerate(lead):
        if word in _SAYERS and finite[begun + at] and not _is_own(lead[:at]):
            return False
    before = pieces[index - 1]
    divided = before.divides or before.broken
    return before.word in grammar.COORDINATORS or not (divided and any(denies(word) for word in lead))


def _is_own(lead: Sequence[str]) -> bool:
    """Return whether the speaker or the listener is the subject of the verb after `lead`."""
    subjects = [word.partition("'")[0] for word in lead if word.partition("'")[0] in grammar.SUBJECT_PRONOUNS]
    return bool(subjects) and subjects[-1] in ("i", "we", "you")
