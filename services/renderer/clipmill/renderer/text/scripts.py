"""Rules of writing systems: the parts of a character, line breaks and blanks.

They simplify Unicode's rules for grapheme clusters (UAX #29) and line breaking (UAX #14), which need property tables
that Python does not have. The rules left out cannot apply to transcribed speech.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

NOT_FIRST = frozenset(
    "、。，．・：；？！‐゠–〜～）］｝〕〉》」』】〙〗〟’”»›)]}!?,.:;%％‰℃…‥ー々〻ゝゞヽヾぁぃぅぇぉっゃゅょゎゕゖ"  # noqa: RUF001
    "ァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ៖។៕၊။།༎๏ๆຯໆ"
)
"""Characters that begin no line: closing marks and small kana (JIS X 4051 and GB/T 15834), South-East Asian stops."""

NOT_LAST = frozenset("（［｛〔〈《「『【〘〖〝‘“«‹([{¿¡#$£¥€₩")  # noqa: RUF001
"""Characters that end no line: opening marks, and signs before a number."""

ATTACHED = frozenset({"Mn", "Mc", "Me"})
"""Unicode categories of characters that belong to the letter before them."""

AFTER_CONSONANT = frozenset("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3")
"""Vowels of Thai and Lao that belong to the letter before them although they are no marks."""

BEFORE_CONSONANT = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
"""Vowels of Thai and Lao that are written before the consonant that they follow in speech."""

VIRAMA_NAMES = ("VIRAMA", "COENG", "HALANTA")
"""Parts of the Unicode names of marks that join two consonants."""

JOINER = "\u200d"
"""Character that makes one picture of two emoji."""

KEYCAP = "\u20e3"
EMOJI_STYLE = "\ufe0f"
SKIN_TONES = range(0x1F3FB, 0x1F400)
FLAG_LETTERS = range(0x1F1E6, 0x1F200)
TAGS = range(0xE0020, 0xE0080)
SELECTORS = range(0xFE00, 0xFE10)

LONGEST_CLUSTER = 16
"""Most code points of a character: the longest in use, families with skin tones and flags of regions, have 14."""

EAST_ASIAN = ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFF60), (0x20000, 0x3FFFF))
"""Blocks of Chinese and Japanese with their marks: they have no blanks and break anywhere. Korean has blanks."""

HIRAGANA = ((0x3041, 0x309F),)
"""Letters of Japanese endings and particles."""

SOUTH_EAST_ASIAN = ((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF))
"""Blocks of Thai, Lao, Tibetan, Burmese and Khmer, which have no blanks."""


TIBETAN_SYLLABLE = ((0x0F40, 0x0FBC),)
"""Letters and signs of Tibetan syllables: a line breaks only after the dot between two syllables."""

TSHEG = "\u0f0b\u0f0c"
"""The dots between Tibetan syllables."""


def spaced(left: str, right: str) -> bool:
    """Return whether a blank stands between two words."""
    return not (left and right and unspaced(left[-1]) and unspaced(right[0]))


def wide(character: str) -> bool:
    """Return whether a character is Chinese or Japanese."""
    return _within(character, EAST_ASIAN)


def unspaced(character: str) -> bool:
    """Return whether a character is of a script that has no blanks between words."""
    return wide(character) or _within(character, SOUTH_EAST_ASIAN)


def clusters(text: str) -> list[str]:
    """Return the characters of `text` as readers see them: letters with their marks, emoji with their parts."""
    found: list[str] = []
    for letter in text:
        if found and len(found[-1]) < LONGEST_CLUSTER and _belongs(found[-1], letter):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def pieces(word: str) -> list[str]:
    """Return the parts of a word between which a line may break: several only in scripts without blanks."""
    found: list[str] = []
    for cluster in clusters(word):
        if found and not breakable(found[-1], cluster):
            found[-1] += cluster
        else:
            found.append(cluster)
    return found


def breakable(left: str, right: str) -> bool:
    """Return whether a line may end between two texts that no blank divides."""
    if right[0] in NOT_FIRST or left[-1] in NOT_LAST:
        return False
    return unspaced(left[-1]) or unspaced(right[0]) or is_emoji(left[-1]) or is_emoji(right[0])


def inside_japanese_word(left: str, right: str) -> bool:
    """Return whether two neighbouring texts of Japanese probably belong to one word or to a word and its particle.

    Words begin with ideographs or katakana and end with hiragana, as do particles, so a reader expects a break only
    where hiragana ends.
    """
    return unspaced(right[0]) and not (_hiragana(left[-1]) and not _hiragana(right[0]))


def has_kana(text: str) -> bool:
    """Return whether a text has hiragana, so it is Japanese and not Chinese."""
    return any(map(_hiragana, text))


def _hiragana(character: str) -> bool:
    return _within(character, HIRAGANA)


def joins_left(text: str) -> bool:
    """Return whether `text` cannot begin a word because it is a mark or part of the character before."""
    return bool(text) and (_belongs("", text[0]) or all(letter in NOT_FIRST for letter in text))


def joins_right(text: str) -> bool:
    """Return whether `text` cannot end a word."""
    last = text[-1:]
    return last == JOINER or last in BEFORE_CONSONANT or (bool(text) and all(letter in NOT_LAST for letter in text))


def is_emoji(character: str) -> bool:
    """Return whether a character is shown as a picture unless something says otherwise."""
    code = ord(character)
    return 0x1F000 <= code < 0x20000 or code in TAGS or character in (EMOJI_STYLE, KEYCAP)


def ignorable(character: str) -> bool:
    """Return whether a character has no picture and only changes those of its neighbours."""
    code = ord(character)
    return character in (JOINER, "\u200c") or code in SELECTORS or code in TAGS


def right_to_left(words: Sequence[str]) -> bool:
    """Return whether most words are of a script that is written from right to left; the first one decides a tie."""
    sides = [side for side in map(_side, words) if side]
    return sum(sides) > 0 or (bool(sides) and sum(sides) == 0 and sides[0] > 0)


def joined(words: Sequence[str]) -> str:
    """Return words as a line of text: a blank between two, none where the script has none."""
    text = "".join(words[:1])
    for left, right in pairwise(words):
        text += f" {right}" if spaced(left, right) else right
    return text


def _side(word: str) -> int:
    """Return 1 for a word from right to left, -1 for one from left to right, 0 for one without letters."""
    kinds = [unicodedata.bidirectional(letter) for letter in word]
    leftward = sum(kind in ("R", "AL") for kind in kinds)
    rightward = kinds.count("L")
    return (leftward > rightward) - (leftward < rightward)


def _within(character: str, blocks: Sequence[tuple[int, int]]) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in blocks)


def _belongs(cluster: str, letter: str) -> bool:
    """Return whether `letter` continues the character that begins with `cluster`."""
    code = ord(letter)
    if unicodedata.category(letter) in ATTACHED or letter in AFTER_CONSONANT or ignorable(letter) or code in SKIN_TONES:
        return True
    if not cluster:
        return False
    last = cluster[-1]
    if last == JOINER:
        return is_emoji(letter) or code >= 0x2190
    if code in FLAG_LETTERS:
        return len(cluster) == 1 and ord(last) in FLAG_LETTERS
    if last in BEFORE_CONSONANT:
        return True
    if _within(last, TIBETAN_SYLLABLE):
        return letter in TSHEG or _within(letter, TIBETAN_SYLLABLE)
    return unicodedata.category(letter) == "Lo" and any(name in unicodedata.name(last, "") for name in VIRAMA_NAMES)
