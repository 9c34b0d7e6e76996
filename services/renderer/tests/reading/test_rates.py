from fractions import Fraction

import av
import numpy as np
import pytest
from clipmill.renderer.reading.rates import output_rate
from clipmill.renderer.reading.source import Source

pytestmark = pytest.mark.media


@pytest.mark.parametrize(
    ("average", "base", "rate"),
    [
        (Fraction(25), Fraction(25), Fraction(25)),
        (Fraction(30000, 1001), Fraction(30000, 1001), Fraction(30000, 1001)),
        (Fraction(23976, 1000), Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(90000), Fraction(30000, 1001)),
        (Fraction(14), Fraction(25), Fraction(25)),
        (Fraction(60), Fraction(60), Fraction(60)),
        (Fraction(120), Fraction(120), Fraction(60)),
        (Fraction(240), Fraction(240), Fraction(60)),
        (Fraction(15), Fraction(15), Fraction(30)),
        (Fraction(5), Fraction(5), Fraction(20)),
        (Fraction(1), Fraction(1), Fraction(32)),
        (Fraction(5, 2), Fraction(25), Fraction(25)),
        (Fraction(9), Fraction(60), Fraction(30)),
        (Fraction(11), Fraction(57), Fraction(22)),
        (Fraction(61), Fraction(61), Fraction(60)),
        (Fraction(125, 2), Fraction(125, 2), Fraction(60)),
        (Fraction(72), Fraction(72), Fraction(36)),
        (Fraction(75), Fraction(75), Fraction(75, 2)),
        (Fraction(100), Fraction(100), Fraction(50)),
        (Fraction(120000, 1001), Fraction(120000, 1001), Fraction(60000, 1001)),
        (Fraction(130), Fraction(130), Fraction(60)),
        (Fraction(144), Fraction(144), Fraction(36)),
        (Fraction(1000), Fraction(25), Fraction(25)),
        (Fraction(50), Fraction(1000), Fraction(50)),
        (Fraction(1000), Fraction(90000), Fraction(25)),
        (None, None, Fraction(25)),
    ],
)
def test_the_rate_is_the_sources_as_far_as_it_makes_sense(average, base, rate):
    assert output_rate(average, base) == rate


def test_interlaced_video_keeps_its_frame_rate_not_that_of_its_fields():
    assert output_rate(Fraction(25), Fraction(50), interlaced=True) == 25
    assert output_rate(Fraction(25), Fraction(50)) == 50


@pytest.mark.parametrize(("counted", "rate"), [(59.94, Fraction(60000, 1001)), (57.0, 57), (8.0, 32), (61.0, 60)])
def test_what_was_counted_stands_in_for_a_container_that_says_nothing_usable(counted, rate):
    assert output_rate(None, Fraction(1000), counted=counted) == rate
    assert output_rate(Fraction(25), Fraction(1000), counted=counted) == 25


@pytest.mark.parametrize("counted", [0.0, 1000.0])
def test_a_count_that_cannot_be_is_ignored(counted):
    assert output_rate(None, Fraction(1000), counted=counted) == 25


@pytest.fixture(params=[50, 60])
def wild(make_media, tmp_path, request):
    """Return a Matroska file without a rate, with pictures a little off their times or missing, and its true rate."""
    chance = np.random.default_rng(1)
    times = np.round((np.arange(240) / request.param + chance.uniform(0.0, 0.008, 240)) * 1000) / 1000
    path = tmp_path / "wild.mkv"
    with av.open(make_media("made.mov", times=times[chance.random(240) > 0.03])) as made, av.open(path, "w") as target:
        stream = target.add_stream_from_template(made.streams.video[0])
        for packet in made.demux(video=0):
            if packet.dts is not None:
                packet.stream, packet.duration = stream, 0
                target.mux(packet)
    with av.open(path) as container:
        said = container.streams.video[0]
        assert not said.average_rate or said.average_rate > 480
        assert said.base_rate > 480
    return path, request.param


def test_without_a_usable_rate_the_first_pictures_are_counted(wild):
    path, rate = wild
    with path.open("rb") as file, Source(file) as source:
        assert float(source.rate) == pytest.approx(rate, rel=0.06)
        assert len(list(source.pictures(0.0, 20))) == 20
        assert source.snapped(1.0) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("nonsense", [0.0, 1000.0])
def test_a_known_rate_that_cannot_be_is_no_reason_not_to_count(wild, nonsense):
    path, rate = wild
    with path.open("rb") as file, Source(file, frame_rate=nonsense) as source:
        assert float(source.rate) == pytest.approx(rate, rel=0.06)


def test_a_rate_that_is_known_from_all_pictures_is_taken_before_that(wild):
    with wild[0].open("rb") as file, Source(file, frame_rate=29.97) as source:
        assert source.rate == Fraction(30000, 1001)
