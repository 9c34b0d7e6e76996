import pytest
from clipmill.renderer.text.bidi import levels, visual_order


@pytest.mark.parametrize(
    ("text", "leftward", "expected"),
    [
        ("abc אבג", False, [0, 0, 0, 0, 1, 1, 1]),
        ("אבג abc", True, [1, 1, 1, 1, 2, 2, 2]),
        ("אב 123 גד", True, [1, 1, 1, 2, 2, 2, 1, 1, 1]),
        ("قال $15.", True, [1, 1, 1, 1, 1, 2, 2, 1]),
        ("אב $15!", True, [1, 1, 1, 2, 2, 2, 1]),
        ("abc, def!", False, [0] * 9),
        ("שלום!", True, [1] * 5),
        ("x\u0301א\u05b0", False, [0, 0, 1, 1]),
        ("", True, []),
    ],
)
def test_letters_run_as_unicode_has_it(text, leftward, expected):
    assert levels(text, leftward) == expected


def test_runs_are_reordered_from_the_deepest_level_up():
    assert visual_order([0, 1, 2, 1, 0]) == [0, 3, 2, 1, 4]
    assert visual_order([1, 2, 2, 1]) == [3, 1, 2, 0]
    assert visual_order([]) == []
