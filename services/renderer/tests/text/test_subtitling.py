import numpy as np
import pytest
from clipmill.contracts.documents import Segment, Word
from clipmill.contracts.options import CaptionStyle, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.drawing.compositing import blend
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.text.captions import Chunk
from clipmill.renderer.text.lettering import extent, letter
from clipmill.renderer.text.painting import moved
from clipmill.renderer.text.styles import STYLES, style_of, type_of
from clipmill.renderer.text.subtitling import Subtitler, caption, frames
from clipmill.renderer.text.typesetting import set_words
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 25.0
VERTICAL = CANVASES[OutputFormat.VERTICAL]
DRAWN = [style for style in CaptionStyle if style not in (CaptionStyle.AUTO, CaptionStyle.OFF)]
WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SPEECH = [
    "Nobody would pay",
    "O’Brien’s rock ’n’ roll!",  # noqa: RUF001
    "costs $1,200 🔥 👩🏽\u200d💻",
    "قال iPhone 15 جديد",
    "שלום לכולם, 2026!",
    "नमस्ते दोस्तों कैसे हैं",
    "我们今天 去公园玩，好。",  # noqa: RUF001
    "สวัสดี ครับ",
    "see https://example.org/a/very-long/path-to-something",
]


def grey(canvas, light=110):
    shape = (canvas.height, canvas.width)
    return Picture(np.full(shape, light, np.uint8), *np.full((2, shape[0] // 2, shape[1] // 2), 128, np.uint8))


def copy(picture):
    return Picture(*(plane.copy() for plane in picture.planes))


def colours(picture):
    """Return the picture in RGB, BT.709."""
    luma = (picture.luma.astype(float) - 16) / 219
    blue, red = ((plane.astype(float).repeat(2, 0).repeat(2, 1) - 128) / 224 for plane in (picture.blue, picture.red))
    rgb = [luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue]
    return np.clip(np.rint(255 * np.stack(rgb, -1)), 0, 255).astype(np.uint8)


def alone(canvas, face=None):
    shown = () if face is None else (face,)
    whole = Box(0, 0, canvas.width, canvas.height)
    return lambda frame: Framing(Layout.TRACK, (Pane(whole, 0, 0, canvas.width, canvas.height, shown),))


def chunk_of(text, step=0.4):
    words = [Word(text=word, start=index * step, end=(index + 1) * step) for index, word in enumerate(text.split())]
    return Chunk(tuple(words), 0.0, words[-1].end)


def drawn(subtitler, canvas, frame):
    picture = grey(canvas)
    subtitler.draw(frame, picture)
    return picture


def changed(picture, before=110):
    """Return rows and columns where something was drawn."""
    return np.nonzero(picture.luma != before)


def count(picture, colour):
    """Return the number of pixels at the captions' usual place that have about this colour."""
    band = Picture(picture.luma[1200:1400], picture.blue[600:700], picture.red[600:700])
    return int((np.abs(colours(band).astype(int) - colour[:3]).max(axis=-1) < 40).sum())


def test_a_chunk_is_shown_on_the_frames_whose_middle_is_in_its_time():
    chunk = Chunk((Word(text="now", start=0.4, end=0.8),), 0.4, 0.8)
    assert frames(chunk, RATE) == (10, 19)
    subtitler = Subtitler([chunk], CaptionStyle.BOLD, VERTICAL, RATE, alone(VERTICAL))
    seen = [bool(len(changed(drawn(subtitler, VERTICAL, frame))[0])) for frame in range(25)]
    assert [index for index, shown in enumerate(seen) if shown] == list(range(10, 20))


def test_frames_may_come_in_any_order():
    subtitler = Subtitler(
        [
            chunk_of("one two"),
        ],
        CaptionStyle.FILL,
        VERTICAL,
        RATE,
        alone(VERTICAL),
    )
    later = drawn(subtitler, VERTICAL, 12)
    drawn(subtitler, VERTICAL, 2)
    assert (drawn(subtitler, VERTICAL, 12).luma == later.luma).all()


def test_words_that_only_linger_are_gone_with_their_picture():
    def cut(frame):
        crop = Box(0 if frame < 12 else 900, 0, 1080, 1920)
        return Framing(Layout.TRACK, (Pane(crop, 0, 0, 1080, 1920),))

    chunk = Chunk((Word(text="now", start=0.0, end=0.4),), 0.0, 0.8)
    subtitler = Subtitler([chunk], CaptionStyle.BOLD, VERTICAL, RATE, cut)
    assert len(changed(drawn(subtitler, VERTICAL, 11))[0])
    assert not len(changed(drawn(subtitler, VERTICAL, 12))[0])


def test_off_draws_nothing_but_divides_the_words_for_the_files():
    segments = [Segment(text="one two", start=0, end=1)]
    captioning = caption(segments, 0, 1, CaptionStyle.OFF, VERTICAL)
    assert [chunk.texts for chunk in captioning.chunks] == [("one", "two")]
    subtitler = Subtitler(captioning.chunks, CaptionStyle.OFF, VERTICAL, RATE, alone(VERTICAL))
    assert not len(changed(drawn(subtitler, VERTICAL, 5))[0])


def test_letters_that_no_font_has_are_named_and_kept_for_the_files():
    captioning = caption([Segment(text="see 𓀀 there", start=0, end=1)], 0, 1, CaptionStyle.BOLD, VERTICAL)
    assert captioning.missing == "𓀀"
    assert captioning.chunks[0].texts == ("see", "𓀀", "there")


@pytest.mark.parametrize("style", [CaptionStyle.BOLD, CaptionStyle.BOX])
def test_the_word_being_said_is_lit_and_nothing_else_moves(style):
    subtitler = Subtitler([chunk_of("aaaa aaaa")], style, VERTICAL, RATE, alone(VERTICAL))
    first, second = drawn(subtitler, VERTICAL, 6), drawn(subtitler, VERTICAL, 18)
    look = STYLES[style]
    lit = look.lit if look.box is None else look.box.colour
    for picture, side in ((first, slice(0, 540)), (second, slice(540, 1080))):
        rgb = colours(picture).astype(int)
        near = np.abs(rgb - lit[:3]).max(axis=-1) < 40
        assert near[:, side].sum() > 500
        assert near.sum() == near[:, side].sum()


def test_letters_fill_as_they_are_said():
    subtitler = Subtitler([chunk_of("mmmm mmmm")], CaptionStyle.FILL, VERTICAL, RATE, alone(VERTICAL))
    sung = [count(drawn(subtitler, VERTICAL, frame), STYLES[CaptionStyle.FILL].lit) for frame in range(20)]
    assert sung == sorted(sung)
    assert len(set(sung)) > 15


def test_arabic_fills_from_the_right():
    subtitler = Subtitler([chunk_of("مممممم")], CaptionStyle.FILL, VERTICAL, RATE, alone(VERTICAL))
    rgb = colours(drawn(subtitler, VERTICAL, 4)).astype(int)
    near = np.abs(rgb - STYLES[CaptionStyle.FILL].lit[:3]).max(axis=-1) < 40
    white = rgb.min(axis=-1) > 230
    assert np.nonzero(near)[1].min() > np.nonzero(white)[1].min()
    assert np.nonzero(near)[1].max() > np.nonzero(white)[1].max()


def test_words_once_said_stay_bright_in_the_clean_style():
    subtitler = Subtitler([chunk_of("mmm mmm mmm")], CaptionStyle.CLEAN, VERTICAL, RATE, alone(VERTICAL))
    bright = [count(drawn(subtitler, VERTICAL, frame), (255, 255, 255)) for frame in (5, 15, 25)]
    assert bright[0] < bright[1] < bright[2]


def test_the_box_glides_to_the_next_word():
    subtitler = Subtitler([chunk_of("mmm mmm")], CaptionStyle.BOX, VERTICAL, RATE, alone(VERTICAL))
    colour = STYLES[CaptionStyle.BOX].box.colour

    def middle(frame):
        rgb = colours(drawn(subtitler, VERTICAL, frame)).astype(int)
        return np.nonzero(np.abs(rgb - colour[:3]).max(axis=-1) < 40)[1].mean()

    assert middle(8) < middle(10) < middle(13)
    assert middle(13) == middle(18)


@pytest.mark.parametrize("form", list(OutputFormat))
@pytest.mark.parametrize("style", DRAWN)
def test_captions_are_clear_of_the_mouth_and_of_the_edges(form, style):
    canvas = CANVASES[form]
    side = 0.3 * canvas.height
    face = Box(canvas.width / 2 - side / 2, canvas.caption_centre[1] - side * 0.8, side, side)
    subtitler = Subtitler([chunk_of("Nobody would ever pay")], style, canvas, RATE, alone(canvas, face))
    rows, columns = changed(drawn(subtitler, canvas, 5))
    assert canvas.safe_top <= rows.min()
    assert rows.max() < canvas.safe_bottom
    assert canvas.safe_left <= columns.min()
    assert columns.max() < canvas.safe_right
    assert not ((rows > face.top + 0.6 * side) & (rows < face.top + 0.94 * side)).any()


@given(st.lists(WORD, min_size=1, max_size=5), st.sampled_from(DRAWN), st.sampled_from(list(OutputFormat)))
@settings(max_examples=60, deadline=None)
def test_whatever_is_said_is_drawn_inside_the_safe_zone(words, style, form):
    canvas, look = CANVASES[form], style_of(style)
    setting = set_words(words, type_of(look, canvas))
    lettering = letter(setting, look)
    reach = extent(setting, look)
    zone = canvas.text_width / 2
    for cover in (lettering.plain, lettering.lit):
        assert cover.left >= min(reach.left, 0) - 2
        assert cover.left >= -zone - 1
        assert cover.left + cover.width <= zone + 1
        assert cover.top >= reach.top - 2
        assert cover.top + cover.height <= reach.bottom + 2
        assert cover.height <= canvas.safe_bottom - canvas.safe_top
    assert {cell.word for cell in lettering.cells} == {
        glyph_run.word for line in setting.lines for glyph_run in line.glyph_runs
    }


def test_the_cells_of_words_cover_their_picture_once():
    lettering = letter(
        set_words("one two three four five".split(), type_of(style_of(CaptionStyle.BOLD), VERTICAL)),
        style_of(CaptionStyle.BOLD),
    )
    seen = np.zeros((lettering.plain.height, lettering.plain.width), int)
    for cell in lettering.cells:
        left, top, right, bottom = cell.area
        seen[
            top - lettering.plain.top : bottom - lettering.plain.top,
            left - lettering.plain.left : right - lettering.plain.left,
        ] += 1
    assert (seen == 1).all()


def test_blending_changes_only_what_is_covered():
    picture = grey(VERTICAL)
    cover = moved(
        letter(set_words(["Hello"], type_of(style_of(CaptionStyle.BOLD), VERTICAL)), style_of(CaptionStyle.BOLD)).plain,
        540,
        1300,
    )
    blend(cover, picture)
    assert picture.luma.max() > 220
    assert picture.luma.min() < 30
    picture.luma[cover.top : cover.top + cover.height, cover.left : cover.left + cover.width] = 110
    assert (picture.luma == 110).all()


@pytest.mark.parametrize("style", DRAWN)
def test_a_style_looks_as_it_did(style, golden):
    width, step = 760, 236
    rows, columns = np.mgrid[0 : step * len(SPEECH), 0:width]
    canvas = grey(VERTICAL)
    backdrop = Picture(
        (30 + 60 * (columns // 190) + 0 * rows).astype(np.uint8),
        np.full((step * len(SPEECH) // 2, width // 2), 132, np.uint8),
        np.full((step * len(SPEECH) // 2, width // 2), 122, np.uint8),
    )
    sheet = copy(backdrop)
    for number, text in enumerate(SPEECH):
        picture = copy(canvas)
        band = slice(VERTICAL.caption_centre[1] - step // 2, VERTICAL.caption_centre[1] + step // 2)
        half = slice(band.start // 2, band.stop // 2)
        here = slice(number * step, (number + 1) * step)
        there = slice(here.start // 2, here.stop // 2)
        picture.luma[band, 160 : 160 + width] = sheet.luma[here]
        picture.blue[half, 80 : 80 + width // 2] = sheet.blue[there]
        picture.red[half, 80 : 80 + width // 2] = sheet.red[there]
        Subtitler([chunk_of(text)], style, VERTICAL, RATE, alone(VERTICAL)).draw(15, picture)
        sheet.luma[here] = picture.luma[band, 160 : 160 + width]
        sheet.blue[there] = picture.blue[half, 80 : 80 + width // 2]
        sheet.red[there] = picture.red[half, 80 : 80 + width // 2]
    rgb = colours(sheet).astype(np.uint16)
    small = (rgb[::2, ::2] + rgb[1::2, ::2] + rgb[::2, 1::2] + rgb[1::2, 1::2]) // 4
    golden(f"captions-{style.value}", small.astype(np.uint8))


@pytest.mark.parametrize(("form", "rows"), [(OutputFormat.VERTICAL, 2), (OutputFormat.SQUARE, 1)])
def test_chunks_take_two_lines_on_an_upright_canvas_and_one_on_others(form, rows):
    words = "boarding takes twenty five minutes because everybody carries luggage into the cabin".split()
    segment = Segment(text=" ".join(words), start=0.0, end=5.0)
    canvas = CANVASES[form]
    made = caption([segment], 0.0, 5.0, CaptionStyle.BOLD, canvas).chunks
    settings = [set_words(chunk.texts, type_of(style_of(CaptionStyle.BOLD), canvas)) for chunk in made]
    assert max(len(setting.lines) for setting in settings) == rows
