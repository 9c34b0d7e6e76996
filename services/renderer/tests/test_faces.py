import json

import av
import numpy as np
import pytest
from clipmill.contracts.failures import Permanent
from clipmill.operations.models import locate
from clipmill.renderer.blazeface import BlazeFace, anchors, merged
from clipmill.renderer.faces import Box, Face
from clipmill.renderer.pictures import view
from clipmill.renderer.tracking import Tracker

RATE = 25.0


@pytest.fixture(scope="module")
def blazeface():
    try:
        return BlazeFace(locate("blazeface-full-range"))
    except Permanent as missing:
        pytest.skip(f"the face model's weights are not there: {missing.sentence}")


def face(left, top=100.0, size=100.0, score=0.9):
    return Face(Box(left, top, size, size), top + 0.4 * size, score, (left + size / 2, top + 0.8 * size))


def test_there_is_an_anchor_in_the_middle_of_each_cell():
    centres = anchors()
    assert centres.shape == (2304, 2)
    assert tuple(centres[0]) == (2.0, 2.0)
    assert tuple(centres[1]) == (6.0, 2.0)
    assert tuple(centres[-1]) == (190.0, 190.0)


def test_boxes_that_overlap_become_one_weighted_mean():
    rows = np.zeros((3, 16))
    rows[:, :4] = [[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]]
    faces = merged(rows, np.array([0.6, 0.9, 0.7]))
    assert [score for _, score in faces] == [0.9, 0.7]
    assert faces[0][0][0] == pytest.approx(0.6)


def test_a_grey_picture_has_no_face(blazeface):
    frame = av.VideoFrame(1280, 720, "yuv420p")
    for plane in view(frame).planes:
        plane[:] = 128
    assert blazeface.detect(view(frame)) == []


def test_faces_are_found_where_they_are(blazeface, corpus):
    truth = json.loads((corpus / "interview.truth.json").read_text())
    rows = {round(row["t"] * 25): row["boxes"] for row in truth["faces"]}
    with av.open(corpus / "interview.mp4") as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == 75:
                break
            if index % 25 or index not in rows:
                continue
            found = blazeface.detect(view(frame))
            assert len(found) == len(rows[index]) == 2
            for box in rows[index]:
                wanted = Box(box["x"], box["y"], box["w"], box["h"])
                assert max(one.box.overlap(wanted) for one in found) > 0.6


def test_two_people_who_stay_apart_are_two_tracks():
    tracker = Tracker(RATE)
    for frame in range(0, 50, 5):
        tracker.update(frame, [face(100 + frame), face(600 - frame)])
    assert [len(track.sightings) for track in tracker.tracks] == [10, 10]
    assert tracker.tracks[0].last.face.box.left == 145


def test_people_who_pass_each_other_keep_their_tracks():
    tracker = Tracker(RATE)
    for frame in range(0, 60, 5):
        tracker.update(frame, [face(100 + 6 * frame, top=100), face(400 - 6 * frame, top=140, size=110)])
    assert len(tracker.tracks) == 2
    assert tracker.tracks[0].last.face.box.height == 100


def test_somebody_who_moves_at_once_is_still_the_same():
    tracker = Tracker(RATE)
    tracker.update(0, [face(100)])
    tracker.update(5, [face(100)])
    tracker.update(10, [face(800)])
    assert len(tracker.tracks) == 1


def test_somebody_who_comes_back_late_is_somebody_new():
    tracker = Tracker(RATE)
    tracker.update(0, [face(100)])
    tracker.update(60, [face(100)])
    assert len(tracker.tracks) == 2
