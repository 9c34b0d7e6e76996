import pytest
from clipmill.renderer.text.scripts import breakable, clusters, joined, joins_left, joins_right, pieces, spaced
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("👩🏽\u200d💻👍🏾", ["👩🏽\u200d💻", "👍🏾"]),
        ("🇩🇪🇯🇵", ["🇩🇪", "🇯🇵"]),
        ("1\ufe0f\u20e3x", ["1\ufe0f\u20e3", "x"]),
        ("นำ้เก่า", ["นำ้", "เก่า"]),
        ("क्षमा", ["क्ष", "मा"]),
    ],
)
def test_parts_of_one_character_stay_together(text, parts):
    assert clusters(text) == parts


@given(st.text())
def test_nothing_is_lost_in_clusters_and_pieces(text):
    assert "".join(clusters(text)) == text
    assert "".join(pieces(text)) == text


def test_no_line_of_japanese_begins_with_a_closing_mark_or_ends_with_an_opening_one():
    assert pieces("「東京。」とキャラ") == ["「東", "京。」", "と", "キャ", "ラ"]


def test_a_word_with_blanks_around_it_is_not_broken():
    assert pieces("l'eau") == ["l'eau"]
    assert pieces("rock-'n'-roll") == ["rock-'n'-roll"]
    assert pieces("안녕하세요") == ["안녕하세요"]


def test_a_line_may_break_before_and_after_chinese_and_pictures():
    assert breakable("iPhone", "很好")
    assert breakable("wow", "🔥")
    assert not breakable("很好", "。")


def test_chinese_japanese_and_thai_are_joined_without_blanks():
    assert joined(["你好", "世界", "hello", "there"]) == "你好世界 hello there"
    assert joined(["สวัสดี", "ครับ"]) == "สวัสดีครับ"
    assert spaced("안녕", "하세요")


def test_marks_cannot_stand_alone():
    assert joins_left("。")
    assert joins_left("\u0e31")
    assert joins_left("\u200d💻")
    assert joins_right("「")
    assert joins_right("เ")
    assert not joins_left("ไป")
