"""Text is divided, shortened and stacked as an exhaustive search and sums by hand predict."""

from itertools import combinations, pairwise

import pytest
from clipmill.renderer.text import typesetting
from clipmill.renderer.text.typefaces import HEAVY, font
from clipmill.renderer.text.typesetting import GlyphRun, Line, Setting, Type, _Piece, fits, set_words
from hypothesis import given
from hypothesis import strategies as st

TYPE = Type(HEAVY, 80, 700.0)


def width(text, size=80):
    return float(font(HEAVY, size).getlength(text))


def lines(setting):
    return ["|".join(glyph_run.text for glyph_run in line.glyph_runs) for line in setting.lines]


def longest(widths, blanks, cuts):
    return max(sum(widths[a:b]) + sum(blanks[a + 1 : b]) for a, b in pairwise(cuts))


PIECES = st.lists(st.tuples(st.integers(1, 50), st.sampled_from([0, 0, 7]), st.booleans()), min_size=1, max_size=8)


@given(PIECES, st.integers(1, 4))
def test_no_division_has_a_shorter_longest_line(drawn, rows):
    widths, blanks, breaks = ([each[index] for each in drawn] for index in range(3))
    pieces = [_Piece("x", 0, bool(blank), able) for blank, able in zip(blanks, breaks, strict=True)]
    count = len(pieces)
    possible = [
        (0, *cuts, count) for cuts in combinations(range(1, count), rows - 1) if all(breaks[cut] for cut in cuts)
    ]
    found = typesetting._divided(pieces, widths, blanks, rows)
    if not possible:
        assert found is None
        return
    cuts = (found[0][0], *(end for _, end in found))
    assert cuts in possible
    assert [begin for begin, _ in found[1:]] == [end for _, end in found[:-1]]
    assert longest(widths, blanks, cuts) == min(longest(widths, blanks, each) for each in possible)


def test_a_line_is_as_long_as_its_words_and_the_blanks_between_them():
    assert typesetting._length([10, 20, 30, 40], [1, 2, 4, 8], 1, 3) == 20 + 30 + 4
    assert typesetting._length([10, 20, 30, 40], [1, 2, 4, 8], 2, 3) == 30


def test_words_go_into_one_line_exactly_as_long_as_they_fit():
    whole = width("one") + width("two") + 0.27 * 80
    assert len(set_words(["one", "two"], Type(HEAVY, 80, whole + 0.01)).lines) == 1
    assert fits(["one", "two"], Type(HEAVY, 80, whole + 0.01, rows=1))
    assert len(set_words(["one", "two"], Type(HEAVY, 80, whole - 0.01)).lines) == 2
    assert not fits(["one", "two"], Type(HEAVY, 80, whole - 0.01, rows=1))


def test_two_lines_take_words_that_fill_both():
    each = width("mmmm")
    assert lines(set_words(["mmmm", "mmmm"], Type(HEAVY, 80, each + 15))) == ["mmmm", "mmmm"]
    three = set_words(["mmmm"] * 3, Type(HEAVY, 80, each + 15, rows=3))
    assert (three.size, len(three.lines)) == (80, 3)
    assert set_words(["mmmm"] * 3, Type(HEAVY, 80, each + 15, rows=2)).size < 80


def test_a_size_that_has_no_room_is_lowered_by_a_twenty_fifth_at_a_time():
    sizes = [80, 76, 72, 69, 66, 63, 60, 57, 54, 51, 48]
    for size, larger in zip(sizes[1:], sizes, strict=False):
        room = width("Unzerbrechlich", size) + 1
        assert room < width("Unzerbrechlich", larger)
        setting = set_words(["Unzerbrechlich"], Type(HEAVY, 80, room, rows=1))
        assert (setting.size, lines(setting)) == (size, ["Unzerbrechlich"])


def test_a_word_that_would_have_to_be_smaller_than_three_fifths_is_broken():
    room = width("Unzerbrechlich", 46)
    setting = set_words(["Unzerbrechlich"], Type(HEAVY, 80, room, rows=2))
    assert setting.size == 46
    assert len(setting.lines) == 2
    assert "".join(lines(setting)).replace("|", "") == "Unzerbrechlich"


