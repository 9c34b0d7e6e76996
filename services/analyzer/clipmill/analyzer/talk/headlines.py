"""The title of a passage: the clause in it that best states its point, taken from the words that are said."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, pstdev

from clipmill.analyzer.talk import grammar, lexicon
from clipmill.analyzer.talk.clauses import Clause, beginning_of, clauses_of, unsure_whole
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES
from clipmill.analyzer.talk.phrases.remarks import manages, points
from clipmill.analyzer.talk.phrases.spoken_sentence import BROKEN_OFF, CLAUSE, PHRASE, RELATIVE, WHOLE
from clipmill.analyzer.talk.pieces import pieces_of
from clipmill.analyzer.talk.punctuation import COMMAS, FULL_STOPS, asks
from clipmill.analyzer.talk.terms import stem, tokens
from clipmill.analyzer.talk.titles import ELLIPSIS, TITLE_LIMIT, shortened_phrase, title_from
from msgspec import Struct

BEST_LENGTH = 60
"""Most characters of a title that lists and phones show whole (YouTube's mobile feed, Google's results)."""

SHORT_LENGTH = 24
"""Characters below which a title says little."""

MOST_SENTENCES = 8
"""Number of the strongest sentences that are divided: enough to have a clause of the best length, and quick."""

STRENGTH = 0.7
"""Weight of the interest of the sentence, in deviations from the passage's mean."""

END_LOSSES = {WHOLE: 0.0, CLAUSE: 0.2, RELATIVE: 1.1, PHRASE: 1.2, BROKEN_OFF: 1.6}
"""Losses by the grade of the clause's end: the less is left out, and the less it changes, the better."""

INNER_LOSS = 0.3
"""Loss of a clause that begins inside its sentence."""

LENGTH_LOSS = 2.5
"""Loss of a title that is longer than the best length, and again for each `LENGTH_STEP` more."""

LENGTH_STEP = 20
"""Number of characters by which a title that is too long loses as much again."""

UNSURE_LOSS = 1.0
"""Loss of a whole sentence in which the grammar finds no clause that stands alone."""

SHORTNESS_LOSS = 1.5
"""Loss of a title without any length."""

SUBJECT_GAIN = 0.5
"""Gain for each term of the passage's subject."""

MOST_SUBJECTS = 3.0
"""Largest weight of terms of the subject that a title gains by: a list of them is no better title."""

BACKWARD_LOSS = 1.6
"""Loss of a title that begins with a pronoun for something said before."""

PRONOUN_LOSS = 0.4
"""Loss of each further pronoun of a third person."""

HOUSEKEEPING_LOSS = 1.4
"""Loss of a title with an opening of people who run an event."""

HOUSEKEEPING_WORD_LOSS = 0.6
"""Loss for each word of people who run an event."""

POINTING_LOSS = 2.0
"""Loss of a title about something that the speaker shows."""

PROCEDURE_LOSS = 3.0
"""Loss of a title that manages the conversation, such as `May I respond?`; it outweighs any strength."""

SUBORDINATE_LOSS = 0.6
"""Loss of a title that begins with a conjunction, before its main clause."""

CONDITION_LOSS = 2.0
"""Loss of such a title without a comma, after which a main clause could follow."""

INTRODUCTION_LOSS = 0.6
"""Loss of a title that begins with `I think` or another remark on the talk itself."""

EMPTINESS_LOSS = 0.7
"""Loss for each word with a meaning that a title has too few."""

MOST_COUNTED = 2
"""Number of pronouns, or of words of people who run an event, after which more of them change nothing."""

SHORTEST_MEANING = 3
"""Letters of the shortest word with a meaning."""

LEAST_MEANING = 3
"""Number of words with a meaning of a title that says something."""

GAINS = (
    (lexicon.MAGNITUDES | lexicon.NUMBER_WORDS, 0.5),
    (lexicon.UNIVERSALS | lexicon.SUPERLATIVES, 0.3),
    (lexicon.CONTRAST - {"not", "but"}, 0.2),
    (lexicon.EMOTIONS, 0.25),
)
"""Gains for the presence of words that make a statement worth reading."""

FIGURE_GAIN = 0.4
"""Gain of a title with a number in digits."""

QUESTION_GAIN = 0.5
"""Gain of a question that `yes` or `no` does not answer."""

FLOOR = -2.0
"""Least merit of a title: fragments such as `Let's call it` have less, and a clause with a subject has more."""

PERSONS = grammar.OBJECT_PRONOUNS - {"me", "us"} | {"he", "she", "they", "his", "their", "it"}
EMPTY_VERBS = frozenset({"think", "believe", "guess", "know", "mean", "say", "understand", "sorry", "ask", "agree"})
"""Verbs after `I` that say something about the talk and not about its subject."""


class Headline(Struct, frozen=True):
    """The title of a passage, and the index of the sentence that it is taken from."""

    title: str
    sentence: int


