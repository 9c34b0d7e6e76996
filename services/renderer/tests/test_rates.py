from fractions import Fraction

import pytest
from clipmill.renderer.reading.rates import output_rate


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
        (None, None, Fraction(25)),
    ],
)
def test_the_rate_is_the_sources_as_far_as_it_makes_sense(average, base, rate):
    assert output_rate(average, base) == rate


def test_interlaced_video_keeps_its_frame_rate_not_that_of_its_fields():
    assert output_rate(Fraction(25), Fraction(50), interlaced=True) == 25
    assert output_rate(Fraction(25), Fraction(50)) == 50
