"""A learned sense of what audiences react to: the chance that listeners laugh or applaud right after a sentence.

A logistic regression over the words and pairs of words of a sentence and of its neighbours, and over their lengths.
`tools/moments/learn.py` learns it from transcripts of real talks and conversations and writes the data file that this
module reads: weights, and the vocabulary that they belong to.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES

Floats = npt.NDArray[np.float64]

BUNDLED = "audience.npz"

BEFORE_TOKENS = 14
"""Last tokens of the two sentences before, which prepare what a listener reacts to."""

AFTER_TOKENS = 10
"""First tokens of the sentence after: speakers answer a reaction, or wait for it to end."""

LENGTH_STEPS = (1, 2, 3, 5, 8, 12, 18, 26, 40)
"""Words of a sentence up to which it belongs to one class of lengths."""

NUMBERS_SCALE = 0.3
"""Scale of the plain numbers beside the words, whose vector has length 1."""

NUMBERS = 6
"""Count of the plain numbers: `numbers_of` names them."""

COMMON_WORDS = frozenset(
    """a about all an and are as at be because but by can do for from have he i if in is it just like me my not of on
    one or our out people she so that the their there they this to up was we were what when who will with would you
    your""".split()
)

LEAST_COMMON_SHARE = 0.25
"""Share of these words below which a text is not English as people speak it: speech has 0.4 to 0.6."""

PASSAGE_SECONDS = 20.0
"""Speech in a passage whose chances are compared with those of others, in seconds: about the shortest good clip."""

LEAST_CONTRAST = 0.7
"""Contrast below which the model does not know what moves the audience of a talk. Nine of ten talks that it has not
seen have 0.76 or more, and so have all conversations. Of the talks that were written for tests, without an audience,
nine of ten have 0.66 or less."""

_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[?!.,:;\"()\u2014-]")
_STRAIGHT = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})


class Audience:
    """The learned model.

    Args:
        vocabulary: Weight of each feature, by its name.
        numbers: Weights of the plain numbers, as `numbers_of` orders them.
        bias: Log-odds of a reaction when nothing speaks for or against it.
    """

    def __init__(self, vocabulary: dict[str, float], numbers: Floats, bias: float) -> None:
        self._vocabulary = vocabulary
        self._number_weights = numbers
        self._bias = bias

    @classmethod
    def read(cls, data: bytes) -> "Audience":
        """Return the model that a data file holds.

        Raises:
            ValueError: if the data is not a model's.
        """
        try:
            with np.load(BytesIO(data), allow_pickle=False) as stored:
                names = bytes(stored["vocabulary"]).decode().split("\n")
                weights = stored["weights"].astype(np.float64) * float(stored["scale"])
                numbers, bias = stored["numbers"].astype(np.float64), float(stored["bias"])
            vocabulary = dict(zip(names, weights.tolist(), strict=True))
            if numbers.shape != (NUMBERS,) or not np.isfinite([bias, *numbers, *weights]).all():
                raise ValueError("its numbers do not fit")
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise ValueError(f"the file does not hold a model of audiences ({error})") from error
        return cls(vocabulary, numbers, bias)

    def chances(self, texts: Sequence[str]) -> Floats:
        """Return the chance of a reaction after each sentence of a talk.

        Args:
            texts: Sentences, in order.
        """
        odds = np.full(len(texts), self._bias)
        for index, features in enumerate(word_features(texts)):
            counts: dict[str, int] = {}
            for feature in features:
                counts[feature] = counts.get(feature, 0) + 1
            known = [(count, self._vocabulary.get(feature)) for feature, count in counts.items()]
            length = sum(count * count for count, _ in known) ** 0.5
            if length:
                odds[index] += sum(count * weight for count, weight in known if weight is not None) / length
        odds += numbers_of(texts) @ self._number_weights
        chances: Floats = 1 / (1 + np.exp(-odds))
        return chances


@cache
def bundled() -> Audience:
    """Return the model that is part of the analyzer."""
    return Audience.read(files("clipmill.analyzer.talk").joinpath(BUNDLED).read_bytes())


def audience_from(path: Path | None) -> Audience:
    """Return the model in a file, the bundled one where none is named.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it does not hold a model.
    """
    return bundled() if path is None else Audience.read(path.read_bytes())


def understands(texts: Sequence[str], language: str) -> bool:
    """Return whether the model knows a talk's language: English, by its common words and not by its label alone.

    Args:
        texts: Sentences of the talk.
        language: ISO 639-1 code that the recogniser gave; empty if unknown.
    """
    if language not in LEXICON_LANGUAGES:
        return False
    words = [token for text in texts for token in _tokens(text) if token[0].isalpha()]
    return bool(words) and sum(word in COMMON_WORDS for word in words) >= LEAST_COMMON_SHARE * len(words)


def contrast(chances: Floats, seconds: Sequence[float]) -> float:
    """Return by how many doublings the reactions per second of passages differ, as their standard deviation.

    It is low where all passages are equally likely to get a reaction, so nothing follows from their chances. Speech
    that is too short to compare passages has 0.

    Args:
        chances: Chance of a reaction after each sentence.
        seconds: Length of each sentence, in seconds.
    """
    reached, gathered = (np.concatenate(([0.0], np.cumsum(each))) for each in (seconds, chances))
    lasts = np.searchsorted(reached, reached[:-1] + PASSAGE_SECONDS)
    firsts = np.flatnonzero(lasts < len(reached))
    if len(firsts) < 2:
        return 0.0
    lasts = lasts[firsts]
    densities = (gathered[lasts] - gathered[firsts]) / (reached[lasts] - reached[firsts])
    return float(np.log2(densities).std())


def word_features(texts: Sequence[str]) -> list[list[str]]:
    """Return the names of the features of each sentence, as often as they occur.

    Args:
        texts: Sentences, in order.
    """
    tokens = [_tokens(text) for text in texts]
    classes = [_length_class(each) for each in tokens]
    found: list[list[str]] = []
    for index, own in enumerate(tokens):
        features = [*own, *_pairs(own), "e:" + " ".join(own[-2:]), *("e:" + token for token in own[-4:])]
        features.append(f"L{classes[index]}")
        if index:
            before = tokens[index - 1][-BEFORE_TOKENS:]
            features += ["p:" + one for one in (*before, *_pairs(before))]
            features += [f"P{classes[index - 1]}", f"L{classes[index]}P{classes[index - 1]}"]
        if index > 1:
            features += ["q:" + one for one in tokens[index - 2][-BEFORE_TOKENS:]]
        if index + 1 < len(tokens):
            after = tokens[index + 1][:AFTER_TOKENS]
            features += ["n:" + one for one in (*after, *_pairs(after))]
            features.append(f"N{classes[index + 1]}")
        found.append(features)
    return found


def numbers_of(texts: Sequence[str]) -> Floats:
    """Return the plain numbers of each sentence, a row each: its length and marks, against the sentence before."""
    rows, before = [], 0
    for text in texts:
        length = _word_count(_tokens(text))
        marks = text.translate(_STRAIGHT)
        rows.append(
            (
                length / 20,
                marks.count("'"),
                marks.count("?"),
                marks.count('"') / 2,
                abs(length - before) / 20,
                min(length, 5) / 5,
            )
        )
        before = length
    return NUMBERS_SCALE * np.array(rows, dtype=np.float64).reshape(len(rows), NUMBERS)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower().translate(_STRAIGHT))


def _pairs(tokens: Sequence[str]) -> list[str]:
    return [f"{one} {other}" for one, other in pairwise(tokens)]


def _word_count(tokens: Sequence[str]) -> int:
    return sum(token[0].isalnum() for token in tokens)


def _length_class(tokens: Sequence[str]) -> int:
    length = _word_count(tokens)
    return next((place for place, step in enumerate(LENGTH_STEPS) if length <= step), len(LENGTH_STEPS))
