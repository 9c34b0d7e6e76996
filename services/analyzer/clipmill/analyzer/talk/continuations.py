"""Sentences that go on after a full stop: recognisers put one at a pause, wherever the speaker takes breath."""

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES
from clipmill.analyzer.talk.punctuation import CLOSERS, COMMAS, OPENERS, asks, exclaims
from clipmill.analyzer.talk.terms import tokens

RELATIVES = frozenset({"which", "who", "whom", "whose"})
"""Words that begin a relative clause unless they ask."""

FRAGMENT_WORDS = 8
"""Most words of a sentence that is taken for the end of the one before because it has no verb."""

SENTENCE_OPENERS = (
    grammar.SUBJECT_PRONOUNS
    | grammar.DETERMINERS
    | grammar.COORDINATORS
    | grammar.SUBORDINATORS
    | grammar.FINITE_AUXILIARIES
    | grammar.CONTRACTED_IS
    | frozenset("in on at as then now yes no well".split())
)
"""Words that more often begin a sentence than a name, when they have a capital."""


def continues(before: str, after: str, language: str = "", *, cased: bool = True) -> bool:
    """Return whether `after` goes on with `before`, although a full stop or a pause stands between them.

    Args:
        before: A sentence.
        after: Sentence that follows it.
        language: ISO 639-1 code; empty if unknown, which counts as English.
        cased: True if sentences begin with capitals, so a small letter shows that one goes on.
    """
    if not before or not after or asks(before) or exclaims(before):
        return False
    opening = after.lstrip(OPENERS + CLOSERS + "-\u2014\u2026. ")
    if cased and opening[:1].islower() and not opening[1:2].isupper():
        return True
    return language in LEXICON_LANGUAGES and _continues_in_english(before, after)


def _continues_in_english(before: str, after: str) -> bool:
    words = tokens(after)
    said = tokens(before)
    if not words or not said:
        return False
    if said[-1] in grammar.MISSING_THE_REST:
        return True
    if asks(after):
        return False
    if words[0] in RELATIVES:
        return True
    alone = any(mark in after[:-1] for mark in COMMAS)
    if words[0] == "because":
        return not alone
    leads = grammar.PREPOSITIONS | grammar.COORDINATORS | {"than", "because"}
    verbless = not any(grammar.is_finite(words, index) for index in range(len(words)))
    return verbless and words[0] in leads and len(words) <= FRAGMENT_WORDS and not exclaims(after) and not alone
