import pytest
from clipmill.contracts.options import OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.directing.crops import Geometry
from clipmill.renderer.directing.crops import placed as in_canvas
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.text.lettering import extent
from clipmill.renderer.text.placement import EYES, MOUTH, Extent, OccupiedArea, TextSpan, caption_rows, text_spans
from clipmill.renderer.text.styles import STYLES, type_of
from clipmill.renderer.text.typesetting import set_words
from hypothesis import given, settings
from hypothesis import strategies as st

CANVAS = CANVASES[OutputFormat.VERTICAL]
TEXT = Extent(-300, -100, 300, 110)
USUAL = CANVAS.caption_centre[1]


def tracked(face=None, left=0.0):
    shown = () if face is None else (Box(face.left + left, face.top, face.width, face.height),)
    return Framing(Layout.TRACK, (Pane(Box(left, 0, 1080, 1920), 0, 0, 1080, 1920, shown),))


def placed(framing_at, spans, extent=TEXT, occupied=(), canvas=CANVAS):
    shown = [
        span for text, (first, last) in enumerate(spans) for span in text_spans(text, first, last, extent, framing_at)
    ]
    return caption_rows(shown, canvas, 30.0, framing_at, canvas.caption_centre, occupied=occupied)


def touches(height, face, band, extent=TEXT):
    top, bottom = face.top + band[0] * face.height, face.top + band[1] * face.height
    return height + extent.top < bottom and height + extent.bottom > top


def test_text_stands_in_its_usual_place_where_nothing_is_in_the_way():
    assert placed(lambda frame: tracked(), [(0, 20)]) == [pytest.approx(USUAL, abs=8)]
    assert placed(lambda frame: tracked(Box(340, 400, 400, 400)), [(0, 20)]) == [pytest.approx(USUAL, abs=8)]


def test_text_makes_way_for_a_face():
    face = Box(300, 1000, 480, 480)
    (height,) = placed(lambda frame: tracked(face), [(0, 20)])
    assert height + TEXT.bottom <= face.top


def test_text_is_clear_of_a_mouth_in_every_frame():
    def framing(frame):
        return tracked(Box(300, 500 + 12 * frame, 400, 400))

    (height,) = placed(framing, [(0, 40)])
    assert not any(touches(height, framing(frame).faces[0], MOUTH) for frame in range(41))


def test_a_face_beside_the_text_is_not_in_its_way():
    canvas = CANVASES[OutputFormat.HORIZONTAL]
    framing = Framing(Layout.TRACK, (Pane(Box(0, 0, 1920, 1080), 0, 0, 1920, 1080, (Box(200, 700, 300, 300),)),))
    (height,) = placed(lambda frame: framing, [(0, 20)], canvas=canvas)
    assert height == pytest.approx(canvas.caption_centre[1], abs=8)


