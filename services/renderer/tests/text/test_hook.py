import numpy as np
import pytest
from clipmill.contracts.documents import Word
from clipmill.contracts.options import CaptionStyle, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.text.captions import Chunk
from clipmill.renderer.text.hook import FADE_SECONDS, SECONDS, Hook
from clipmill.renderer.text.subtitling import Subtitler
from hypothesis import given, settings
from hypothesis import strategies as st

RATE = 20.0
VERTICAL = CANVASES[OutputFormat.VERTICAL]
FRAMES = round(SECONDS * RATE)
TITLE = "What nobody tells you about the first thousand days"


def alone(canvas, face=None):
    shown = () if face is None else (face,)
    whole = Box(0, 0, canvas.width, canvas.height)
    return lambda frame: Framing(Layout.TRACK, (Pane(whole, 0, 0, canvas.width, canvas.height, shown),))


def drawn(hook, canvas, frame):
    shape = (canvas.height, canvas.width)
    picture = Picture(np.full(shape, 110, np.uint8), *np.full((2, shape[0] // 2, shape[1] // 2), 128, np.uint8))
    hook.draw(frame, picture)
    return picture.luma


def changed(luma):
    return np.nonzero(luma != 110)


def test_a_title_stays_for_three_seconds_and_fades_in_and_out():
    hook = Hook("Why boarding is slow", VERTICAL, RATE, alone(VERTICAL))
    light = [int(drawn(hook, VERTICAL, frame).max()) for frame in range(FRAMES + 3)]
    fade = round(FADE_SECONDS * RATE)
    assert light[: fade - 1] == sorted(light[: fade - 1])
    assert 110 < light[0] < light[fade] == light[FRAMES // 2]
    assert 110 < light[FRAMES - 1] < light[FRAMES // 2]
    assert light[FRAMES:] == [110] * 3


def test_a_title_fades_out_before_a_short_clip_ends():
    hook = Hook("Why", VERTICAL, RATE, alone(VERTICAL), frames=20)
    assert drawn(hook, VERTICAL, 19).max() < drawn(hook, VERTICAL, 10).max()


@pytest.mark.parametrize("title", ["", "  ", "\u202e\u200d", "𓀀"])
def test_a_title_without_a_letter_is_not_drawn(title):
    hook = Hook(title, VERTICAL, RATE, alone(VERTICAL))
    assert hook.occupied == ()
    assert hook.missing == ("𓀀" if "𓀀" in title else "")
    assert not len(changed(drawn(hook, VERTICAL, 10))[0])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=120), st.sampled_from(list(OutputFormat)))
@settings(max_examples=25, deadline=None)
def test_any_title_stays_in_the_safe_zone(title, form):
    canvas = CANVASES[form]
    hook = Hook(title, canvas, RATE, alone(canvas))
    rows, columns = changed(drawn(hook, canvas, 10))
    if len(rows):
        assert canvas.safe_top <= rows.min()
        assert rows.max() < canvas.safe_bottom
        assert canvas.safe_left <= columns.min()
        assert columns.max() < canvas.safe_right


@pytest.mark.parametrize("form", list(OutputFormat))
def test_a_title_makes_way_for_a_face(form):
    canvas = CANVASES[form]
    side = 0.35 * canvas.height
    face = Box(canvas.width / 2 - side / 2, canvas.hook_centre[1] - 0.3 * side, side, side)
    rows, _ = changed(
        drawn(Hook("Why boarding is slow, and who profits", canvas, RATE, alone(canvas, face)), canvas, 10)
    )
    eyes = (rows > face.top) & (rows < face.top + 0.36 * side)
    mouth = (rows > face.top + 0.6 * side) & (rows < face.top + 0.94 * side)
    assert len(rows)
    assert not (eyes | mouth).any()


def test_captions_make_way_for_a_title_that_makes_way_for_a_face():
    face = Box(240, 260, 600, 600)
    hook = Hook("Why boarding is slow and who really profits from it", VERTICAL, RATE, alone(VERTICAL, face))
    chunk = Chunk((Word(text="mmmm", start=0.0, end=1.0),), 0.0, 1.0)
    subtitler = Subtitler([chunk], CaptionStyle.BOLD, VERTICAL, RATE, alone(VERTICAL, face))
    subtitler.make_way(hook.occupied)
    title = drawn(hook, VERTICAL, 10) != 110
    words = drawn(subtitler, VERTICAL, 10) != 110
    assert title.any()
    assert words.any()
    assert not (title & words).any()


@pytest.mark.parametrize("form", list(OutputFormat))
def test_a_title_stands_above_a_picture_that_leaves_room_and_captions_below_it(form):
    canvas = CANVASES[form]
    height = {OutputFormat.VERTICAL: 608, OutputFormat.SQUARE: 608, OutputFormat.HORIZONTAL: 540}[form]
    top = (canvas.height - height) // 4 * 2
    fitted = Framing(Layout.FIT, (Pane(Box(0, 0, canvas.width, height), 0, top, canvas.width, height),))
    chunk = Chunk((Word(text="mmmm", start=0.0, end=1.0),), 0.0, 1.0)
    subtitler = Subtitler([chunk], CaptionStyle.BOLD, canvas, RATE, lambda frame: fitted)
    (place,) = subtitler.occupied
    hook = Hook(TITLE, canvas, RATE, lambda frame: fitted, captions=subtitler.occupied)
    subtitler.make_way(hook.occupied)
    assert hook.occupied[0].box.bottom <= top
    assert subtitler.occupied == [place]
    assert place.box.top >= top + height


@pytest.mark.parametrize("form", list(OutputFormat))
def test_a_title_leaves_captions_their_place_where_there_is_another(form):
    canvas = CANVASES[form]
    words = Word(text="mmmm", start=0.0, end=1.0)
    low = Box(canvas.width / 2 - 150, canvas.safe_bottom - 300, 300, 300)
    subtitler = Subtitler([Chunk((words,), 0.0, 1.0)], CaptionStyle.BOLD, canvas, RATE, alone(canvas, low))
    (before,) = subtitler.occupied
    hook = Hook(TITLE, canvas, RATE, alone(canvas, low), captions=subtitler.occupied)
    subtitler.make_way(hook.occupied)
    assert subtitler.occupied == [before]
    assert not hook.occupied[0].meets(before)


def test_titles_look_as_they_did(golden):
    titles = [
        "Why boarding is slow – and who profits 🤑",  # noqa: RUF001
        "O’Brien",  # noqa: RUF001
        "لماذا الصعود بطيء؟",
        "为什么登机这么慢？没有人知道答案",  # noqa: RUF001
        "The unbelievable story of how everything changed " * 4,
    ]
    parts = []
    for title in titles:
        luma = drawn(Hook(title, VERTICAL, RATE, alone(VERTICAL)), VERTICAL, 10)
        parts.append(luma[230:590:2, 140:940:2])
    sheet = np.vstack(parts)
    golden("hooks", np.stack([sheet] * 3, -1))
