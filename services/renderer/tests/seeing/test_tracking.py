from itertools import permutations

import numpy as np
import pytest
from clipmill.renderer.seeing.faces import Box, Face
from clipmill.renderer.seeing.tracking import Tracker, assigned
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

RATE = 25.0


def face(left, top=100.0, size=100.0, score=0.9):
    return Face(Box(left, top, size, size), top + 0.4 * size, score, (left + size / 2, top + 0.8 * size))


def followed(detections: dict[int, list[Face]]) -> Tracker:
    tracker = Tracker(RATE)
    for frame, faces in detections.items():
        tracker.update(frame, faces)
    return tracker


def lefts(track):
    return [round(detection.face.box.left) for detection in track.detections]


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.floats(0, 1, width=16))
    )
)
def test_the_assignment_has_the_greatest_sum_of_all(likeness):
    pairs = assigned(likeness)
    rows, columns = likeness.shape
    wide = likeness if rows <= columns else likeness.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(order))
        for order in permutations(range(max(rows, columns)), min(rows, columns))
    )
    assert len(pairs) == len({row for row, _ in pairs}) == len({column for _, column in pairs}) == min(rows, columns)
    assert sum(likeness[row, column] for row, column in pairs) == pytest.approx(best)


def test_two_people_who_stay_apart_are_two_tracks():
    tracker = followed({frame: [face(100 + frame), face(600 - frame)] for frame in range(0, 50, 5)})
    assert [len(track.detections) for track in tracker.people()] == [10, 10]
    assert tracker.tracks[0].last.face.box.left == 145


def test_people_who_pass_each_other_keep_their_tracks():
    tracker = followed(
        {frame: [face(100 + 6 * frame, top=100), face(400 - 6 * frame, top=140, size=110)] for frame in range(0, 60, 4)}
    )
    assert len(tracker.tracks) == 2
    assert {round(detection.face.box.height) for detection in tracker.tracks[0].detections} == {100}


def test_people_who_pass_each_other_keep_their_tracks_though_one_hides_the_other():
    detections = {}
    for frame in range(0, 80, 4):
        one, other = face(100 + 6 * frame), face(520 - 6 * frame)
        detections[frame] = [one] if abs(one.box.left - other.box.left) < 60 else [other, one]
    tracker = followed(detections)
    assert len(tracker.people()) == 2
    for track in tracker.people():
        steps = np.diff(lefts(track))
        assert (steps > 0).all() or (steps < 0).all()


def test_somebody_who_is_missed_for_a_while_is_still_the_same():
    frames = [0, 4, 8, 12, 28, 32, 36]
    assert len(followed({frame: [face(100 + 2 * frame)] for frame in frames}).tracks) == 1


def test_somebody_who_moves_at_once_is_still_the_same():
    assert len(followed({0: [face(100)], 5: [face(100)], 10: [face(800)]}).tracks) == 1


def test_somebody_who_turned_away_comes_back_to_the_same_place():
    detections = {frame: [face(100), face(600)] if not 40 < frame < 140 else [face(600)] for frame in range(0, 200, 4)}
    tracker = followed(detections)
    assert len(tracker.people()) == 2


def test_somebody_alone_who_walks_out_may_come_back_anywhere():
    detections = {frame: [face(100 + 10 * frame)] for frame in range(0, 60, 4)}
    detections |= {frame: [] for frame in range(60, 120, 4)}
    detections |= {frame: [face(100)] for frame in range(120, 200, 4)}
    assert len(followed(detections).people()) == 1


def test_somebody_new_far_from_who_has_left_a_group_is_somebody_new():
    detections = {frame: [face(100), face(600)] for frame in range(0, 60, 4)}
    detections |= {frame: [face(600)] for frame in range(60, 120, 4)}
    detections |= {frame: [face(600), face(1200)] for frame in range(120, 200, 4)}
    assert len(followed(detections).people()) == 3


def test_somebody_much_larger_is_somebody_else():
    detections = {frame: [face(100, size=80)] for frame in range(0, 60, 4)}
    detections |= {frame: [face(40, top=40, size=240)] for frame in range(60, 120, 4)}
    assert len(followed(detections).people()) == 2


def test_a_single_mistake_of_the_detector_is_nobody():
    detections = {frame: [face(100)] for frame in range(0, 100, 4)}
    detections[40] = [face(100), face(900)]
    assert [lefts(track)[0] for track in followed(detections).people()] == [100]


def test_a_mistake_while_the_face_is_missed_does_not_move_it():
    detections = {frame: [face(100)] for frame in range(0, 100, 4)}
    detections[40] = [face(900)]
    (track,) = followed(detections).people()
    assert set(lefts(track)) == {100}


def test_two_mistakes_while_the_face_is_missed_once_do_not_make_it_two_people():
    detections = {frame: [face(100)] for frame in range(0, 100, 4)}
    detections[40] = [face(900)]
    detections[44] = [face(100), face(500, top=700)]
    (track,) = followed(detections).people()
    assert set(lefts(track)) == {100}


def test_whoever_is_seen_in_a_very_short_shot_is_somebody():
    assert len(followed({0: [face(100)], 4: [face(100)]}).people()) == 1
    assert len(followed({0: [face(100)]}).people()) == 1


def test_nobody_anywhere_is_no_track():
    assert followed({0: [], 4: []}).people() == []