def test_type_is_never_smaller_than_asked_for_unless_a_letter_has_no_room():
    setting = set_words(["many", "words", "that", "go", "on"], Type(HEAVY, 80, 200.0, rows=1, least=0.8))
    assert setting.size >= 64
    assert lines(setting)[0].endswith("…")
    assert set_words(["W"], Type(HEAVY, 80, 10.0)).size < 24
    assert set_words(["W"], Type(HEAVY, 80, 0.5)).size == 1


def test_a_limit_may_be_reached():
    assert set_words(["one"], Type(HEAVY, 80, width("one"), rows=1)).size == 80
    setting = set_words(["Unzerbrechlich"], Type(HEAVY, 50, width("Unzerbrechlich", 48), rows=1, least=0.96))
    assert (setting.size, lines(setting)) == (48, ["Unzerbrechlich"])


def test_words_without_a_drawable_letter_leave_no_line():
    nothing = set_words(["\x00", ""], TYPE)
    assert nothing == Setting(80, ())
    assert (nothing.top, nothing.bottom, nothing.left, nothing.right) == (0, 0, 0, 0)


def pieces_of(*words):
    return [(piece.text, piece.word, piece.blank, piece.breaks) for piece in typesetting._pieces(words)]


def test_words_are_pieces_with_blanks_between():
    assert pieces_of("one", "two") == [("one", 0, False, True), ("two", 1, True, True)]
    assert pieces_of("", "one", "\x00", "two") == [("one", 1, False, True), ("two", 3, True, True)]


def test_chinese_words_have_no_blanks_but_may_be_divided_between_letters():
    assert pieces_of("我们", "走") == [("我", 0, False, True), ("们", 0, False, True), ("走", 1, False, True)]
    assert pieces_of("我们", "。") == [("我", 0, False, True), ("们", 0, False, True), ("。", 1, False, False)]


def broken(text):
    return [(piece.text, piece.breaks) for piece in typesetting._broken([_Piece(text, 3, True, False)])]


def test_a_broken_word_may_be_divided_after_each_letter_and_begins_as_it_did():
    assert broken("abc") == [("a", False), ("b", True), ("c", True)]
    first, second, _ = typesetting._broken([_Piece("abc", 3, True, False)])
    assert (first.word, first.blank, second.word, second.blank) == (3, True, 3, False)


def test_an_address_with_a_mark_about_its_middle_is_divided_after_marks_only():
    assert [able for _, able in broken("abcd/efgh")] == [False] * 5 + [True] + [False] * 3
    assert [able for _, able in broken("a/bcdefgh")] == [False] + [True] * 8, "the mark is in the first third"
    assert [able for _, able in broken("abcdefg/h")] == [False] + [True] * 8, "the mark is in the last third"
    assert [able for _, able in broken("abc/efghi")] == [False] * 4 + [True] + [False] * 4


def test_nothing_is_divided_before_an_ellipsis():
    assert broken("ab…") == [("a", False), ("b", True), ("…", False)]


def shortened(texts, whole_words):
    pieces = [_Piece(text, index, True) for index, text in enumerate(texts)]
    return [(piece.text, piece.word) for piece in typesetting._shortened(pieces, whole_words=whole_words)]


def test_a_text_is_shortened_by_a_word_or_by_an_eighth_of_its_letters():
    assert shortened(["a", "b", "c"], whole_words=True) == [("a", 0), ("b", 1), ("…", 1)]
    assert shortened(["a", "b", "…"], whole_words=True) == [("a", 0), ("…", 0)]
    assert shortened(["a"], whole_words=True) == [("a", 0), ("…", 0)]
    letters = [chr(ord("a") + index) for index in range(16)]
    assert [text for text, _ in shortened(letters, whole_words=False)] == [*letters[:14], "…"]
    last = typesetting._shortened([_Piece("a", 0, True), _Piece("b", 1, True)], whole_words=True)[-1]
    assert (last.blank, last.breaks) == (False, False)


def test_words_of_a_line_stand_side_by_side_about_the_middle():
    (line,) = set_words(["one", "two", "three"], TYPE).lines
    total = width("one") + width("two") + width("three") + 2 * 0.27 * 80
    assert [glyph_run.width for glyph_run in line.glyph_runs] == [width("one"), width("two"), width("three")]
    assert [glyph_run.word for glyph_run in line.glyph_runs] == [0, 1, 2]
    assert line.glyph_runs[0].left == pytest.approx(-total / 2)
    for one, other in pairwise(line.glyph_runs):
        assert other.left == pytest.approx(one.left + one.width + 0.27 * 80)
    assert not any(glyph_run.leftward for glyph_run in line.glyph_runs)


