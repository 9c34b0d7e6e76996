"""The fonts that text is set in, and which of them has a letter.

Text is shaped by Raqm (HarfBuzz), which Pillow's wheels carry, but which needs the system's FriBidi library. Without
it Arabic letters do not join and Indic ones do not combine; `SHAPES` says whether it is there.
"""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from clipmill.renderer.shaping_request import Shaping, ShapingRequest
from clipmill.renderer.text.scripts import ATTACHED, EMOJI_STYLE, KEYCAP, clusters, ignorable
from PIL import ImageFont, features

FOLDER = Path(__file__).parent / "fonts"

SHAPES = bool(features.check("raqm"))
"""Whether letters are shaped: joined, stacked and reordered as their script wants it."""

HEAVY, PLAIN = "Inter-ExtraBold.otf", "Inter-SemiBold.otf"
"""Latin, Cyrillic, Greek: for captions that shout, and for those that do not."""

EAST_ASIAN = "NotoSansEastAsian-Bold.otf"
EMOJI = "TwemojiMozilla.ttf"
SYMBOLS = "NotoSansSymbols-Bold.ttf"

SCRIPT_FONTS = (
    (0x0530, 0x058F, "NotoSansArmenian-Bold.ttf"),
    (0x0590, 0x05FF, "NotoSansHebrew-Bold.ttf"),
    (0x0600, 0x06FF, "NotoSansArabic-Bold.ttf"),
    (0x0750, 0x077F, "NotoSansArabic-Bold.ttf"),
    (0x08A0, 0x08FF, "NotoSansArabic-Bold.ttf"),
    (0x0900, 0x097F, "NotoSansDevanagari-Bold.ttf"),
    (0x0980, 0x09FF, "NotoSansBengali-Bold.ttf"),
    (0x0A00, 0x0A7F, "NotoSansGurmukhi-Bold.ttf"),
    (0x0A80, 0x0AFF, "NotoSansGujarati-Bold.ttf"),
    (0x0B80, 0x0BFF, "NotoSansTamil-Bold.ttf"),
    (0x0C00, 0x0C7F, "NotoSansTelugu-Bold.ttf"),
    (0x0C80, 0x0CFF, "NotoSansKannada-Bold.ttf"),
    (0x0D00, 0x0D7F, "NotoSansMalayalam-Bold.ttf"),
    (0x0D80, 0x0DFF, "NotoSansSinhala-Bold.ttf"),
    (0x0E00, 0x0E7F, "NotoSansThai-Bold.ttf"),
    (0x0E80, 0x0EFF, "NotoSansLao-Bold.ttf"),
    (0x0F00, 0x0FFF, "NotoSerifTibetan-Bold.ttf"),
    (0x1000, 0x109F, "NotoSansMyanmar-Bold.ttf"),
    (0x10A0, 0x10FF, "NotoSansGeorgian-Bold.ttf"),
    (0x1100, 0x11FF, EAST_ASIAN),
    (0x1200, 0x139F, "NotoSansEthiopic-Bold.ttf"),
    (0x1780, 0x17FF, "NotoSansKhmer-Bold.ttf"),
    (0x1C90, 0x1CBF, "NotoSansGeorgian-Bold.ttf"),
    (0x2D00, 0x2D2F, "NotoSansGeorgian-Bold.ttf"),
    (0x2D80, 0x2DDF, "NotoSansEthiopic-Bold.ttf"),
    (0x2E80, 0xD7FF, EAST_ASIAN),
    (0xF900, 0xFAFF, EAST_ASIAN),
    (0xFB13, 0xFB17, "NotoSansArmenian-Bold.ttf"),
    (0xFB1D, 0xFB4F, "NotoSansHebrew-Bold.ttf"),
    (0xFB50, 0xFDFF, "NotoSansArabic-Bold.ttf"),
    (0xFE70, 0xFEFE, "NotoSansArabic-Bold.ttf"),
    (0xFF00, 0xFFEF, EAST_ASIAN),
    (0x20000, 0x3FFFF, EAST_ASIAN),
)
"""First and last code point of a Unicode block, and the font for it: every script that Whisper writes."""

UNCHANGING = frozenset(
    {EAST_ASIAN, "NotoSansArmenian-Bold.ttf", "NotoSansGeorgian-Bold.ttf", "NotoSansEthiopic-Bold.ttf"}
)
"""Fonts of scripts whose letters stand one after the other, from left to right: they need no shaping."""

PROBE_SIZE = 32
"""Pixels of the em at which letters are compared with the picture of a missing one."""

