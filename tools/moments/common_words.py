"""Write the English words that are no hashtags, because they are common or because they are spread evenly over talks.

Usage: .venv/bin/python tools/moments/common_words.py FOLDER > services/analyzer/clipmill/analyzer/talk/common_words.txt

FOLDER holds `talks.jsonl.gz` (TED transcripts, CC BY-NC-ND 4.0, collected at saranyan/TED-Talks) and
`conversations.jsonl.gz` (arguments before the US Supreme Court, public domain, collected at
walkerdb/supreme_court_transcripts). Four kinds of words are written, and nothing of the texts:

- words of at least a tenth of the transcripts of each kind. A word that is frequent in only one of two kinds so
  different belongs to its subjects, such as `court`;
- words of at least half of the transcripts of one kind, spread evenly over them, such as `counsel` and `provision`;
- words that are seldom used as nouns and are spread evenly, such as `amazing`, `whereas` and `refer`;
- nouns that are spread still more evenly over many transcripts, such as `manner` and `goodness`.

A word that names a subject comes in bursts: few transcripts have it, and they have it often. The measure is the
residual inverse document frequency (Church and Gale 1995, "Poisson mixtures"): how much rarer are the transcripts with
the word than they would be if chance spread its occurrences? `climate` has 0.8 and `amazing` 0.4.
"""

import gzip
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipmill.analyzer.talk.hashtags import ends_noun
from msgspec import Struct, field

LEAST_SHARE = 0.1
"""Share of the transcripts of each kind from which a word is common: about a thousand words."""

LEAST_TRANSCRIPTS = 20
"""Number of transcripts of both kinds below which chance decides how a word is spread."""

LEAST_OF_A_KIND = 8
"""Number of transcripts of one kind below which that kind says nothing about a word."""

MOST_NOUN_USES = 0.4
"""Share of a word's uses as a noun up to which it counts as another kind of word."""

EVEN = 0.4
"""Residual inverse document frequency below which a word that is no noun is common."""

EVEN_NOUN = 0.38
"""Residual inverse document frequency below which a noun of `LEAST_FOR_NOUNS` transcripts is common."""

LEAST_FOR_NOUNS = 60
"""Number of transcripts of both kinds below which a noun that is spread evenly may still be a subject."""

EVEN_RARE_NOUN = 0.18
"""Residual inverse document frequency below which a noun of fewer transcripts is common."""

SUBJECT = 0.5
"""Residual inverse document frequency in both kinds from which a frequent noun is a subject, such as `women`."""

NOUN_USES = 0.3
"""Share of a word's uses as a noun from which it may be a subject although it is frequent."""

NAMES_SHARE = 0.5
"""Share of uses with a capital inside sentences from which a word is a name."""

OWN_SHARE, OTHER_SHARE = 0.3, 0.02
"""Shares of the transcripts of the one kind and of the other, beyond which a word belongs to the subjects of a kind."""

KIND_SHARE = 0.5
"""Share of the transcripts of one kind from which a word that is spread evenly over them says nothing about any."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|[.,;:!?\u2014-]")
_PLAIN = re.compile(r"[a-z]+(?:'[a-z]+)?")


class Counts(Struct):
    """Counts of the words of one kind of transcript."""

    transcripts: int = 0
    having: Counter[str] = field(default_factory=Counter)
    uses: Counter[str] = field(default_factory=Counter)
    nouns: Counter[str] = field(default_factory=Counter)
    capitals: Counter[str] = field(default_factory=Counter)

    def add(self, text: str) -> None:
        """Count the words of one transcript."""
        found = _WORD.findall(text)
        words = [word.lower().replace("\u2019", "'") for word in found]
        self.transcripts += 1
        self.having.update(set(words))
        self.uses.update(words)
        for index, word in enumerate(words):
            self.capitals[word] += bool(index) and found[index][0].isupper() and words[index - 1] not in ".!?:"
            self.nouns[word] += ends_noun(words, index)

    def share(self, word: str) -> float:
        """Return the share of transcripts that have the word."""
        return self.having[word] / self.transcripts

    def burst(self, word: str) -> float:
        """Return the residual inverse document frequency of the word, in natural logarithms."""
        return math.log(1 - math.exp(-self.uses[word] / self.transcripts)) - math.log(self.share(word))


def main() -> None:
    """Print the words in order of the alphabet, eight a line."""
    folder = Path(sys.argv[1])
    talks = _counts(" ".join(row["words"]) for row in _rows(folder / "talks.jsonl.gz"))
    conversations = _counts(
        " ".join(turn[3] for turn in row["turns"]) for row in _rows(folder / "conversations.jsonl.gz")
    )
    words = {word for counts in (talks, conversations) for word in counts.having if _PLAIN.fullmatch(word)}
    common = sorted(word for word in words if _is_common(word, talks, conversations))
    for at in range(0, len(common), 8):
        sys.stdout.write(" ".join(common[at : at + 8]) + "\n")


def _is_common(word: str, *kinds: Counts) -> bool:
    shares = [counts.share(word) for counts in kinds]
    having = sum(counts.having[word] for counts in kinds)
    uses = sum(counts.uses[word] for counts in kinds)
    bursts = [counts.burst(word) for counts in kinds if counts.having[word] >= LEAST_OF_A_KIND]
    if min(shares) >= LEAST_SHARE:
        return min(bursts) < SUBJECT or sum(counts.nouns[word] for counts in kinds) < NOUN_USES * uses
    named = sum(counts.capitals[word] for counts in kinds) >= NAMES_SHARE * uses
    if len(word) < 4 or having < LEAST_TRANSCRIPTS or not bursts or named:
        return False
    if max(bursts) < SUBJECT and any(
        counts.share(word) >= KIND_SHARE and counts.burst(word) < EVEN_NOUN for counts in kinds if counts.having[word]
    ):
        return True
    if max(shares) > OWN_SHARE and min(shares) < OTHER_SHARE:
        return False
    if sum(counts.nouns[word] for counts in kinds) <= MOST_NOUN_USES * uses:
        return max(bursts) < EVEN
    return max(bursts) < (EVEN_NOUN if having >= LEAST_FOR_NOUNS else EVEN_RARE_NOUN)


def _rows(path: Path) -> Iterator[dict[str, list]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _counts(texts: Iterable[str]) -> Counts:
    counts = Counts()
    for text in texts:
        counts.add(text)
    return counts


if __name__ == "__main__":
    main()
