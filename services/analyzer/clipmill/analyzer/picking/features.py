"""The features of a sentence for the local picker: a few numbers from 0 to about 1, each with a plain meaning.

Features that rest on a lexicon exist for English only and are 0 in other languages. The others work in any language:
questions, figures, exclamations, the rarity of the subject, and everything that can be heard and seen.
"""

from collections.abc import Sequence

from clipmill.analyzer.talk import grammar, lexicon
from clipmill.analyzer.talk.continuations import continues
from clipmill.analyzer.talk.phrases.assertions import denies
from clipmill.analyzer.talk.punctuation import COMMAS, asks, exclaims, finishes
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.terms import inverse_frequencies, subject_stems, tokens
from msgspec import Struct

BRIEF_SECONDS = 4.5
"""Length of a brief sentence, in seconds: about a dozen words, understood at first hearing."""


_CONTRACTED = (*grammar.CONTRACTED, "'s")


class SentenceFeatures(Struct, frozen=True, kw_only=True):
    """One sentence as the local picker reads it.

    Attributes:
        question: Question that needs an answer; negative for a request.
        number: Statement of a quantity.
        contrast: Turn against an expectation.
        claim: Statement about all, none, the most or the least.
        emotion: Words that people say with feeling, or an exclamation.
        story: Account of an event in somebody's life.
        address: Words to the listener.
        housekeeping: Words that run the event and say nothing beyond it.
        novelty: Rarity of its subject in the rest of the talk.
        hook: Quality as the first sentence of a clip.
        closing: Quality as the last sentence of a clip.
        dangling: Need for the sentence before it.
        leaves: Turn to another subject than that of the sentence before.
        unfinished: True if the next sentence continues this one, divided from it only by a pause or for its length.
        stems: Stems that carry its subject, in order.
    """

    question: float
    number: float
    contrast: float
    claim: float
    emotion: float
    story: float
    address: float
    housekeeping: float
    novelty: float
    hook: float
    closing: float
    dangling: float
    leaves: float
    unfinished: bool
    stems: tuple[str, ...]


def features_of(sentences: Sequence[Sentence], language: str = "en") -> list[SentenceFeatures]:
    """Return the features of each sentence, compared with all others.

    Args:
        sentences: Sentences of the talk.
        language: ISO 639-1 code; empty if unknown.
    """
    english = language in lexicon.LEXICON_LANGUAGES
    words = [tokens(sentence.text) for sentence in sentences]
    stems = [tuple(dict.fromkeys(subject_stems(each))) for each in words]
    weights = inverse_frequencies(stems)
    highest = max(weights.values(), default=1.0)
    starts = [sentence.text[:1] for sentence in sentences]
    cased = sum(letter.isupper() for letter in starts) >= sum(letter.islower() for letter in starts)
    found: list[SentenceFeatures] = []
    for index, sentence in enumerate(sentences):
        rarity = [weights[one] / highest for one in stems[index]]
        novelty = sum(rarity) / len(rarity) if rarity else 0.0
        following = sentences[index + 1].text if index + 1 < len(sentences) else ""
        unfinished = _unfinished(sentence.text, following) or continues(sentence.text, following, language, cased=cased)
        severed = index > 0 and found[-1].unfinished
        found.append(
            _features(sentence, words[index] if english else (), stems[index], novelty, unfinished, severed=severed)
        )
    return found


def _features(
    sentence: Sentence, words: Sequence[str], stems: tuple[str, ...], novelty: float, unfinished: bool, *, severed: bool
) -> SentenceFeatures:
    text = sentence.text
    opening = " ".join(words[:6])
    question = _question(text, words, opening)
    number = _number(words or tokens(text))
    contrast = _share([word[-3:] if word.endswith("n't") else word for word in words], lexicon.CONTRAST)
    claim = min(_share(words, lexicon.UNIVERSALS) + _share(words, lexicon.SUPERLATIVES), 1.0)
    emotion = max(_share(words, lexicon.EMOTIONS), 0.6 * exclaims(text))
    housekeeping = min(
        _share(words, lexicon.HOUSEKEEPING) + 0.6 * _opens_with(opening, lexicon.HOUSEKEEPING_OPENINGS), 1.0
    )
    dangling = max(_dangling(words, question), float(severed))
    statement = max(
        question,
        _opens_with(opening, lexicon.STORY_OPENINGS),
        _opens_with(opening, lexicon.CLAIM_OPENINGS),
        0.8 * claim,
        0.7 * number,
        0.5 * emotion,
    )
    brevity = min(BRIEF_SECONDS / sentence.seconds, 1.0)
    finished = 1.0 if finishes(text) and not asks(text) else 0.0
    return SentenceFeatures(
        question=question,
        number=number,
        contrast=contrast,
        claim=claim,
        emotion=emotion,
        story=_story(words, opening),
        address=_share(words, lexicon.SECOND_PERSON),
        housekeeping=housekeeping,
        novelty=novelty,
        hook=statement * (1 - dangling) * (question >= 0) - housekeeping,
        closing=finished * (0.4 * brevity + 0.6 * max(claim, contrast, emotion)) - housekeeping,
        dangling=dangling,
        leaves=_opens_with(opening, lexicon.HOUSEKEEPING_OPENINGS),
        unfinished=unfinished,
        stems=stems,
    )


