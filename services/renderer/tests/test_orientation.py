"""Pictures are turned as their display matrix says."""

import struct

import numpy as np
import pytest
from clipmill.renderer.reading.source import Glance, Source

ONE = 1 << 16

CORNERS = {
    "as it is": ((1, 0, 0, 1), "top left"),
    "a quarter clockwise": ((0, 1, -1, 0), "top right"),
    "upside down": ((-1, 0, 0, -1), "bottom right"),
    "a quarter counter-clockwise": ((0, -1, 1, 0), "bottom left"),
    "mirrored": ((-1, 0, 0, 1), "top right"),
    "flipped": ((1, 0, 0, -1), "bottom left"),
    "transposed": ((0, 1, 1, 0), "top left"),
    "transposed the other way": ((0, -1, -1, 0), "bottom right"),
}


def corner(picture):
    rows, columns = np.nonzero(picture.luma > 200)
    upper = "top" if rows.mean() < picture.height / 2 else "bottom"
    return f"{upper} {'left' if columns.mean() < picture.width / 2 else 'right'}"


@pytest.mark.parametrize("name", CORNERS)
def test_a_picture_is_shown_as_its_display_matrix_says(make_media, name):
    (a, b, c, d), expected = CORNERS[name]
    path = make_media(seconds=0.4, square=lambda time: (30, 30))
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") - 4
    data[header + 48 : header + 84] = struct.pack(">9i", a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    with path.open("rb") as file, Source(file) as source:
        picture = next(source.pictures(0.0, 1))
        glance = next(item for item in source.glances(0.0, 5) if isinstance(item, Glance)).picture
        assert source.size == ((320, 180) if a else (180, 320))
    for one in (picture, glance):
        assert (one.width, one.height) == ((320, 180) if a else (180, 320))
        assert corner(one) == expected