def test_text_keeps_its_place_while_people_move_a_little():
    def framing(frame):
        return tracked(Box(300, 800 + (30 if frame // 30 % 2 else 0), 400, 400))

    chosen = placed(framing, [(30 * text, 30 * text + 29) for text in range(6)])
    assert len(set(chosen)) == 1


def test_a_face_that_one_text_must_avoid_moves_all_texts_of_its_shot():
    def framing(frame):
        return tracked(Box(300, 900 if 60 <= frame < 90 else 500, 400, 400))

    chosen = placed(framing, [(30 * text, 30 * text + 29) for text in range(5)])
    assert len(set(chosen)) == 1


def test_another_shot_is_a_cut_though_the_whole_picture_is_shown_before_and_after():
    picture = (Pane(Box(0, 0, 1920, 1080), 0, 656, 1080, 608),)
    spans = text_spans(0, 0, 20, TEXT, lambda frame: Framing(Layout.FIT, picture, shot=int(frame >= 10)))
    assert [(span.first, span.last) for span in spans] == [(0, 9), (10, 20)]


def test_text_moves_at_a_cut_only_if_it_must():
    low, high = Box(300, 1100, 400, 400), Box(300, 450, 400, 400)

    def cut(frame):
        return tracked(low) if frame < 10 else tracked(high, left=500.0)

    before, after = placed(cut, [(0, 20)])
    assert before == after
    assert not touches(before, low, MOUTH)
    assert not touches(before, high, MOUTH)


def test_text_moves_at_a_cut_where_no_place_suits_both_pictures():
    low, high = Box(300, 900, 560, 560), Box(300, 330, 560, 560)

    def cut(frame):
        return tracked(low) if frame < 10 else tracked(high, left=500.0)

    before, after = placed(cut, [(0, 20)], Extent(-300, -180, 300, 180))
    assert before != after
    assert not touches(before, low, MOUTH, Extent(-300, -180, 300, 180))
    assert not touches(after, high, MOUTH, Extent(-300, -180, 300, 180))


def test_a_camera_that_follows_is_no_cut():
    assert len(text_spans(0, 0, 60, TEXT, lambda frame: tracked(left=4.0 * frame))) == 1
    assert len(text_spans(0, 0, 60, TEXT, lambda frame: tracked(left=300.0 * (frame >= 30)))) == 2


def test_two_people_one_above_the_other_have_text_between_them():
    faces = Box(340, 250, 300, 300), Box(340, 1250, 300, 300)
    panes = tuple(
        Pane(Box(0, top, 1080, 960), 0, top, 1080, 960, (face,)) for top, face in zip((0, 960), faces, strict=True)
    )
    (height,) = placed(lambda frame: Framing(Layout.SPLIT, panes), [(0, 20)])
    assert height == pytest.approx(960, abs=8)


def test_text_stands_below_a_picture_that_does_not_fill_the_frame():
    framing = Framing(Layout.FIT, (Pane(Box(0, 0, 1280, 720), 0, 600, 1080, 608),))
    (height,) = placed(lambda frame: framing, [(0, 20)])
    assert height + TEXT.top >= 1208
    assert height + TEXT.bottom <= CANVAS.safe_bottom


@pytest.mark.parametrize("style", list(STYLES))
def test_two_lines_of_any_style_have_room_below_a_wide_picture_on_an_upright_canvas(style):
    left, top, width, height = in_canvas(Geometry(1920, 1080, 25, CANVAS), Box(0, 0, 1920, 1080))
    framing = Framing(Layout.FIT, (Pane(Box(0, 0, 1920, 1080), left, top, width, height),))
    setting = set_words(["qualify", "(everyone)", "Égypt", "philosophy"], type_of(STYLES[style], CANVAS))
    text = extent(setting, STYLES[style])
    assert len(setting.lines) == 2
    (middle,) = caption_rows([TextSpan(0, 0, 9, text)], CANVAS, 30.0, lambda frame: framing, CANVAS.caption_centre)
    assert middle + text.top >= top + height + 8


@pytest.mark.parametrize("bottom", [1230, 1364, 1500])
def test_lines_of_one_and_of_two_stand_at_one_height_by_a_picture_that_does_not_fill_the_frame(bottom):
    framing = Framing(Layout.FIT, (Pane(Box(0, 0, 1080, bottom - 420), 0, 420, 1080, bottom - 420),))
    one, two = Extent(-300, -60, 300, 70), TEXT
    shown = [
        TextSpan(number, 40 * number, 40 * number + 39, extent) for number, extent in enumerate([one, two, one, two])
    ]
    chosen = caption_rows(shown, CANVAS, 30.0, lambda frame: framing, CANVAS.caption_centre)
    assert len(set(chosen)) == 1
    assert chosen[0] + two.top >= bottom or chosen[0] + two.bottom <= bottom


def test_text_does_not_cover_other_text():
    other = OccupiedArea(Box(60, 1150, 800, 250), 0, 90)
    chosen = placed(lambda frame: tracked(), [(0, 60), (200, 260)], occupied=[other])
    assert chosen[0] + TEXT.bottom <= 1150
    assert chosen[1] == pytest.approx(USUAL, abs=8)


def test_text_covers_a_face_before_other_text():
    face = Box(100, 250, 880, 1250)
    other = OccupiedArea(Box(60, 250, 800, 300), 0, 90)
    (height,) = placed(lambda frame: tracked(face), [(0, 60)], occupied=[other])
    assert height + TEXT.top >= 550


@given(st.floats(-300, 1900), st.floats(30, 1800), st.floats(20, 250), st.sampled_from(list(OutputFormat)))
@settings(max_examples=60, deadline=None)
def test_text_stays_in_the_safe_zone_and_off_mouths_that_leave_room(top, size, half, form):
    canvas = CANVASES[form]
    extent = Extent(-200, -half, 200, half)
    face = Box(canvas.width / 2 - size / 2, top, size, size)
    framing = Framing(
        Layout.TRACK, (Pane(Box(0, 0, canvas.width, canvas.height), 0, 0, canvas.width, canvas.height, (face,)),)
    )
    (height,) = caption_rows([TextSpan(0, 0, 3, extent)], canvas, 30.0, lambda frame: framing, canvas.caption_centre)
    assert height + extent.top >= canvas.safe_top
    assert height + extent.bottom <= canvas.safe_bottom
    assert height % 2 == 0
    room = 2 * half + 2 * 14 + 16
    above = face.top + MOUTH[0] * size - canvas.safe_top
    below = canvas.safe_bottom - (face.top + MOUTH[1] * size)
    if max(above, below) > room:
        assert not touches(height, face, MOUTH, extent)
    if max(above - (MOUTH[0] - EYES[0]) * size, below) > room:
        assert not touches(height, face, EYES, extent)
