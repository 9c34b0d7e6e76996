from fractions import Fraction

import numpy as np
import pytest
from clipmill.contracts.documents import Shot
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.directing import Director, Pace
from clipmill.renderer.layouts import Layout
from clipmill.renderer.pictures import Picture
from clipmill.renderer.reading import Source, output_rate
from clipmill.renderer.shots import Span, spans
from clipmill.renderer.sound import SAMPLE_RATE, Timeline


class Counting:
    """A file that counts the bytes read from it."""

    def __init__(self, file):
        self._file = file
        self.count = 0

    def read(self, size=-1):
        data = self._file.read(size)
        self.count += len(data)
        return data

    def seek(self, *where):
        return self._file.seek(*where)

    def tell(self):
        return self._file.tell()


@pytest.mark.parametrize(
    ("average", "base", "rate"),
    [
        (Fraction(25), Fraction(25), Fraction(25)),
        (Fraction(30000, 1001), Fraction(30000, 1001), Fraction(30000, 1001)),
        (Fraction(23976, 1000), Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(90000), Fraction(30000, 1001)),
        (Fraction(14), Fraction(25), Fraction(25)),
        (Fraction(120), Fraction(120), Fraction(60)),
        (Fraction(15), Fraction(15), Fraction(30)),
        (Fraction(1), Fraction(1), Fraction(32)),
        (None, None, Fraction(25)),
    ],
)
def test_the_rate_is_the_sources_as_far_as_it_makes_sense(average, base, rate):
    assert output_rate(average, base) == rate


def test_only_the_clip_is_read(make_media):
    noise = np.random.default_rng(1)
    path = make_media(
        seconds=30,
        light=lambda time: int(noise.integers(20, 230)),
        square=lambda time: tuple(noise.uniform(20, 160, 2)),
    )
    with path.open("rb") as file:
        counting = Counting(file)
        with Source(counting) as source:
            assert len([item for item in source.read(20.0, 25) if isinstance(item, Picture)]) == 25
    assert counting.count < 1.5 * path.stat().st_size  # one read of the IO buffer can be the whole of a small file


def test_a_picture_that_is_shown_again_is_decoded_and_converted_once(make_media):
    path = make_media("slow.mkv", times=[0.0, 0.04, 0.08, 1.0, 1.04], seconds=2)
    with path.open("rb") as file, Source(file) as source:
        pictures = [item for item in source.read(0.0, 30) if isinstance(item, Picture)]
    assert len(pictures) == 30
    assert len({id(picture) for picture in pictures}) == 5


def test_damage_that_ends_a_video_early_is_said(make_media):
    path = make_media(seconds=8, group=10)
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") - 4
    end = begin + int.from_bytes(data[begin : begin + 4])
    middle = (3 * begin + end) // 4
    data[middle:end] = bytes(end - middle)
    path.write_bytes(data)
    with path.open("rb") as file, Source(file) as source, pytest.raises(Permanent) as caught:
        list(source.read(0.0, 200))
    assert caught.value.code is ErrorCode.UNREADABLE_MEDIA


def samples(count, value=0.5):
    return np.full((2, count), value, np.float32)


def test_sound_before_the_clip_is_cut_off():
    assert Timeline(48000).lay(samples(48000), -0.25).shape[1] == 36000


def test_sound_after_the_clip_is_cut_off():
    line = Timeline(1000)
    assert line.lay(samples(5000), 0.0).shape[1] == 1000
    assert line.lay(samples(5000), 5000 / SAMPLE_RATE).shape[1] == 0
    assert line.rest().shape[1] == 0


def test_a_gap_becomes_silence_and_jitter_does_not():
    line = Timeline(96000)
    assert line.lay(samples(1024), 0.0).shape[1] == 1024
    assert line.lay(samples(1024), 1024 / SAMPLE_RATE + 0.01).shape[1] == 1024
    late = line.lay(samples(1024), 1.0)
    assert line.given == 48000 + 1024
    assert np.all(late[:, :-1024] == 0)


def test_an_overlap_is_dropped():
    line = Timeline(96000)
    line.lay(samples(48000), 0.0)
    assert line.lay(samples(48000), 0.5).shape[1] == 24000


def test_shots_become_frames_of_the_clip():
    shots = (Shot(start=0, end=2), Shot(start=2, end=3), Shot(start=3, end=9))
    assert spans(shots, 1.0, 25.0, 100) == [Span(0, 24), Span(25, 49), Span(50, 99)]


def picture(square=None, size=(180, 320)):
    luma = np.full(size, 60, np.uint8)
    if square is not None:
        luma[70:110, square - 20 : square + 20] = 235
    chroma = np.full((size[0] // 2, size[1] // 2), 128, np.uint8)
    return Picture(luma, chroma, chroma)


def directed(pictures, detector, shots=None, **pace):
    director = Director(shots or [Span(0, len(pictures) - 1)], Pace(25.0, **pace), detector)
    waiting, given = [], []
    for index, one in enumerate(pictures):
        given += [framed.framing for framed in director.push(one)]
        waiting.append(index + 1 - len(given))
    return given, max(waiting)


def test_every_picture_comes_out_once_and_the_window_is_bounded(square_detector):
    pictures = [picture(100)] * 200
    size = sum(plane.nbytes for plane in pictures[0].planes)
    given, most = directed(pictures, square_detector, look_ahead_bytes=30 * size)
    assert len(given) == 200
    assert most <= 30


def test_every_shot_comes_out_whole_however_short(square_detector):
    shots = [Span(0, 0), Span(1, 3), Span(4, 60), Span(61, 61)]
    given, _ = directed([picture(100)] * 62, square_detector, shots)
    assert len(given) == 62


def test_somebody_who_comes_to_stay_is_followed(square_detector):
    given, _ = directed([picture()] * 100 + [picture(200)] * 150, square_detector)
    assert given[0].layout is Layout.FIT
    assert given[-1].layout is Layout.TRACK


def test_a_subject_that_leaves_for_good_is_not_waited_for(square_detector):
    given, _ = directed([picture(200)] * 50 + [picture()] * 200, square_detector)
    assert given[0].layout is Layout.TRACK
    assert given[-1].layout is Layout.FIT


def test_a_subject_that_is_away_for_a_moment_is_waited_for(square_detector):
    given, _ = directed([picture(200)] * 50 + [picture()] * 45 + [picture(200)] * 60, square_detector)
    assert {framing.layout for framing in given} == {Layout.TRACK}