def headline(
    texts: Sequence[str],
    strengths: Sequence[float],
    language: str = "",
    subjects: Mapping[str, float] | None = None,
    topic: str = "",
) -> Headline | None:
    """Return the title of a passage, None if no sentence has a word.

    In English, the sentences are divided into clauses. In other languages and where no clause can stand alone, marks
    divide them.

    Args:
        texts: Sentences of the passage.
        strengths: Interest of each sentence.
        language: ISO 639-1 code; empty if unknown.
        subjects: Weight of the stems of the passage's subject, 0 to 1.
        topic: Title that names the subject of an English passage in which no clause states a point; empty if unknown.
    """
    english = language in LEXICON_LANGUAGES
    middle, spread = (mean(strengths), pstdev(strengths) or 1.0) if strengths else (0.0, 1.0)
    best: tuple[float, Headline] | None = None
    weak: list[tuple[int, float, str]] = []
    strongest = sorted(range(len(texts)), key=lambda index: -strengths[index])[:MOST_SENTENCES]
    for index in sorted(strongest):
        text = texts[index]
        strength = STRENGTH * max(-2.0, min((strengths[index] - middle) / spread, 2.0))
        for title, merit in _rated(text, subjects or {}) if english else ():
            if merit + _length_loss(title) < FLOOR:
                weak.append((index, merit, title))
            elif best is None or strength + merit > best[0] + 1e-9:
                best = strength + merit, Headline(title, index)
    if best is not None:
        return best[1]
    if topic and english and strongest:
        return Headline(topic, strongest[0])
    if weak:
        # Nothing states a point, so the clause nearest to the strongest sentence, which is quoted, says where it is.
        index, _, title = min(weak, key=lambda one: (abs(one[0] - strongest[0]), -one[1]))
        return Headline(title, index)
    return _by_marks(texts, strengths, language)


def _rated(text: str, subjects: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Yield the titles that an English sentence offers, with their merits."""
    found = False
    for clause in clauses_of(text):
        title = title_from(clause.text, len(clause.text))
        if title and len(title) <= TITLE_LIMIT and any(letter.isalpha() for letter in title):
            found = True
            yield title, _merit(clause, title, subjects) - _length_loss(title)
    whole = None if found else unsure_whole(text)
    if whole is not None:
        title = title_from(whole.text, len(whole.text))
        if len(title) <= TITLE_LIMIT:
            yield title, _merit(whole, title, subjects) - _length_loss(title) - UNSURE_LOSS


def _length_loss(title: str) -> float:
    over = len(title) - BEST_LENGTH
    return LENGTH_LOSS * (1 + over / LENGTH_STEP) if over > 0 else 0.0


def _merit(clause: Clause, title: str, subjects: Mapping[str, float]) -> float:
    words = clause.words
    merit = -END_LOSSES[clause.grade] - (0.0 if clause.opens else INNER_LOSS)
    merit -= SHORTNESS_LOSS * max(1 - len(title) / SHORT_LENGTH, 0.0)
    named = {stem(word) for word in tokens(title)}
    merit += SUBJECT_GAIN * min(sum(weight for one, weight in subjects.items() if one in named), MOST_SUBJECTS)
    if asks(title) and words[0] in lexicon.WH_WORDS:
        merit += QUESTION_GAIN
    merit += sum(gain for group, gain in GAINS if any(word in group for word in words))
    merit += FIGURE_GAIN * any(word[:1].isdigit() for word in words)
    base = [word.partition("'")[0] for word in words]
    if base[0] in grammar.BACKWARD_PRONOUNS:
        merit -= BACKWARD_LOSS
    merit -= PRONOUN_LOSS * min(sum(word in PERSONS for word in base[1:]), MOST_COUNTED)
    said = sum(
        word not in lexicon.STOP_WORDS and word not in grammar.ADVERBS and len(word) >= SHORTEST_MEANING
        for word in words
    )
    merit -= EMPTINESS_LOSS * max(LEAST_MEANING - said, 0)
    opening = " ".join(words[:5])
    if any(opening == one or opening.startswith(f"{one} ") for one in lexicon.HOUSEKEEPING_OPENINGS):
        merit -= HOUSEKEEPING_LOSS
    if manages(words):
        merit -= PROCEDURE_LOSS
    if points(words):
        merit -= POINTING_LOSS
    if words[0] in grammar.SUBORDINATORS - lexicon.WH_WORDS:
        merit -= SUBORDINATE_LOSS if any(mark in title for mark in COMMAS) else CONDITION_LOSS
    merit -= HOUSEKEEPING_WORD_LOSS * min(sum(word in lexicon.HOUSEKEEPING for word in words), MOST_COUNTED)
    if base[0] == "i" and any(word in EMPTY_VERBS for word in words[1:3]):
        merit -= INTRODUCTION_LOSS
    return merit


def _by_marks(texts: Sequence[str], strengths: Sequence[float], language: str) -> Headline | None:
    """Return the strongest sentence with a word, shortened at a mark if it is longer than the best length."""
    english = language in LEXICON_LANGUAGES
    for index in sorted(range(len(texts)), key=lambda index: -strengths[index]):
        said = (
            _unbroken(texts[index])
            if english
            else " ".join(piece.text for piece in pieces_of(texts[index], english=False))
        )
        if english and len(said) > TITLE_LIMIT:
            said = beginning_of(texts[index], BEST_LENGTH) or f"{shortened_phrase(said, BEST_LENGTH)}{ELLIPSIS}"
        title = title_from(said if english else at_marks(said), spoken_in=language)
        if any(letter.isalnum() for letter in title):
            return Headline(title, index)
    return None


def _unbroken(text: str) -> str:
    """Return the longest part of an English sentence in which the speaker does not break off."""
    parts: list[list[str]] = [[]]
    for piece in pieces_of(text, english=True):
        parts[-1].append(piece.text)
        if piece.broken:
            parts.append([])
    return max((" ".join(part) for part in parts), key=len)


def at_marks(text: str, best: int = BEST_LENGTH, least: int = SHORT_LENGTH // 2) -> str:
    """Return the longest beginning of `text` up to `best` characters that ends at a mark; all of `text` if none does.

    Args:
        text: A sentence in any language.
        best: Most characters wanted.
        least: Fewest characters of a beginning that says anything.
    """
    if len(text) <= best:
        return text
    marks = (*COMMAS, *FULL_STOPS)
    ends = [at for at in range(least, best + 1) if text[at] in marks and not text[at + 1 : at + 2].isalnum()]
    return text[: ends[-1]] if ends else text
