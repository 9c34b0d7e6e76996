"""The texts that are published about a moment: title, captions and hashtags, made of the words that are said."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from statistics import median

from clipmill.analyzer.talk.hashtags import Hashtags
from clipmill.analyzer.talk.headlines import BEST_LENGTH, headline
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.pieces import tidied
from clipmill.analyzer.talk.titles import caption_of, paired_quotes
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.swear_words import masked
from msgspec import Struct

_WORD = re.compile(r"\w+")

LOUD_DB = 3.0
"""Decibels above the median of the source from which a moment is called loud: double the power."""

FEWEST_TOPICS, MOST_TOPICS = 2, 3
"""Numbers of subjects that a title names where no clause states a point: one alone says too little."""

QUICK_CUTS = 4
"""Fewest cuts in a moment that is called a sequence of shots."""


class Texts(Struct, frozen=True, kw_only=True):
    """The texts about one moment, with swear words masked.

    Attributes:
        title: Title of the clip, also for YouTube.
        tiktok: Caption for TikTok with hashtags.
        instagram: Caption for Instagram with hashtags.
    """

    title: str
    tiktok: str
    instagram: str


class Naming:
    """Names the moments of one source.

    Args:
        material: Material that the moments are picked from.
        interest: Interest of each sentence; empty if nobody speaks.
    """

    def __init__(self, material: Material, interest: Sequence[float] = ()) -> None:
        self._material = material
        self._interest = interest
        self._hashtags = Hashtags([sentence.text for sentence in material.sentences], material.language)
        self._usual_level = median(material.levels) if material.levels else 0.0

    def spoken(self, window: Window) -> Texts:
        """Return the texts about a moment in which somebody speaks; those of `wordless` if its words are guesses."""
        material = self._material
        if material.guessed:
            return self.wordless(window)
        texts = [sentence.text for sentence in material.sentences[window.first : window.last + 1]]
        interest = list(self._interest[window.first : window.last + 1])
        if material.in_words:
            texts, interest = [material.text(window.first, window.last)], [0.0]
        tags = self._hashtags.of(window.first, window.last)
        subjects = self._hashtags.subjects(window.first, window.last)
        found = headline(texts, interest, material.language, subjects, topic_of(tags, texts))
        if found is None:
            return self.wordless(window)
        english = material.language in LEXICON_LANGUAGES
        opening, strongest = (_sentence(texts[index], english=english) for index in (0, found.sentence))
        longer = strongest if found.sentence == 0 else f"{opening} {strongest}"
        return Texts(
            title=masked(found.title, material.language),
            tiktok=masked(caption_of(strongest, tags), material.language),
            instagram=masked(caption_of(longer, tags), material.language),
        )

    def wordless(self, window: Window) -> Texts:
        """Return texts without words that are said: what is heard or seen, when, and in which source."""
        said = f"{self._kind(window)} at {clock(self._material.offset_ms + window.start_ms)}"
        source = self._material.title
        full = f"{source}: {said[0].lower()}{said[1:]}"
        title = masked(full if source and len(full) <= BEST_LENGTH else said, self._material.language)
        return Texts(title=title, tiktok=title, instagram=title)

    def _kind(self, window: Window) -> str:
        material = self._material
        levels = material.levels[window.start_ms // 1000 : -(-window.end_ms // 1000)]
        if levels and sum(levels) / len(levels) - self._usual_level >= LOUD_DB:
            return "Loud moment"
        start, end = window.start_ms / 1000, window.end_ms / 1000
        cuts = bisect_left(material.cuts, end) - bisect_left(material.cuts, start)
        expected = len(material.cuts) * window.length_ms / max(material.duration_ms, 1)
        return "Quick sequence of shots" if cuts >= QUICK_CUTS and cuts > expected else "Moment"


def topic_of(tags: Sequence[str], texts: Sequence[str]) -> str:
    """Return hashtags as a title that names a subject and claims nothing, such as `Glacier, NASA, water`.

    Args:
        tags: Hashtags of a passage, the best first.
        texts: Sentences of the passage, which show how the words are written.
    """
    written = Counter(word for text in texts for word in _WORD.findall(text))
    named = ", ".join(
        max((word for word in written if word.lower() == tag[1:]), key=written.__getitem__, default=tag[1:])
        for tag in tags[:MOST_TOPICS]
    )
    return f"{named[:1].upper()}{named[1:]}" if len(tags) >= FEWEST_TOPICS else ""


def _sentence(text: str, *, english: bool) -> str:
    """Return a sentence of a caption: tidy, with a capital at its start and quotation marks in pairs."""
    said = paired_quotes(tidied(text, english=english))
    at = next((index for index, letter in enumerate(said) if letter.isalnum()), 0)
    return f"{said[:at]}{said[at : at + 1].upper()}{said[at + 1 :]}"


def clock(time_ms: int) -> str:
    """Return a time as minutes and seconds, after hours if there are any."""
    minutes, seconds = divmod(time_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
