"""Write the common English words that are no hashtags: those of at least a tenth of the talks and of the conversations.

Usage: .venv/bin/python tools/moments/common_words.py FOLDER > services/analyzer/clipmill/analyzer/talk/common_words.txt

FOLDER holds `talks.jsonl.gz` (TED transcripts, CC BY-NC-ND 4.0, collected at saranyan/TED-Talks) and
`conversations.jsonl.gz` (arguments before the US Supreme Court, public domain, collected at
walkerdb/supreme_court_transcripts). A word that is frequent in only one of two kinds so different belongs to its
subjects, such as `court`; one that is frequent in both is common. Only the words are written, and nothing of the texts.
"""

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LEAST_SHARE = 0.1
"""Share of the transcripts of each kind: about a thousand words, down to those that begin to name subjects."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


def main() -> None:
    """Print the words in order of the alphabet, eight a line."""
    folder = Path(sys.argv[1])
    talks = _shares(" ".join(row["words"]) for row in _rows(folder / "talks.jsonl.gz"))
    conversations = _shares(
        " ".join(turn[3] for turn in row["turns"]) for row in _rows(folder / "conversations.jsonl.gz")
    )
    common = sorted(word for word, share in talks.items() if min(share, conversations.get(word, 0.0)) >= LEAST_SHARE)
    for at in range(0, len(common), 8):
        sys.stdout.write(" ".join(common[at : at + 8]) + "\n")


def _rows(path: Path) -> Iterator[dict[str, list]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _shares(texts: Iterator[str]) -> dict[str, float]:
    """Return the share of texts with each word."""
    counts: Counter[str] = Counter()
    total = 0
    for text in texts:
        counts.update(set(_WORD.findall(text.lower().replace("\u2019", "'"))))
        total += 1
    return {word: count / total for word, count in counts.items()}


if __name__ == "__main__":
    main()
