from itertools import pairwise

import pytest
from clipmill.renderer.text.typefaces import HEAVY, legible
from clipmill.renderer.text.typesetting import Type, fits, set_words
from hypothesis import example, given, settings
from hypothesis import strategies as st

TYPE = Type(HEAVY, 80, 700.0)
WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def lines(setting):
    return ["|".join(glyph_run.text for glyph_run in line.glyph_runs) for line in setting.lines]


def test_words_that_fit_stand_in_one_line_in_the_middle():
    setting = set_words(["one", "two"], TYPE)
    assert lines(setting) == ["one|two"]
    assert setting.left == pytest.approx(-setting.right, abs=8)


def test_two_lines_are_as_even_as_can_be():
    assert lines(set_words("Donna never arrives late again".split(), TYPE)) == ["Donna|never", "arrives|late|again"]


def test_lines_do_not_touch():
    setting = set_words(["ÅÇgjq", "Ệģ", "ปู่ญี่", "ཧྐྱི"], Type(HEAVY, 80, 300.0))
    assert len(setting.lines) == 2
    assert all(below.top > above.bottom for above, below in pairwise(setting.lines))


def test_text_of_both_directions_is_ordered_as_it_is_read():
    line = set_words(["קנה", "iPhone", "15", "חדש"], Type(HEAVY, 60, 900.0)).lines[0]
    assert [glyph_run.text for glyph_run in line.glyph_runs] == ["חדש", "iPhone", "15", "קנה"]
    assert [glyph_run.word for glyph_run in line.glyph_runs] == [3, 1, 2, 0]


def test_no_line_begins_with_a_stop():
    setting = set_words(["我们今天去公园。"], Type(HEAVY, 80, 80 * 7.2))
    assert len(setting.lines) == 2
    assert setting.size == 80
    assert not setting.lines[1].glyph_runs[0].text.startswith("。")


def test_a_long_word_first_shrinks():
    setting = set_words(["Unabhängigkeitserklärung"], TYPE)
    assert setting.size < TYPE.size
    assert len(setting.lines) == 1


def test_an_address_that_is_longer_still_is_broken_after_a_mark():
    setting = set_words(["https://example.org/a/very-long/path-to-something"], TYPE)
    assert len(setting.lines) == 2
    assert lines(setting)[0][-1] in "/-."


def test_text_without_end_ends_with_an_ellipsis():
    setting = set_words(["a" * 3000], TYPE)
    assert lines(setting)[-1].endswith("…")
    assert setting.size >= 20


def test_the_last_words_are_dropped_to_keep_type_readable():
    title = Type(HEAVY, 70, 700.0, rows=3, least=0.62)
    setting = set_words(("The unbelievable story of how everything changed " * 5).split(), title)
    assert len(setting.lines) == 3
    assert setting.size >= 43
    assert lines(setting)[-1].endswith("…")


@given(st.lists(WORD, max_size=6))
@example(["\u0301"])
@example(["👨\u200d👩\u200d👧" * 12])
@example(["W" * 30] * 5)
@example(["ﷺ﷽", "꧅"])
@settings(max_examples=120, deadline=None)
def test_whatever_is_said_has_room_and_every_legible_word_is_there(words):
    setting = set_words(words, TYPE)
    assert len(setting.lines) <= TYPE.rows
    assert setting.left >= -TYPE.width / 2 - 1
    assert setting.right <= TYPE.width / 2 + 1
    shown = [index for index, word in enumerate(words) if legible(word)]
    set_ = {glyph_run.word for line in setting.lines for glyph_run in line.glyph_runs}
    assert set_ <= set(shown)
    if not any("…" in line for line in lines(setting)):
        assert set_ == set(shown)
    if fits(words, TYPE) and setting.lines:
        assert setting.size >= 0.9 * TYPE.size
