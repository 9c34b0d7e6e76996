import pytest
from clipmill.contracts.options import LayoutChoice, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.directing.crops import Geometry, fitted, followed, paned, placed
from clipmill.renderer.directing.layouts import laid_out, merged, without_asides
from clipmill.renderer.directing.presence import presence_segments
from clipmill.renderer.framings import Layout
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.seeing.speaking import Turn


@pytest.fixture
def layouts(surveyed):
    """Return the layout spans of one shot about some people."""

    def run(*people, choice=LayoutChoice.AUTO, form=OutputFormat.VERTICAL, size=(1920, 1080), **facts):
        survey, heard = surveyed(*people, size=size, **facts)
        geometry = Geometry(*size, survey.rate, CANVASES[form])
        return merged(
            layout_span
            for segment in presence_segments(survey.shots[0], survey.rate)
            for layout_span in laid_out(segment, geometry, heard, choice)
        )

    return run


def sitting(x, length=200, y=420):
    return lambda time: (x, y, length)


def talkers(someone, first, second, left=470, right=1450):
    """Return two people far apart who talk at the given times."""
    return someone(sitting(left), first), someone(sitting(right), second)


def test_one_person_is_followed(layouts, someone):
    (layout_span,) = layouts(someone(sitting(700)))
    assert layout_span.layout is Layout.TRACK
    assert "one person" in layout_span.reason


def test_nobody_is_a_slide_shown_whole(layouts):
    (layout_span,) = layouts()
    assert (layout_span.layout, layout_span.groups) == (Layout.FIT, ())


def test_two_who_talk_far_apart_share_the_canvas_the_left_one_first(layouts, someone):
    (layout_span,) = layouts(*talkers(someone, lambda time: time < 5, lambda time: time >= 5))
    assert layout_span.layout is Layout.SPLIT
    assert [group[0].detections[0].face.box.centre[0] < 960 for group in layout_span.groups] == [True, False]
    assert "talk for" in layout_span.reason


def test_of_two_who_talk_one_after_the_other_the_speaker_is_followed_if_asked(layouts, someone):
    people = talkers(someone, lambda time: time < 5, lambda time: time >= 5)
    layout_spans = layouts(*people, choice=LayoutChoice.TRACK)
    assert [layout_span.layout for layout_span in layout_spans] == [Layout.TRACK] * 2
    places = [layout_span.groups[0][0].detections[0].face.box.centre[0] for layout_span in layout_spans]
    assert places[0] < 960 < places[1]
    assert layout_spans[1].span.first / 25 == pytest.approx(5, abs=0.5)


def test_of_two_of_whom_one_talks_that_one_is_followed(layouts, someone):
    (layout_span,) = layouts(*talkers(someone, lambda time: False, lambda time: True))
    assert layout_span.layout is Layout.TRACK
    assert layout_span.groups[0][0].detections[0].face.box.centre[0] > 960


def test_a_listener_who_says_a_word_does_not_get_the_picture(layouts, someone):
    people = talkers(someone, lambda time: not 9 <= time < 10.8, lambda time: 9 <= time < 10.8)
    (layout_span,) = layouts(*people, seconds=20.0)
    assert layout_span.layout is Layout.TRACK
    assert layout_span.groups[0][0].detections[0].face.box.centre[0] < 960


def test_a_question_of_a_sentence_is_cut_to(layouts, someone):
    people = talkers(someone, lambda time: not 9 <= time < 12.5, lambda time: 9 <= time < 12.5)
    layout_spans = layouts(*people, seconds=20.0)
    assert [layout_span.groups[0][0].detections[0].face.box.centre[0] < 960 for layout_span in layout_spans] == [
        True,
        False,
        True,
    ]


def test_asides_end_where_turns_begin_to_be_long():
    turns = [Turn(0, 99, 0), Turn(100, 129, 1), Turn(130, 159, 0), Turn(160, 239, 1), Turn(240, 269, 0)]
    assert without_asides(turns, 25.0) == [Turn(0, 159, 0), Turn(160, 239, 1), Turn(240, 269, 0)]


def test_of_two_who_are_silent_both_are_shown(layouts, someone):
    (layout_span,) = layouts(*talkers(someone, lambda time: False, lambda time: False))
    assert layout_span.layout is Layout.SPLIT
    assert "the speaker is unknown" in layout_span.reason


