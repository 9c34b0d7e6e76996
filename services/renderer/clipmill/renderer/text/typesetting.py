"""Setting of words in lines: their places, their size and their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise

from clipmill.renderer.text import typefaces
from clipmill.renderer.text.bidi import levels, visual_order
from clipmill.renderer.text.scripts import breakable, clusters, pieces, right_to_left, spaced

SPACE = 0.27
"""Blank between words, in em."""

CAPITAL = 0.727
"""Height of a capital letter, in em (of Inter; that of Noto Sans is 0.714)."""

DESCENT = 0.2
"""Least depth of letters below the baseline, in em."""

LEAST_GAP = 0.1
"""Least distance between the lowest ink of a line and the highest ink of the next, in em."""

SHRINK = 0.96
"""Ratio of a size to the one tried before it."""

WHOLE_WORDS = 0.6
"""Part of the full size down to which words stay whole; at smaller sizes long words are broken."""

SMALLEST = 0.3
"""Smallest legible part of the full size; text that does not fit at it ends with an ellipsis."""

LEAST_SIZE = 8
"""Smallest type in pixels of the em, whatever the full size."""

ELLIPSIS = "…"

ADDRESS_MARKS = frozenset("/._-?&=@#+:,")
"""Marks after which a long address is preferably broken."""

WIDE_EMOJI = 0.06
"""Margin on either side of an emoji, in em: the font gives it none."""

Lines = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Type:
    """The type for a text, and its room.

    Attributes:
        main: Name of the preferred font.
        size: Full size of the type, in pixels of the em.
        width: Longest line, in pixels.
        rows: Most lines.
        leading: Distance between two baselines, in em.
        space: Blank between words, in em.
        least: Smallest part of the full size that text is shrunk to; text that still does not fit is cut short.
    """

    main: str
    size: int
    width: float
    rows: int = 2
    leading: float = 1.18
    space: float = SPACE
    least: float = SMALLEST


@dataclass(frozen=True, slots=True)
class GlyphRun:
    """Letters of one word in one font and one direction, and their place.

    Attributes:
        text: Letters, in the order of speech.
        font: Name of the font.
        word: Index of the word.
        leftward: True if the run is read from right to left.
        left: Left edge, in pixels from the middle of the text.
        width: Width, in pixels.
        overhang: Most pixels by which ink exceeds the width on either side.
    """

    text: str
    font: str
    word: int
    leftward: bool
    left: float
    width: float
    overhang: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; its rows are in pixels below the middle of the text.

    Attributes:
        glyph_runs: Runs from left to right.
        baseline: Row of the baseline.
        top: Row of the highest ink, or of a capital's top if that is higher.
        bottom: Row of the lowest ink, or of usual descenders if those are lower.
    """

    glyph_runs: tuple[GlyphRun, ...]
    baseline: float
    top: float
    bottom: float

    @property
    def left(self) -> float:
        """Return the left edge of the ink, in pixels from the middle of the text."""
        return min(glyph_run.left - glyph_run.overhang for glyph_run in self.glyph_runs)

    @property
    def right(self) -> float:
        """Return the right edge of the ink, in pixels from the middle of the text."""
        return max(glyph_run.left + glyph_run.width + glyph_run.overhang for glyph_run in self.glyph_runs)