def test_an_emoji_has_room_on_both_sides():
    (line,) = set_words(["🎬"], TYPE).lines
    (emoji,) = line.glyph_runs
    assert emoji.width == pytest.approx(float(font(emoji.font, 80).getlength("🎬")) + 2 * 0.06 * 80)


def test_a_blank_before_a_line_takes_no_room():
    first, second = set_words(["mmmm", "mmmm"], Type(HEAVY, 80, width("mmmm") + 15)).lines
    assert first.glyph_runs[0].left == second.glyph_runs[0].left == pytest.approx(-width("mmmm") / 2)


def test_letters_of_a_word_that_goes_left_are_marked():
    (line,) = set_words(["שלום", "abc"], Type(HEAVY, 60, 900.0)).lines
    assert {glyph_run.text: glyph_run.leftward for glyph_run in line.glyph_runs} == {"שלום": True, "abc": False}
    assert [glyph_run.text for glyph_run in line.glyph_runs] == ["abc", "שלום"]


def test_a_line_is_at_least_as_high_as_a_capital_and_as_deep_as_usual_letters():
    (line,) = set_words(["xo"], TYPE).lines
    assert line.top == pytest.approx(line.baseline - 0.727 * 80)
    assert line.bottom == pytest.approx(line.baseline + 0.2 * 80)
    (deep,) = set_words(["ÅĢ"], TYPE).lines
    _, top, _, bottom = font(HEAVY, 80).getbbox("ÅĢ", anchor="ls")
    assert deep.top == pytest.approx(deep.baseline + top)
    assert deep.bottom == pytest.approx(deep.baseline + bottom)
    assert top < -0.727 * 80
    assert bottom > 0.2 * 80


def test_the_middle_is_half_way_between_the_first_capitals_and_the_last_baseline():
    (line,) = set_words(["xo"], TYPE).lines
    assert line.baseline == pytest.approx(0.727 * 80 / 2)
    first, second = set_words(["mmmm", "mmmm"], Type(HEAVY, 80, width("mmmm") + 15)).lines
    assert second.baseline - first.baseline == pytest.approx(1.18 * 80)
    assert first.baseline - 0.727 * 80 == pytest.approx(-second.baseline)


def test_lines_whose_ink_would_touch_stand_a_tenth_farther_apart_than_it_reaches():
    tall = Line((GlyphRun("x", HEAVY, 0, False, -5.0, 10.0),), 0.0, -90.0, 70.0)
    setting = typesetting._stacked([tall, tall, tall], 80, TYPE)
    assert [one.baseline - other.baseline for other, one in pairwise(setting.lines)] == [168.0, 168.0]
    assert [line.top - line.baseline for line in setting.lines] == [-90.0] * 3
    assert [line.bottom - line.baseline for line in setting.lines] == [70.0] * 3
    assert setting.top == setting.lines[0].top
    assert setting.bottom == setting.lines[2].bottom


def test_ink_that_hangs_over_counts_for_both_sides():
    one, other = GlyphRun("a", HEAVY, 0, False, -30.0, 20.0, 4.0), GlyphRun("b", HEAVY, 1, False, 0.0, 25.0, 7.0)
    line = Line((one, other), 0.0, -1.0, 1.0)
    assert (line.left, line.right) == (-34.0, 32.0)
    setting = Setting(10, (line, Line((GlyphRun("c", HEAVY, 2, False, -50.0, 60.0),), 2.0, -3.0, 5.0)))
    assert (setting.left, setting.right, setting.top, setting.bottom) == (-50.0, 32.0, -3.0, 5.0)


def test_overhang_is_the_ink_beyond_the_width():
    up, down, beyond = typesetting._ink("j", HEAVY, 80)
    left, top, right, bottom = font(HEAVY, 80).getbbox("j", anchor="ls")
    assert (up, down) == (-top, bottom)
    assert beyond == max(0.0, -left, right - width("j"))
    assert beyond > 0