def test_of_two_who_are_silent_one_is_followed_if_asked(layouts, someone):
    (layout_span,) = layouts(*talkers(someone, lambda time: False, lambda time: False), choice=LayoutChoice.TRACK)
    assert layout_span.layout is Layout.TRACK


def test_two_who_fit_into_one_crop_are_shown_in_it(layouts, someone):
    (layout_span,) = layouts(someone(sitting(800, 150)), someone(sitting(1080, 150)))
    assert (layout_span.layout, len(layout_span.groups[0])) == (Layout.TRACK, 2)


def test_three_far_apart_are_shown_whole_with_the_sides_cut_off(layouts, someone):
    (layout_span,) = layouts(*(someone(sitting(x)) for x in (700, 960, 1220)))
    assert layout_span.layout is Layout.FIT
    crop = fitted(Geometry(1920, 1080, 25, CANVASES[OutputFormat.VERTICAL]), layout_span.groups[0])
    assert crop.width < 1500
    assert crop.left < 500
    assert crop.right > 1420


def test_an_audience_before_a_speaker_is_nobody(layouts, someone):
    audience = (someone(sitting(x, 60, 900)) for x in (300, 700, 1500))
    (layout_span,) = layouts(someone(sitting(900)), *audience)
    assert layout_span.layout is Layout.TRACK


def test_a_presenter_in_the_corner_of_a_screen_is_not_worth_losing_the_screen(layouts, someone):
    webcam = someone(sitting(1740, 90, 930))
    (layout_span,) = layouts(webcam)
    assert (layout_span.layout, layout_span.groups) == (Layout.FIT, ())
    assert "corner" in layout_span.reason
    (layout_span,) = layouts(webcam, choice=LayoutChoice.TRACK)
    assert layout_span.layout is Layout.TRACK


def test_faces_on_a_screen_do_not_make_its_presenter_the_picture(layouts, someone):
    presenter = someone(sitting(1750, 105, 920), lambda time: True)
    (layout_span,) = layouts(presenter, someone(sitting(500, 160, 420)))
    assert (layout_span.layout, layout_span.groups) == (Layout.FIT, ())


def test_two_who_sit_far_apart_and_high_up_are_no_screen(layouts, someone):
    people = someone(sitting(400, 110, 280), lambda time: True), someone(sitting(1500, 110, 280))
    (layout_span,) = layouts(*people)
    assert layout_span.layout is Layout.TRACK


def test_a_lone_speaker_high_in_a_wide_shot_is_no_screen(layouts, someone):
    (layout_span,) = layouts(someone(sitting(500, 90, y=280)))
    assert layout_span.layout is Layout.TRACK


def test_who_speaks_is_followed_also_where_a_crop_shows_nearly_all(layouts, someone):
    people = someone(sitting(130), lambda time: time < 3), someone(sitting(2030), lambda time: time >= 3)
    layout_spans = layouts(*people, form=OutputFormat.HORIZONTAL, size=(2160, 1080), choice=LayoutChoice.TRACK)
    assert layout_spans[-1].groups[0][0].detections[0].face.box.centre[0] > 1080


def test_who_steps_aside_for_long_leaves_no_group(layouts, someone):
    listener = someone(lambda time: (1000 if time < 17 else 1500, 420, 180))
    layout_spans = layouts(someone(sitting(700, 180), lambda time: True), listener, seconds=20.0)
    assert all(len(group) == 1 for layout_span in layout_spans for group in layout_span.groups)


def test_a_speaker_far_away_is_followed_and_brought_nearer(layouts, someone):
    (layout_span,) = layouts(someone(lambda time: (900 + 120 * time, 900, 120)), size=(3840, 2160))
    assert layout_span.layout is Layout.TRACK
    geometry = Geometry(3840, 2160, 25, CANVASES[OutputFormat.VERTICAL])
    width, height = followed(geometry, layout_span.groups[0])
    assert height == pytest.approx(1000, rel=0.05)
    assert width / height == pytest.approx(9 / 16)


def test_a_face_too_large_for_a_crop_is_shown_whole(layouts, someone):
    (layout_span,) = layouts(someone(sitting(960, 700, 560)))
    assert layout_span.layout is Layout.FIT


