"""Setting captions in type: fonts, lines and the picture of a chunk with one word lit up.

Text is shaped by Raqm where Pillow has it (Arabic joins, Devanagari clusters, kerning), by Pillow's basic layout
elsewhere. Each stretch of a script is set in the font that has it; symbols that no font has are left out.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np
from clipmill.renderer.captions import spaced
from clipmill.renderer.compositing import Overlay, overlay
from clipmill.renderer.faces import Box
from PIL import Image, ImageDraw, ImageFont, features

FONTS = Path(__file__).parent / "fonts"
MAIN_FONT = "Inter-ExtraBold.otf"
"""Latin, Cyrillic, Greek."""

SCRIPT_FONTS = (
    (0x0590, 0x05FF, "NotoSansHebrew-Bold.ttf"),
    (0x0600, 0x06FF, "NotoSansArabic-Bold.ttf"),
    (0x0750, 0x077F, "NotoSansArabic-Bold.ttf"),
    (0xFB50, 0xFDFF, "NotoSansArabic-Bold.ttf"),
    (0xFE70, 0xFEFE, "NotoSansArabic-Bold.ttf"),
    (0x0900, 0x097F, "NotoSansDevanagari-Bold.ttf"),
    (0x0E00, 0x0E7F, "NotoSansThai-Bold.ttf"),
    (0x1100, 0x11FF, "NotoSansEastAsian-Bold.otf"),
    (0x2E80, 0xD7FF, "NotoSansEastAsian-Bold.otf"),
    (0xF900, 0xFAFF, "NotoSansEastAsian-Bold.otf"),
    (0xFF00, 0xFFEF, "NotoSansEastAsian-Bold.otf"),
)
"""First and last code point of a Unicode block, and the font for it."""

SIZE = 80
"""Pixels of the em on a canvas 1080 wide: about 15 Latin letters a line."""

LINE_PITCH = 1.18
"""From line to line, em."""

OUTLINE = 0.11
"""Thickness of the black outline, em."""

SPACE = 0.25
"""Between words, em."""

CENTRE_X, CENTRE_Y = 540, 1300
"""Middle of the text on the canvas."""

SAFE_LEFT, SAFE_RIGHT, SAFE_TOP, SAFE_BOTTOM = 60, 900, 250, 1470
"""What TikTok, Reels and Shorts leave uncovered of 1080x1920 (the most that any of them covers is left out)."""

WIDTH = 2 * min(CENTRE_X - SAFE_LEFT, SAFE_RIGHT - CENTRE_X)
"""Widest line, outline included, pixels."""

CLEARANCE = 16
"""Between text and a face that it makes way for, pixels."""

FOREHEAD = 0.36
"""How far above a face's box, in its heights, a face goes on: forehead and hair."""

EASE = 0.12
"""How much farther away, in its heights, a face must be before text goes back to its usual place: no hopping."""

WHITE = (255, 255, 255, 255)
LIT = (255, 214, 10, 255)
BLACK = (0, 0, 0, 255)

