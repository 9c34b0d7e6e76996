import json

import av
import numpy as np
import pytest
from clipmill.renderer.pictures import view
from clipmill.renderer.seeing.blazeface import anchors, merged
from clipmill.renderer.seeing.faces import Box


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


@pytest.mark.media
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