def test_a_head_whose_hair_a_wide_crop_would_cut_off_is_shown_whole(layouts, someone):
    (layout_span,) = layouts(someone(sitting(360, 290, y=500)), form=OutputFormat.HORIZONTAL, size=(720, 1280))
    assert layout_span.layout is Layout.FIT


def test_who_leaves_is_followed_until_then(layouts, someone):
    first, second = layouts(someone(lambda time: (700, 420, 200) if time < 6 else None), seconds=15)
    assert (first.layout, second.layout) == (Layout.TRACK, Layout.FIT)
    assert first.span.last / 25 == pytest.approx(6, abs=0.6)


def test_who_leaves_for_a_moment_is_waited_for(layouts, someone):
    (layout_span,) = layouts(someone(lambda time: None if 6 < time < 8 else (700, 420, 200)), seconds=15)
    assert layout_span.layout is Layout.TRACK


def test_two_who_change_places_stay_on_the_canvas(layouts, someone):
    crossing = someone(lambda time: (500 + 90 * time, 420, 160)), someone(lambda time: (1400 - 90 * time, 420, 170))
    assert all(layout_span.layout is not Layout.FIT for layout_span in layouts(*crossing))


@pytest.mark.parametrize("choice", [LayoutChoice.AUTO, LayoutChoice.TRACK])
def test_a_source_of_the_canvas_shape_has_no_background(layouts, someone, choice):
    for people in ((), (someone(sitting(300)),), tuple(someone(sitting(x, 90)) for x in (100, 350, 600))):
        (layout_span,) = layouts(*people, choice=choice, size=(720, 1280))
        assert layout_span.layout is Layout.TRACK


def test_everything_is_fitted_if_asked(layouts, someone):
    (layout_span,) = layouts(someone(sitting(700)), choice=LayoutChoice.FIT)
    assert (layout_span.layout, layout_span.groups, layout_span.reason) == (Layout.FIT, (), "asked for")


def test_two_people_are_split_if_asked_and_one_is_followed(layouts, someone):
    near = someone(sitting(800, 150)), someone(sitting(1080, 150))
    assert [layout_span.layout for layout_span in layouts(*near, choice=LayoutChoice.SPLIT)] == [Layout.SPLIT]
    assert [layout_span.layout for layout_span in layouts(near[0], choice=LayoutChoice.SPLIT)] == [Layout.TRACK]


@pytest.mark.parametrize("form", list(OutputFormat))
def test_the_crops_of_a_split_show_one_person_each_near_enough(layouts, someone, form):
    people = talkers(someone, lambda time: time < 5, lambda time: time >= 5)
    (layout_span,) = layouts(*people, choice=LayoutChoice.SPLIT, form=form)
    geometry = Geometry(1920, 1080, 25, CANVASES[form])
    (one,), (other,) = layout_span.groups
    for width, height in (paned(geometry, one, other), paned(geometry, other, one)):
        assert width / height == pytest.approx(geometry.pane[0] / geometry.pane[1])
        assert width < 1100
        assert 0.2 < 200 / height < 0.4


def test_a_fitted_picture_is_in_the_middle_of_the_canvas_on_even_pixels():
    geometry = Geometry(2560, 1080, 25, CANVASES[OutputFormat.VERTICAL])
    assert placed(geometry, Box(0, 0, 2560, 1080)) == (0, 732, 1080, 456)
    assert placed(geometry, Box(0, 0, 640, 480)) == (0, 554, 1080, 810)
    tall = Geometry(720, 1280, 25, CANVASES[OutputFormat.HORIZONTAL])
    assert placed(tall, Box(0, 0, 720, 1280)) == (656, 0, 608, 1080)


def test_a_fitted_picture_is_raised_a_little_if_captions_need_the_room_below():
    canvas = CANVASES[OutputFormat.VERTICAL]
    for picture in (Box(0, 0, 1920, 1080), Box(0, 0, 853, 479)):
        left, top, width, height = placed(Geometry(picture.width, picture.height, 25, canvas), picture)
        assert (left, width) == (0, 1080)
        assert top % 2 == 0
        assert canvas.safe_bottom - 266 <= top + height <= canvas.safe_bottom - 264
