"""Drawing of set text: panel, shadow, outlines and letters, plain and lit, once for all frames that show it."""

from dataclasses import dataclass
from itertools import groupby, pairwise

import cv2
import numpy as np
from clipmill.renderer.drawing.compositing import Overlay
from clipmill.renderer.text import typefaces
from clipmill.renderer.text.painting import Mask, Painting, cropped, rounded
from clipmill.renderer.text.placement import Extent
from clipmill.renderer.text.styles import INK, SHADOW_REACH, Panel, Style
from clipmill.renderer.text.typesetting import WIDE_EMOJI, Setting
from PIL import Image, ImageDraw

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The part of a text's picture that shows a word, or the part of a word in one line.

    Together the cells cover the picture. All numbers are pixels from the text's middle, to the right and down.

    Attributes:
        word: Index of the word.
        area: Part of the picture, with even edges.
        letters: Rectangle from the word's beginning to its end, as high as its line's letters.
        leftward: True if the word is read from right to left.
    """

    word: int
    area: tuple[int, int, int, int]
    letters: Rectangle
    leftward: bool


@dataclass(frozen=True, slots=True)
class Lettering:
    """The picture of a text, about its middle at (0, 0).

    Attributes:
        plain: Picture with no letter lit.
        lit: Picture with all letters lit.
        cells: Cells of the words, line by line, from left to right.
    """

    plain: Overlay
    lit: Overlay
    cells: tuple[Cell, ...]


def extent(setting: Setting, style: Style) -> Extent:
    """Return the extent of a set text, with outlines, shadow and panel."""
    across, up, down = style.reach(setting.size)
    return Extent(setting.left - across, setting.top - up, setting.right + across, setting.bottom + down)


def letter(setting: Setting, style: Style) -> Lettering:
    """Return the picture of a set text; it is empty if there is nothing to draw."""
    size = setting.size
    across, up, down = style.reach(size)
    left, top = _even_down(setting.left - across), _even_down(setting.top - up)
    width, height = _even_up(setting.right + across - left), _even_up(setting.bottom + down - top)
    edge, fill, colours = _masks(setting, style, (left, top), (width, height))
    painting = Painting(width, height)
    panel = style.panel if setting.lines else None
    base = edge if panel is None else _plate(setting, panel, (left, top), (width, height))
    if style.shadow is not None:
        soft = _shadow(base, style.shadow.down * size, style.shadow.blur * size)
        painting.paint(soft, INK._replace(alpha=style.shadow.alpha))
    if panel is not None:
        painting.paint(base, panel.colour)
    if style.edge:
        painting.paint(edge, INK)
    lit = painting.copy()
    for version, colour in ((painting, style.plain), (lit, style.lit)):
        version.paint(fill, colour)
        if colours is not None:
            version.picture(colours)
    plain = painting.overlay(left, top)
    area = _inked(plain)
    kept = [cropped(version, *area) or version for version in (plain, lit.overlay(left, top))]
    return Lettering(kept[0], kept[1], _cells(setting, area))


def _masks(
    setting: Setting, style: Style, origin: tuple[int, int], extent: tuple[int, int]
) -> tuple[Mask, Mask, Mask | None]:
    """Return the mask of letters with outlines, the mask of letters alone, and the picture of the emoji if any."""
    size = setting.size
    outline = style.edge * size
    edges, fills, colours = (Image.new(mode, extent) for mode in ("L", "L", "RGBA"))
    edge_pen, fill_pen, colour_pen = (ImageDraw.Draw(image) for image in (edges, fills, colours))
    coloured = False
    for line in setting.lines:
        for glyph_run in line.glyph_runs:
            at = (glyph_run.left - origin[0], line.baseline - origin[1])
            font = typefaces.font(glyph_run.font, size)
            if glyph_run.font == typefaces.EMOJI:
                at = (at[0] + WIDE_EMOJI * size, at[1])
                colour_pen.text(at, glyph_run.text, (255, 255, 255, 255), font, "ls", embedded_color=True)
                coloured = True
                continue
            direction = ("rtl" if glyph_run.leftward else "ltr") if typefaces.SHAPES else None
            fill_pen.text(at, glyph_run.text, 255, font, "ls", direction=direction)
            if outline:
                edge_pen.text(at, glyph_run.text, 255, font, "ls", direction=direction, stroke_width=outline)
    fill = np.asarray(fills, np.uint8)
    edge = np.asarray(edges, np.uint8) if outline else fill
    if not coloured:
        return edge, fill, None
    emoji = _straight(np.asarray(colours, np.uint8))
    return np.maximum(edge, _grown(emoji[..., 3], outline)), fill, emoji


def _straight(premultiplied: Mask) -> Mask:
    """Return a picture with straight alpha: Pillow draws colour fonts with premultiplied colours."""
    alpha = np.maximum(premultiplied[..., 3:].astype(np.uint16), 1)
    colours = np.minimum(premultiplied[..., :3].astype(np.uint16) * 255 // alpha, 255)
    return np.dstack([colours.astype(np.uint8), premultiplied[..., 3]])


def _grown(mask: Mask, outline: float) -> Mask:
    """Return a mask with an outline around it."""
    side = 2 * round(outline / 2) + 1  # half as thick as around letters: emoji have their own outlines
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), np.uint8)


def _shadow(mask: Mask, down: float, blur: float) -> Mask:
    side = 2 * max(1, round(SHADOW_REACH * blur)) + 1
    soft = cv2.GaussianBlur(mask, (side, side), max(0.5, blur))
    fall = round(down)
    return np.vstack([np.zeros((fall, mask.shape[1]), np.uint8), soft[: soft.shape[0] - fall]])


def _plate(setting: Setting, panel: Panel, origin: tuple[int, int], extent: tuple[int, int]) -> Mask:
    size = setting.size
    box = (
        setting.left - panel.across * size - origin[0],
        setting.top - panel.down * size - origin[1],
        setting.right + panel.across * size - origin[0],
        setting.bottom + panel.down * size - origin[1],
    )
    return rounded(extent, box, panel.radius * size)


def _inked(cover: Overlay) -> tuple[int, int, int, int]:
    """Return the smallest rectangle with even edges that holds all that an overlay draws."""
    keep = cover.layers[0].keep
    rows, columns = np.flatnonzero(keep.min(axis=1) < 255), np.flatnonzero(keep.min(axis=0) < 255)
    if not len(rows):
        return cover.left, cover.top, cover.left, cover.top
    return (
        cover.left + int(columns[0]) // 2 * 2,
        cover.top + int(rows[0]) // 2 * 2,
        cover.left + int(columns[-1]) // 2 * 2 + 2,
        cover.top + int(rows[-1]) // 2 * 2 + 2,
    )


def _cells(setting: Setting, area: tuple[int, int, int, int]) -> tuple[Cell, ...]:
    if not setting.lines:
        return ()
    tops = [area[1], *(_even_down((above.bottom + below.top) / 2) for above, below in pairwise(setting.lines)), area[3]]
    found: list[Cell] = []
    for line, (top, bottom) in zip(setting.lines, pairwise(tops), strict=True):
        words = [list(part) for _, part in groupby(line.glyph_runs, lambda glyph_run: glyph_run.word)]
        spans = [(part[0].left, part[-1].left + part[-1].width) for part in words]
        edges = [area[0], *(_even_down((left[1] + right[0]) / 2) for left, right in pairwise(spans)), area[2]]
        for part, span, (left, right) in zip(words, spans, pairwise(edges), strict=True):
            letters = (span[0], line.top, span[1], line.bottom)
            found.append(Cell(part[0].word, (left, top, right, bottom), letters, part[0].leftward))
    return tuple(found)


def _even_down(length: float) -> int:
    return int(length // 2) * 2


def _even_up(length: float) -> int:
    return -int(-length // 2) * 2