def _unfinished(text: str, following: str) -> bool:
    """Return whether `text` breaks off in mid-sentence before `following`; lower case shows it in some scripts only."""
    if not following or finishes(text):
        return False
    return text.endswith(COMMAS) or (following[0].islower() and text[:1].isupper())


def _share(words: Sequence[str], lexicon_words: frozenset[str]) -> float:
    """Return 0 without a word of the lexicon, 0.6 with one, 0.84 with two …, because the first one says most."""
    return float(1 - 0.4 ** sum(word in lexicon_words for word in words))


def _opens_with(opening: str, phrases: Sequence[str]) -> float:
    return float(any(opening == phrase or opening.startswith(f"{phrase} ") for phrase in phrases))


def _question(text: str, words: Sequence[str], opening: str) -> float:
    if not asks(text) or _in_passing(text, words):
        return 0.0
    if _opens_with(opening, lexicon.REQUEST_OPENINGS):
        return -0.5
    if words and (words[0] in lexicon.WH_WORDS or _opens_with(opening, lexicon.HOOK_QUESTION_OPENINGS)):
        return 1.0
    return 0.5


def _in_passing(text: str, words: Sequence[str]) -> bool:
    """Return whether an English question is an aside, such as `Where was I?`, or a statement with one at its end."""
    if not words:
        return False
    start = next((at for at, word in enumerate(words) if word not in lexicon.BEFORE_ASIDES), len(words) - 1)
    if " ".join(words) in lexicon.ASIDES or " ".join(words[start:]) in lexicon.ASIDES:
        return True
    before, _, last = text.rpartition(",")
    ends = tokens(last)
    said = tokens(before)
    if not said or not ends:
        return False
    begins = next((word for word in said if word not in lexicon.BEFORE_ASIDES), "")
    if begins in lexicon.WH_WORDS or begins in lexicon.TAGGED:
        return False
    tag = len(ends) in (2, 3) and ends[0] in lexicon.TAGGED and ends[-1] in lexicon.TAG_PRONOUNS
    if tag:
        # A tag turns the statement round: `They left, didn't they?`
        turns = ends[0].endswith("n't") or any(denies(word) for word in said)
        return turns and not _only_condition(before)
    if " ".join(ends) not in lexicon.ASIDES:
        return False
    asks_back = ends[0] in lexicon.WH_WORDS or " ".join(ends) == "so what"
    return not (asks_back and (said[-1] in lexicon.QUOTING or _only_condition(before)))


def _only_condition(before: str) -> bool:
    """Return whether the words before a comma are a condition or a time, and no statement that a tag could follow."""
    parts = [words for words in map(tokens, before.split(",")) if not lexicon.BEFORE_ASIDES.issuperset(words)]
    if not parts:
        return False
    first, *others = parts
    begun = next(at for at, word in enumerate(first) if word not in lexicon.BEFORE_ASIDES)
    conditional = grammar.subordinates(first, begun) or first[begun] in grammar.PART_TIME_SUBORDINATORS
    return conditional and all(words[0] in grammar.COORDINATORS - {"so"} for words in others)


def _number(words: Sequence[str]) -> float:
    digits = sum(word[0].isdigit() for word in words)
    plain = sum(word in lexicon.NUMBER_WORDS for word in words)
    magnitudes = sum(word in lexicon.MAGNITUDES for word in words)
    return min(0.3 * plain + 0.4 * digits + 0.5 * magnitudes, 1.0)


def _story(words: Sequence[str], opening: str) -> float:
    somebody = any(word in lexicon.PERSONS for word in words)
    happened = sum(word in lexicon.STORY_VERBS or (word.endswith("ed") and len(word) > 4) for word in words)
    narrated = 0.4 * min(happened, 2) if somebody else 0.2 * min(happened, 2)
    return min(narrated + 0.6 * _opens_with(opening, lexicon.STORY_OPENINGS), 1.0)


def _dangling(words: Sequence[str], question: float) -> float:
    if not words:
        return 0.0
    opening = " ".join(words[:4])
    base = [_uncontracted(word) for word in words[:4]]
    if base[0] in lexicon.DANGLING_OPENINGS or _opens_with(opening, lexicon.CONTINUING_OPENINGS):
        return 0.5 if question else 1.0
    pronouns = [word for word in base if word in {"it", "he", "she", "they", "that", "him"}]
    return 0.4 if pronouns else 0.0


def _uncontracted(word: str) -> str:
    """Return `it` for `it's`, and words such as `nor'easter` as they are."""
    bare, mark, rest = word.partition("'")
    return bare if mark + rest in _CONTRACTED else word
