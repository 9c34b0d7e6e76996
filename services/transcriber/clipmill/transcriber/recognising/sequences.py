"""Sequences of windows, in which hard speech is recognised with the text before as context.

Batches recognise each window alone, which is fast, and as good where speech is clear. Where text is in doubt and words
are unsure, Whisper does better if it knows the text before and ends its windows where it has understood a sentence, not
where a pause happens to be. Unsure words alone are no reason: without text in doubt, French was heard better in
sequence, Chinese worse and German as well, and all took twice the time.
"""

from collections import deque
from collections.abc import Sequence

from clipmill.transcriber.hearing.speech_regions import LONGEST_PAUSE_SECONDS, SpeechRegion
from clipmill.transcriber.recognising.words import RawWord

SEQUENCE_SECONDS = 180.0
"""Longest sequence. Whisper's context holds about a minute of talk, so only the start of a sequence lacks it, while
several sequences of a portion keep as many workers busy."""

HARD_BELOW = 0.8
"""Certainty below which a multilingual model hears a sequence with text in doubt again as a whole.

With base, clear English has 0.86 and more; what espeak-ng reads in Spanish has 0.76, and in Japanese 0.70. In sequence,
their error rates fell from 0.28 to 0.25 and from 0.73 to 0.60, where plain faster-whisper has 0.27 and 0.64."""

HARD_ENGLISH_BELOW = 0.5
"""The same for an English-only model. tiny.en has 0.67 and more in real English talk, which is then heard again faster
window by window; below are other languages, and noise."""

PHRASE_WORDS = 3
"""Length of a phrase that counts once however often it is said: a loop is surer each time."""


def sequences(windows: Sequence[SpeechRegion]) -> list[tuple[int, int]]:
    """Return the numbers of the first window of each sequence and of the first one after it.

    Args:
        windows: Windows in order.
    """
    found: list[tuple[int, int]] = []
    for number, window in enumerate(windows):
        if found and window.end - windows[found[-1][0]].start <= SEQUENCE_SECONDS:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found


def without_long_pauses(windows: Sequence[SpeechRegion]) -> list[SpeechRegion]:
    """Return windows joined where no long pause divides them, so that Whisper moves on at its own pace.

    Args:
        windows: Windows in order.
    """
    joined: list[SpeechRegion] = []
    for window in windows:
        if joined and window.start - joined[-1].end <= LONGEST_PAUSE_SECONDS:
            joined[-1] = SpeechRegion(joined[-1].start, window.end)
        else:
            joined.append(window)
    return joined


def certainty(words: Sequence[RawWord]) -> float:
    """Return the mean score of words, weighted by their letters, from 0 to 1; 0 if there are no words.

    A phrase that is repeated counts once.
    """
    said: set[tuple[str, ...]] = set()
    phrase: deque[str] = deque(maxlen=PHRASE_WORDS)
    letters, right = 0, 0.0
    for word in words:
        bare = "".join(letter for letter in word.text.casefold() if letter.isalnum())
        phrase.append(bare)
        if tuple(phrase) not in said:
            said.add(tuple(phrase))
            letters += len(bare)
            right += len(bare) * (1.0 if word.score is None else word.score)
    return right / letters if letters else 0.0


def divide(words: Sequence[RawWord], windows: Sequence[SpeechRegion]) -> list[list[RawWord]]:
    """Return the words of each window: those whose middle is in it, or nearer to it than to the others.

    Args:
        words: Words in order.
        windows: Windows in order, at least one.
    """
    of_windows: list[list[RawWord]] = [[] for _ in windows]
    number = 0
    for word in words:
        if word.start is not None and word.end is not None:
            middle = (word.start + word.end) / 2
            while number + 1 < len(windows) and middle - windows[number].end > windows[number + 1].start - middle:
                number += 1
        of_windows[number].append(word)
    return of_windows
