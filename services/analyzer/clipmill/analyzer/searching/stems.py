"""The stems of the words that carry a subject, in the language of a transcript."""

from collections.abc import Callable
from functools import cache

import snowballstemmer
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES, STOP_WORDS
from clipmill.analyzer.talk.terms import subject_stems, tokens

SHORTEST_WORD = 3
"""Letters of the shortest word of an alphabet that carries a subject; shorter ones are mostly articles and pronouns."""

WORDS_KEPT = 50_000
"""Most words whose stems are remembered: more than a long talk has, and a few megabytes."""

_NO_SUBJECTS = frozenset(
    """anybody anyhow anymore anyone anything anyway anywhere else everybody everyone everything everywhere nobody none
    nothing nowhere somebody somehow someone something somewhere whatever whenever whether whoever whose another cannot
    although always already almost although become becomes became becoming bring came come comes coming etc give gives
    given giving gone however instead keep keeps kept many maybe mean means never often part perhaps quite rather
    really seem seems sometimes soon talk talks talking till toward towards usually went whereas
    clip clips moment moments passage passages story stories video videos""".split()
)
"""English words that say nothing about a subject, beyond the words of the picker's list: pronouns, adverbs, and what
people call a passage when they ask for one."""

_ALGORITHMS = {
    "": "english", "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
    "yi": "yiddish",
}  # fmt: skip
"""Snowball's algorithm for each language that it has, by ISO 639-1 code (Porter 2001, "Snowball: a language for
stemming algorithms")."""


def stems_in(text: str, language: str) -> list[str]:
    """Return the stems of the words of `text` that carry a subject, in their order.

    Args:
        text: Words in the language.
        language: ISO 639-1 code; an empty one counts as English.
    """
    stem = _stemmer(language)
    if stem is None:
        return subject_stems(tokens(text))
    stop_words = STOP_WORDS | _NO_SUBJECTS if language in LEXICON_LANGUAGES else frozenset[str]()
    return [
        stem(word.removesuffix("'s")) for word in tokens(text) if word not in stop_words and len(word) >= SHORTEST_WORD
    ]


@cache
def _stemmer(language: str) -> Callable[[str], str] | None:
    """Return the function that stems one word, None for a language without an algorithm."""
    if language not in _ALGORITHMS:
        return None
    stemmer = snowballstemmer.stemmer(_ALGORITHMS[language])
    known: dict[str, str] = {}

    def stem(word: str) -> str:
        if word not in known:
            if len(known) >= WORDS_KEPT:
                known.clear()
            known[word] = stemmer.stemWord(word)
        return known[word]

    return stem