@dataclass(frozen=True, slots=True)
class Setting:
    """Words set in lines, centred about a point.

    Attributes:
        size: Size of the type, in pixels of the em.
        lines: Lines from top to bottom; empty if nothing can be drawn.
    """

    size: int
    lines: tuple[Line, ...]

    @property
    def top(self) -> float:
        """Return the top of the ink, in pixels below the middle (negative)."""
        return min((line.top for line in self.lines), default=0.0)

    @property
    def bottom(self) -> float:
        """Return the bottom of the ink, in pixels below the middle."""
        return max((line.bottom for line in self.lines), default=0.0)

    @property
    def left(self) -> float:
        """Return the left edge of all lines, in pixels from the middle (negative)."""
        return min((line.left for line in self.lines), default=0.0)

    @property
    def right(self) -> float:
        """Return the right edge of all lines, in pixels from the middle."""
        return max((line.right for line in self.lines), default=0.0)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of text that stays in one line.

    Attributes:
        text: Letters of the piece.
        word: Index of the word.
        blank: True if a blank precedes the piece within a line.
        breaks: True if a line may begin with the piece.
    """

    text: str
    word: int
    blank: bool
    breaks: bool = True


def fits(words: Sequence[str], type_: Type) -> bool:
    """Return whether `words` have room at full size."""
    return _lines(_pieces(words), type_.size, type_) is not None


def set_words(words: Sequence[str], type_: Type) -> Setting:
    """Return `words` set in as few balanced lines as possible; smaller if they have no room at full size.

    Words without a drawable letter are left out.
    """
    whole = _pieces(words)
    if not whole:
        return Setting(type_.size, ())
    leftward = right_to_left(words)
    chosen, size, apart = whole, type_.size, False
    while (setting := _set(chosen, size, type_, leftward)) is None:
        smaller = min(size - 1, int(size * SHRINK))
        if smaller >= max(LEAST_SIZE, type_.least * type_.size):
            size = smaller
            if size < WHOLE_WORDS * type_.size and not apart:
                chosen, apart = _broken(whole), True
        elif len(chosen) > 2:
            chosen = _shortened(chosen, whole_words=not apart)
        elif not apart:
            chosen, apart = _broken(chosen), True
        elif size > 1:
            size = max(1, smaller)
        else:
            return Setting(size, ())
    return setting


def _set(chosen: Sequence[_Piece], size: int, type_: Type, leftward: bool) -> Setting | None:
    """Return pieces set at a size, None if they have no room."""
    division = _lines(chosen, size, type_)
    if division is None:
        return None
    setting = _stacked([_line(chosen[begin:end], size, type_, leftward) for begin, end in division], size, type_)
    return setting if 2 * max(-setting.left, setting.right) <= type_.width + 1 else None


def _pieces(words: Sequence[str]) -> list[_Piece]:
    found: list[_Piece] = []
    before = ""
    for index, word in enumerate(words):
        text = typefaces.legible(word)
        for part, piece in enumerate(pieces(text)):
            blank = bool(found) and part == 0 and spaced(before, text)
            breaks = not found or part > 0 or blank or breakable(before, text)
            found.append(_Piece(piece, index, blank, breaks))
        before = text or before
    return found


def _broken(whole: Sequence[_Piece]) -> list[_Piece]:
    """Divide pieces into characters; a line may end after each, or only after marks if one is near the middle."""
    found: list[_Piece] = []
    for piece in whole:
        parts = clusters(piece.text)
        found.append(_Piece(parts[0], piece.word, piece.blank, piece.breaks))
        seams = [before in ADDRESS_MARKS for before in parts[:-1]]
        if not any(seams[len(parts) // 3 : 2 * len(parts) // 3]):
            seams = [part != ELLIPSIS for part in parts[1:]]
        found += [_Piece(part, piece.word, False, seam) for part, seam in zip(parts[1:], seams, strict=True)]
    return found


def _shortened(chosen: Sequence[_Piece], *, whole_words: bool) -> list[_Piece]:
    """Replace pieces at the end, one word or an eighth of the characters, by an ellipsis."""
    kept = [piece for piece in chosen if piece.text != ELLIPSIS]
    kept = kept[: max(1, len(kept) - 1 if whole_words else len(kept) * 7 // 8)]
    return [*kept, _Piece(ELLIPSIS, kept[-1].word, blank=False, breaks=False)]


def _lines(chosen: Sequence[_Piece], size: int, type_: Type) -> Lines | None:
    """Return the fewest lines that have room, balanced, as (first, after last) piece; None if nothing has room."""
    widths = [_piece_width(piece.text, type_.main, size) for piece in chosen]
    blanks = [type_.space * size if piece.blank else 0.0 for piece in chosen]
    total = sum(widths) + sum(blanks)
    for rows in range(1, type_.rows + 1):
        if total > rows * type_.width:
            continue
        lines = _divided(chosen, widths, blanks, rows)
        if lines is not None and all(_length(widths, blanks, *line) <= type_.width for line in lines):
            return lines
    return None


def _divided(chosen: Sequence[_Piece], widths: Sequence[float], blanks: Sequence[float], rows: int) -> Lines | None:
    """Return the division into exactly `rows` lines whose longest line is shortest, by dynamic programming."""
    count = len(chosen)
    if rows == 1:
        return [(0, count)]
    ends = [_length(widths, blanks, 0, end) for end in range(count + 1)]
    best: list[list[tuple[float, int]]] = [[(ends[end], 0) for end in range(count + 1)]]
    for _ in range(1, rows):
        row = [(float("inf"), 0)] * (count + 1)
        for end in range(1, count + 1):
            row[end] = min(
                (
                    (max(best[-1][cut][0], ends[end] - ends[cut] - blanks[cut]), cut)
                    for cut in range(1, end)
                    if chosen[cut].breaks
                ),
                default=(float("inf"), 0),
            )
        best.append(row)
    if best[-1][count][0] == float("inf"):
        return None
    cuts = [count]
    for row in reversed(best):
        cuts.append(row[cuts[-1]][1])
    return list(pairwise(reversed(cuts)))


def _length(widths: Sequence[float], blanks: Sequence[float], begin: int, end: int) -> float:
    return sum(widths[begin:end]) + sum(blanks[begin + 1 : end])


@lru_cache(maxsize=8192)
def _piece_width(text: str, main: str, size: int) -> float:
    return sum(_width(run, name, size) for run, name in typefaces.runs(text, main))


@lru_cache(maxsize=8192)
def _width(text: str, name: str, size: int) -> float:
    room = 2 * WIDE_EMOJI * size if name == typefaces.EMOJI else 0.0
    return float(typefaces.font(name, size).getlength(text)) + room


@lru_cache(maxsize=8192)
def _ink(text: str, name: str, size: int) -> tuple[float, float, float]:
    """Return the reach of the ink above the baseline, below it, and beyond the width, in pixels."""
    left, top, right, bottom = typefaces.font(name, size).getbbox(text, anchor="ls")
    return -float(top), float(bottom), max(0.0, -float(left), float(right) - _width(text, name, size))


def _line(part: Sequence[_Piece], size: int, type_: Type, leftward: bool) -> Line:
    """Order the glyph runs of a line from left to right, and centre them."""
    text = "".join(f" {piece.text}" if piece.blank and index else piece.text for index, piece in enumerate(part))
    owners: list[int] = []
    for index, piece in enumerate(part):
        owners += [-1] * (piece.blank and index > 0) + [piece.word] * len(piece.text)
    depth = levels(text, leftward)
    # A cluster has the direction of its first letter.
    at = 0
    for cluster in clusters(text):
        depth[at : at + len(cluster)] = [depth[at]] * len(cluster)
        at += len(cluster)
    found: list[tuple[int, GlyphRun]] = []
    for (owner, level), letters in groupby(range(len(text)), lambda index: (owners[index], depth[index])):
        indices = list(letters)
        said = text[indices[0] : indices[-1] + 1]
        if owner < 0:
            found.append((level, GlyphRun("", "", -1, False, 0.0, type_.space * size)))
            continue
        for run, name in typefaces.runs(said, type_.main):
            found.append((level, GlyphRun(run, name, owner, level % 2 == 1, 0.0, _width(run, name, size))))
    ordered = [found[index][1] for index in visual_order([level for level, _ in found])]
    left = -sum(glyph_run.width for glyph_run in ordered) / 2
    placed: list[GlyphRun] = []
    for glyph_run in ordered:
        if glyph_run.word >= 0:
            placed.append(replace(glyph_run, left=left, overhang=_ink(glyph_run.text, glyph_run.font, size)[2]))
        left += glyph_run.width
    inks = [_ink(glyph_run.text, glyph_run.font, size) for glyph_run in placed]
    above = max([CAPITAL * size, *(up for up, _, _ in inks)])
    below = max([DESCENT * size, *(down for _, down, _ in inks)])
    return Line(tuple(placed), 0.0, -above, below)


def _stacked(lines: Sequence[Line], size: int, type_: Type) -> Setting:
    """Stack lines; the text's middle is half way between the top of the first capitals and the last baseline."""
    baselines = [0.0]
    for above, below in pairwise(lines):
        needed = above.bottom - below.top + LEAST_GAP * size
        baselines.append(baselines[-1] + max(type_.leading * size, needed))
    middle = (baselines[-1] - CAPITAL * size) / 2
    return Setting(
        size,
        tuple(
            replace(line, baseline=at - middle, top=at - middle + line.top, bottom=at - middle + line.bottom)
            for line, at in zip(lines, baselines, strict=True)
        ),
    )
