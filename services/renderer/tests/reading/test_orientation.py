"""Pictures are turned as their display matrix says."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from clipmill.renderer.reading.source import FrameSample, Source
from PIL import Image

pytestmark = pytest.mark.media

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
        sample = next(item for item in source.frame_samples(0.0, 5) if isinstance(item, FrameSample)).picture
        assert source.size == ((320, 180) if a else (180, 320))
    for one in (picture, sample):
        assert (one.width, one.height) == ((320, 180) if a else (180, 320))
        assert corner(one) == expected


@pytest.mark.parametrize(("orientation", "size", "expected"), [(1, (64, 48), "top left"), (6, (48, 64), "top right")])
def test_photographs_with_exif_in_a_film_are_read_and_turned_as_it_says(tmp_path, orientation, size, expected):
    path = photographs(tmp_path / "camera.mkv", orientation)
    with path.open("rb") as file, Source(file) as source:
        pictures = list(source.pictures(0.0, 5))
        assert source.size == size
    assert [corner(picture) for picture in pictures] == [expected] * 5


def photographs(path, orientation):
    """Write motion JPEG as cameras do: with EXIF in every picture, which PyAV does not know as side data."""
    pixels = np.full((48, 64, 3), 60, np.uint8)
    pixels[4:16, 4:16] = 255
    exif, written = Image.Exif(), io.BytesIO()
    exif[0x010F], exif[0x0112] = "A maker", orientation
    Image.fromarray(pixels).save(written, "JPEG", exif=exif)
    with av.open(path, "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        container.start_encoding()
        for index in range(10):
            packet = av.Packet(written.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, index, index, Fraction(1, 25)
            packet.is_keyframe = True
            container.mux(packet)
    return path