NOBODYS_LETTER = "\U0010ffff"
"""A code point that is no character: every font shows its picture of a missing letter for it."""

MOST_MARKS = 6
"""On one letter: more, which no language needs, would tower over the line."""

INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories without a picture: controls, formats, unassigned, private, surrogates, ends of lines."""

Font = ImageFont.FreeTypeFont


def shaping(request: ShapingRequest, report: Callable[[float], None]) -> Shaping:
    """Return whether text is shaped. Runs in a child process: the service itself loads no library that draws."""
    return Shaping(SHAPES)


def legible(text: str) -> str:
    """Return what of `text` can be drawn, composed (NFC), without surrounding blanks."""
    letters = []
    for cluster in clusters(unicodedata.normalize("NFC", text)):
        drawable = [letter for letter in cluster if _drawable(letter)]
        marks = [letter for letter in drawable if unicodedata.category(letter) in ATTACHED]
        letters += [letter for letter in drawable if letter not in marks[MOST_MARKS:]]
    kept = " ".join("".join(letters).split())
    return kept if any(not ignorable(letter) for letter in kept) else ""


def missing(text: str) -> str:
    """Return the visible letters of `text` that no font has, each once."""
    composed = unicodedata.normalize("NFC", text)
    lost = (letter for letter in composed if not (letter.isspace() or _drawable(letter)))
    return "".join(dict.fromkeys(letter for letter in lost if unicodedata.category(letter) not in INVISIBLE))


def unshaped(text: str) -> bool:
    """Whether `text` has letters that need shaping, and there is none: they are not joined, nor in their order."""
    return not SHAPES and any(_needs_shaping(letter) for letter in text)


def runs(text: str, main: str) -> list[tuple[str, str]]:
    """Divide `text` into stretches that one font has, in the order of speech.

    Args:
        text: legible.
        main: the font for what it has.

    Returns:
        Text and the name of its font, in turn.
    """
    named = [(name, _shown(cluster, name)) for cluster in clusters(text) for name in [font_name(cluster, main)]]
    return [("".join(cluster for _, cluster in part), name) for name, part in groupby(named, lambda item: item[0])]


@lru_cache(maxsize=4096)
def font_name(cluster: str, main: str) -> str:
    """Return the first font that has all of `cluster`; the first one that has its first letter if none does."""
    if EMOJI_STYLE in cluster or KEYCAP in cluster:
        return EMOJI
    choices = _choices(cluster[0], main)
    shown = [letter for letter in cluster if not ignorable(letter)]
    whole = (name for name in choices if all(_has(name, letter) for letter in shown))
    begun = (name for name in choices if _has(name, cluster[0]))
    return next(whole, next(begun, main))


@lru_cache(maxsize=64)
def font(name: str, size: int) -> Font:
    """Return a font at a size in pixels of its em."""
    return ImageFont.truetype(FOLDER / name, size, layout_engine=_engine())


def _engine() -> ImageFont.Layout:
    return ImageFont.Layout.RAQM if SHAPES else ImageFont.Layout.BASIC


def _shown(cluster: str, name: str) -> str:
    """What of a cluster a font shows: its letters, and what changes them where there is someone to heed it."""
    return "".join(letter for letter in cluster if (SHAPES if ignorable(letter) else _has(name, letter)))


def _choices(letter: str, main: str) -> tuple[str, ...]:
    own = next((name for first, last, name in SCRIPT_FONTS if first <= ord(letter) <= last), None)
    rest = (main, EMOJI, SYMBOLS, EAST_ASIAN)
    return rest if own is None else (own, *rest)


def _needs_shaping(letter: str) -> bool:
    return any(first <= ord(letter) <= last and name not in UNCHANGING for first, last, name in SCRIPT_FONTS)


@lru_cache(maxsize=4096)
def _drawable(letter: str) -> bool:
    if letter == " " or ignorable(letter):
        return True
    if unicodedata.category(letter) in INVISIBLE:
        return letter.isspace()
    return any(_has(name, letter) for name in _choices(letter, HEAVY))


@lru_cache(maxsize=8192)
def _has(name: str, letter: str) -> bool:
    probe = _probe(name)
    return bytes(probe.getmask(letter)) != _nothing(name) or probe.getbbox(letter) != probe.getbbox(NOBODYS_LETTER)


@lru_cache(maxsize=64)
def _probe(name: str) -> Font:
    return ImageFont.truetype(FOLDER / name, PROBE_SIZE, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _nothing(name: str) -> bytes:
    return bytes(_probe(name).getmask(NOBODYS_LETTER))
