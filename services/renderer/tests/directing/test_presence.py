from itertools import cycle

import pytest
from clipmill.renderer.directing.presence import GONE_SECONDS, joined, presence_segments, size
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.survey import SurveyedShot
from clipmill.renderer.seeing.tracking import Detection, Track
from clipmill.renderer.shots import Span

RATE = 25.0


def track(number, frames, x, length=200.0, mouth=()):
    boxes = [(frame, Box(x - length / 2, 440, length, length)) for frame in frames]
    detections = [Detection(frame, Face(box, 500, 0.9, (x, 600))) for frame, box in boxes]
    return Track(number, detections, list(zip(frames, cycle(mouth), strict=False)))


def shot(*tracks, seconds=20):
    last = round(seconds * RATE) - 1
    return SurveyedShot(Span(0, last), tuple(range(0, last + 1, 5)), tracks)


def found(*tracks, seconds=20):
    """Return the segments' first and last second and the people who are there."""
    parts = presence_segments(shot(*tracks, seconds=seconds), RATE)
    return [
        (part.shot.span.first / RATE, (part.shot.span.last + 1) / RATE, {person.number for person in part.people})
        for part in parts
    ]


def test_who_is_seen_all_the_time_is_there_all_the_time():
    assert found(track(0, range(0, 500, 5), 600)) == [(0, 20, {0})]


def test_a_shot_without_faces_is_one_segment_without_people():
    assert found() == [(0, 20, set())]


def test_who_is_unseen_for_a_while_is_still_there():
    frames = [*range(0, 200, 5), *range(200 + round(GONE_SECONDS * RATE) - 5, 500, 5)]
    assert found(track(0, frames, 600)) == [(0, 20, {0})]


def test_who_turns_away_and_back_at_the_same_place_is_still_there():
    assert found(track(0, [*range(0, 200, 5), *range(350, 500, 5)], 600)) == [(0, 20, {0})]


def test_who_leaves_for_good_leaves_the_shot_without_people():
    (_, left, first), (_, end, then) = found(track(0, range(0, 250, 5), 600))
    assert first == {0}
    assert then == set()
    assert left == pytest.approx(10, abs=0.5)
    assert end == 20


def test_two_who_take_turns_in_being_the_only_one_were_cut_between():
    here, there = [*range(0, 75, 5), *range(215, 270, 5)], [*range(85, 205, 5), *range(280, 500, 5)]
    parts = found(track(0, here, 300), track(1, there, 1600))
    assert [who for _, _, who in parts] == [{0}, {1}, {0}, {1}]
    assert [start for start, _, _ in parts] == pytest.approx([0, 3.12, 8.32, 10.92], abs=0.1)


def test_in_a_fade_both_are_seen_and_it_is_a_cut_all_the_same():
    parts = found(track(0, range(0, 260, 5), 300), track(1, range(250, 500, 5), 1600))
    assert [who for _, _, who in parts] == [{0}, {1}]
    assert parts[1][0] == pytest.approx(10.1, abs=0.1)


def test_the_end_of_a_fade_whose_end_was_taken_for_the_cut_is_no_shot():
    assert [who for _, _, who in found(track(0, range(0, 490, 5), 300), track(1, range(485, 500, 5), 1600))] == [{0}]


def test_who_is_hidden_while_somebody_passes_was_not_cut_away():
    assert found(track(0, [*range(0, 250, 5), *range(260, 500, 5)], 600), track(1, [250, 255], 700)) == [(0, 20, {0})]


def test_who_comes_later_is_there_from_then_on():
    people = [who for _, _, who in found(track(0, range(0, 500, 5), 600), track(1, range(250, 500, 5), 1400))]
    assert people == [{0}, {0, 1}]


def test_who_passes_by_changes_nothing():
    assert found(track(0, range(0, 500, 5), 600), track(1, range(250, 270, 5), 1400)) == [(0, 20, {0})]


def test_small_faces_beside_a_large_one_are_not_people():
    audience = [track(number, range(0, 500, 5), 300 * number, 70) for number in (1, 2, 3)]
    assert found(track(0, range(0, 500, 5), 600), *audience) == [(0, 20, {0})]


def test_a_large_photograph_beside_a_small_presenter_is_not_a_person():
    photograph = track(0, range(0, 500, 5), 600, 300, mouth=(0.0, 0.0, 0.001, 0.015, 0.0))
    presenter = track(1, range(0, 500, 5), 1600, 100, mouth=(0.01, 0.02, 0.08))
    assert found(photograph, presenter) == [(0, 20, {1})]


def test_a_calm_listener_is_no_photograph():
    listener = track(0, range(0, 500, 5), 600, mouth=(0.001, 0.0085, 0.002, 0.03, 0.009))
    speaker = track(1, range(0, 500, 5), 1400, mouth=(0.01, 0.02, 0.08))
    assert found(listener, speaker) == [(0, 20, {0, 1})]


def test_where_no_mouth_is_seen_to_move_none_is_a_photograph():
    people = [track(number, range(0, 500, 5), x, mouth=(0.0, 0.001)) for number, x in ((0, 600), (1, 1400))]
    assert found(*people) == [(0, 20, {0, 1})]


def test_what_flickers_is_not_a_person():
    assert found(track(0, range(0, 500, 25), 600)) == [(0, 20, set())]


def test_a_track_that_begins_where_one_ended_is_the_same_person():
    people = joined([track(0, range(0, 250, 5), 600), track(1, range(280, 500, 5), 700)], RATE)
    assert [(person.number, len(person.detections)) for person in people] == [(0, 94)]


def test_a_track_that_begins_at_once_far_away_is_somebody_else():
    people = joined([track(0, range(0, 250, 5), 300), track(1, range(255, 500, 5), 1600)], RATE)
    assert [person.number for person in people] == [0, 1]


def test_a_track_far_larger_is_somebody_else():
    assert len(joined([track(0, range(0, 250, 5), 600, 100), track(1, range(260, 500, 5), 600, 300)], RATE)) == 2


def test_the_foremost_is_the_largest():
    (part,) = presence_segments(shot(track(0, range(0, 500, 5), 600, 150), track(1, range(0, 500, 5), 1400, 220)), RATE)
    assert [size(person) for person in part.people] == [220, 150]


def test_a_shot_of_a_few_frames_has_the_people_seen_in_them():
    assert found(track(0, [0], 600), seconds=0.2) == [(0, 0.2, {0})]