INVISIBLE = frozenset({"Cc", "Cn", "Co", "Cs", "So"})
"""Unicode categories that are left out: controls, unassigned, private, surrogates, and pictures such as emoji."""

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word on the canvas: where it begins, on which baseline, and its place in the chunk."""

    text: str
    x: float
    baseline: float
    index: int


@dataclass(frozen=True, slots=True)
class Setting:
    """A chunk set in lines.

    Attributes:
        size: of the type, pixels of the em.
        words: placed on the canvas.
    """

    size: int
    words: tuple[PlacedWord, ...]


def fits(words: Sequence[str]) -> bool:
    """Whether `words` take no more than two lines at full size."""
    return _lines(_widths(words, SIZE), _blanks(words, SIZE), _room(SIZE)) is not None


def set_words(words: Sequence[str]) -> Setting:
    """Return `words` set in one or two balanced lines, smaller if they have no room otherwise."""
    size = SIZE
    while (lines := _lines(_widths(words, size), _blanks(words, size), _room(size))) is None:
        size -= max(1, size // 20)
        if size < 1:
            raise ValueError("text that cannot be set at any size")
    placed: list[PlacedWord] = []
    widths, blanks = _widths(words, size), _blanks(words, size)
    pitch = LINE_PITCH * size
    ascent = 0.36 * size  # from a line's middle to its baseline: half of a capital's height
    for row, (begin, end) in enumerate(lines):
        baseline = CENTRE_Y + (row - (len(lines) - 1) / 2) * pitch + ascent
        x = CENTRE_X - _length(widths, blanks, begin, end) / 2
        order = range(begin, end)
        for index in reversed(order) if _right_to_left(words[begin:end]) else order:
            placed.append(PlacedWord(words[index], x, baseline, index))
            x += widths[index] + blanks[index]
    return Setting(size, tuple(placed))


def shift(setting: Setting, face: Box | None, before: int) -> int:
    """Return how far down from its usual place, in pixels, text should stand so that it does not cover a face.

    It stays where it is as long as it is clear of the face, goes back when there is ample room, and otherwise goes
    right below the chin or, where that is outside the safe zone, above the head.

    Args:
        setting: the text.
        face: on the canvas, None if there is none to make way for.
        before: the shift of the text shown last.

    Returns:
        An even number, negative for up.
    """
    half = (len({word.baseline for word in setting.words}) * LINE_PITCH * setting.size) / 2 + _outline(setting.size)
    if face is None or _clear(0, half, face, EASE * face.height if before else 0.0):
        return 0
    if before and _clear(before, half, face, 0.0):
        return before
    below = face.bottom + CLEARANCE + half - CENTRE_Y
    if below + CENTRE_Y + half <= SAFE_BOTTOM:
        return _even_down(below) + 2
    above = face.top - FOREHEAD * face.height - CLEARANCE - half - CENTRE_Y
    if above + CENTRE_Y - half >= SAFE_TOP:
        return _even_down(above)
    return _even_down(SAFE_BOTTOM - half - CENTRE_Y)  # a face that fills the frame: rather its chin than its eyes


def _clear(down: float, half: float, face: Box, ease: float) -> bool:
    """Whether text shifted by `down` leaves a face free."""
    middle = CENTRE_Y + down
    over = middle + half + CLEARANCE + ease <= face.top - FOREHEAD * face.height
    under = middle - half - CLEARANCE - ease >= face.bottom
    return over or under


def draw_words(setting: Setting, active: int, down: int = 0) -> Overlay:
    """Return the picture of a set chunk.

    Args:
        setting: the chunk.
        active: which word is lit up.
        down: how far below its usual place it is shown, even, pixels.
    """
    size = setting.size
    outline = _outline(size)
    pad = 2 * outline + size // 2
    left = _even_down(min(word.x for word in setting.words) - pad)
    right = max(word.x + _width(word.text, size) for word in setting.words) + pad
    top = _even_down(min(word.baseline for word in setting.words) - size - pad)
    bottom = max(word.baseline for word in setting.words) + pad
    image = Image.new("RGBA", (_even_down(right - left) + 2, _even_down(bottom - top) + 2))
    pen = ImageDraw.Draw(image)
    for outlined in (True, False):
        for word in setting.words:
            x = word.x - left
            for text, font in _runs(word.text, size):
                at = (x, word.baseline - top)
                if outlined:
                    pen.text(at, text, BLACK, font, anchor="ls", stroke_width=outline, stroke_fill=BLACK)
                else:
                    pen.text(at, text, LIT if word.index == active else WHITE, font, anchor="ls")
                x += font.getlength(text)
    ink = image.getbbox()
    if ink is None:
        return overlay(np.zeros((2, 2, 4), np.uint8), left, top + down)
    x, y = _even_down(ink[0]), _even_down(ink[1])
    box = (x, y, x + _even_down(ink[2] - x + 1), y + _even_down(ink[3] - y + 1))
    return overlay(np.asarray(image.crop(box), np.uint8), left + x, top + y + down)


def legible(text: str) -> str:
    """Return what of `text` can be set."""
    return "".join(letter for letter in text if unicodedata.category(letter) not in INVISIBLE).strip()


def _room(size: int) -> float:
    return WIDTH - 2 * _outline(size)


def _outline(size: int) -> int:
    return max(1, round(OUTLINE * size))


def _lines(widths: Sequence[float], blanks: Sequence[float], room: float) -> list[tuple[int, int]] | None:
    """Return the lines as (first, after last) word, balanced; None if they do not fit."""
    count = len(widths)
    if _length(widths, blanks, 0, count) <= room:
        return [(0, count)]
    halves = [
        (max(_length(widths, blanks, 0, cut), _length(widths, blanks, cut, count)), cut) for cut in range(1, count)
    ]
    longest, cut = min(halves, default=(room + 1, 0))
    return [(0, cut), (cut, count)] if longest <= room else None


def _length(widths: Sequence[float], blanks: Sequence[float], begin: int, end: int) -> float:
    return sum(widths[begin:end]) + sum(blanks[begin : end - 1])


def _widths(words: Sequence[str], size: int) -> list[float]:
    return [_width(word, size) for word in words]


def _blanks(words: Sequence[str], size: int) -> list[float]:
    """The blank after each word."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    return [SPACE * size if spaced(word, following) else 0.0 for word, following in pairs]


@lru_cache(maxsize=4096)
def _width(word: str, size: int) -> float:
    return float(sum(font.getlength(text) for text, font in _runs(word, size)))


def _runs(word: str, size: int) -> list[tuple[str, Font]]:
    """Divide a word into stretches that one font has, from left to right."""
    runs = [(_font(name, size), "".join(letters)) for name, letters in groupby(word, _font_name)]
    return [(text, font) for font, text in (reversed(runs) if _right_to_left([word]) else runs)]


def _font_name(letter: str) -> str:
    return next((name for first, last, name in SCRIPT_FONTS if first <= ord(letter) <= last), MAIN_FONT)


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> Font:
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(FONTS / name, size, layout_engine=engine)


def _right_to_left(words: Sequence[str]) -> bool:
    """Whether most letters are of a script that is written from right to left."""
    kinds = [unicodedata.bidirectional(letter) for word in words for letter in word]
    return sum(kind in ("R", "AL") for kind in kinds) > sum(kind == "L" for kind in kinds)


def _even_down(length: float) -> int:
    return int(length // 2) * 2
