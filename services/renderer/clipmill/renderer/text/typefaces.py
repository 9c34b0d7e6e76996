"""The fonts for text, and the choice of one for each letter.

Raqm (HarfBuzz) shapes text. Pillow's wheels contain it, but it needs the system's FriBidi library. Without FriBidi
Arabic letters do not join and Indic ones do not combine.
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
"""True if letters are shaped: joined, stacked and reordered as their script requires."""

HEAVY, PLAIN = "Inter-ExtraBold.otf", "Inter-SemiBold.otf"
"""Fonts for Latin, Cyrillic and Greek: for loud captions, and for quiet ones."""

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
"""First and last code point of a Unicode block, and its font, for every script that Whisper writes."""

UNCHANGING = frozenset(
    {EAST_ASIAN, "NotoSansArmenian-Bold.ttf", "NotoSansGeorgian-Bold.ttf", "NotoSansEthiopic-Bold.ttf"}
)
"""Fonts of scripts that need no shaping: their letters follow each other from left to right."""

PROBE_SIZE = 32
"""Size at which letters are compared with the picture of a missing one, in pixels of the em."""

MISSING_LETTER = "\U0010ffff"
"""Code point that is no character: every font shows its picture of a missing letter for it."""

MOST_MARKS = 6
"""Most marks on one letter: no language needs more, and they would tower over the line."""

INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories without a picture: controls, formats, unassigned, private, surrogates, line ends."""

Font = ImageFont.FreeTypeFont


def shaping(request: ShapingRequest, report: Callable[[float], None]) -> Shaping:
    """Return whether text is shaped. It runs in a child process because the service loads no library that draws."""
    return Shaping(SHAPES)


def legible(text: str) -> str:
    """Return the drawable letters of `text`, composed (NFC), without surrounding blanks."""
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
    """Return whether `text` has letters that need shaping while no library shapes them."""
    return not SHAPES and any(_needs_shaping(letter) for letter in text)


def runs(text: str, main: str) -> list[tuple[str, str]]:
    """Divide `text` into runs of one font each, in the order of speech.

    Args:
        text: Text from `legible`.
        main: Name of the preferred font.

    Returns:
        Pairs of a run's text and the name of its font.
    """
    named = [(name, _shown(cluster, name)) for cluster in clusters(text) for name in [font_name(cluster, main)]]
    return [("".join(cluster for _, cluster in part), name) for name, part in groupby(named, lambda item: item[0])]


@lru_cache(maxsize=4096)
def font_name(cluster: str, main: str) -> str:
    """Return the first font that has all of `cluster`, or else the first that has its first letter."""
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
    """Return the part of a cluster that a font shows: its letters, and modifiers of them if text is shaped."""
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
    return bytes(probe.getmask(letter)) != _nothing(name) or probe.getbbox(letter) != probe.getbbox(MISSING_LETTER)


@lru_cache(maxsize=64)
def _probe(name: str) -> Font:
    return ImageFont.truetype(FOLDER / name, PROBE_SIZE, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _nothing(name: str) -> bytes:
    return bytes(_probe(name).getmask(MISSING_LETTER))
