from itertools import pairwise

import pytest
from clipmill.contracts.documents import Segment, Word
from clipmill.renderer import lettering
from clipmill.renderer.captions import MOST_WORDS, chunks, clip_words, joined, webvtt
from clipmill.renderer.compositing import blend
from clipmill.renderer.encoding import Encoder
from clipmill.renderer.faces import Box
from clipmill.renderer.lettering import SAFE_BOTTOM, SAFE_LEFT, SAFE_RIGHT, SAFE_TOP
from hypothesis import assume, given, settings
from hypothesis import strategies as st

ANY_WORD = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30)


def timed(texts, gap=0.0, length=0.3):
    return [
        Word(text=text, start=index * (length + gap), end=index * (length + gap) + length)
        for index, text in enumerate(texts)
    ]


def texts(made):
    return [" ".join(chunk.texts) for chunk in made]


def test_a_chunk_ends_with_its_sentence():
    made = chunks([timed("It works. Nobody knows why.".split())], lettering.fits, 10)
    assert texts(made) == ["It works.", "Nobody knows why."]


def test_a_chunk_ends_at_a_pause():
    words = [*timed(["and", "then"]), Word(text="nothing", start=2.0, end=2.4), Word(text="came", start=2.4, end=2.7)]
    assert texts(chunks([words], lettering.fits, 10)) == ["and then", "nothing came"]


def test_a_chunk_rather_ends_at_a_comma():
    made = chunks([timed("If boarding were fast, nobody would pay extra".split())], lettering.fits, 10)
    assert texts(made)[0] == "If boarding were fast,"


def test_no_word_is_left_alone_if_it_can_be_helped():
    made = chunks([timed("one two three four five six".split())], lettering.fits, 10)
    assert min(len(chunk.words) for chunk in made) >= 2


def test_a_chunk_stays_until_the_next_unless_there_is_a_pause():
    words = [*timed(["One", "two."]), *[Word(text="Three.", start=1.0, end=1.3)], Word(text="Four.", start=5, end=5.2)]
    made = chunks([words], lettering.fits, 20)
    assert made[0].end == made[1].start
    assert made[1].end == pytest.approx(1.7)
    assert made[2].end == pytest.approx(5.6)


@given(st.lists(ANY_WORD, min_size=1, max_size=25), st.floats(0, 0.9))
@settings(max_examples=50, deadline=None)
def test_every_word_is_shown_once_in_order_in_chunks_that_fit(words, gap):
    sentence = timed(words, gap)
    made = chunks([sentence], lettering.fits, sentence[-1].end + 1)
    assert [word for chunk in made for word in chunk.words] == sentence
    assert all(first.end <= second.start for first, second in pairwise(made))
    for chunk in made:
        assert len(chunk.words) == 1 or lettering.fits(chunk.texts)
        latin = [word for word in chunk.texts if word.isascii()]
        assert len(latin) <= MOST_WORDS


@given(st.lists(ANY_WORD, min_size=1, max_size=5), st.integers(0, 4))
@settings(max_examples=50, deadline=None)
def test_text_stays_in_the_safe_zone_whatever_is_said(words, active):
    assume(len(words) == 1 or lettering.fits(words))
    setting = lettering.set_words(words)
    cover = lettering.draw_words(setting, active)
    assert cover.left >= SAFE_LEFT
    assert cover.left + cover.width <= SAFE_RIGHT
    assert cover.top >= SAFE_TOP
    assert cover.top + cover.height <= SAFE_BOTTOM


@pytest.mark.parametrize("word", ["Donaudampfschifffahrtsgesellschaft", "W" * 60, "https://example.org/" + "a" * 150])
def test_a_long_word_shrinks_instead_of_running_out(word):
    setting = lettering.set_words([word])
    cover = lettering.draw_words(setting, 0)
    assert setting.size < lettering.SIZE
    assert cover.left >= SAFE_LEFT
    assert cover.left + cover.width <= SAFE_RIGHT


@pytest.mark.parametrize(
    "text", ["naïve", "Привет", "Γειά", "שלום", "مرحبا", "नमस्ते", "สวัสดี", "你好", "こんにちは", "안녕"]
)
def test_a_script_has_its_letters(text):
    missing = {bytes(font.getmask("\U0010ffff")) for _, font in lettering._runs(text, 80)}
    for run, font in lettering._runs(text, 80):
        for letter in run:
            mask = bytes(font.getmask(letter))
            assert not mask or mask not in missing


def test_symbols_that_no_font_has_are_left_out():
    assert lettering.legible("♪ la la 🎬") == "la la"


def test_the_word_being_said_is_lit_and_nothing_moves():
    setting = lettering.set_words(["one", "two"])
    first, second = lettering.draw_words(setting, 0), lettering.draw_words(setting, 1)
    assert (first.left, first.top, first.width) == (second.left, second.top, second.width)
    assert (first.layers[1].ink != second.layers[1].ink).any()


def test_blending_changes_only_what_is_covered():
    _, canvas = Encoder.canvas()
    for plane in canvas.planes:
        plane[:] = 90
    cover = lettering.draw_words(lettering.set_words(["Hello"]), 0)
    blend(cover, canvas)
    assert canvas.luma.max() > 180
    assert canvas.luma.min() < 20
    canvas.luma[cover.top : cover.top + cover.height, cover.left : cover.left + cover.width] = 90
    assert (canvas.luma == 90).all()


def test_text_makes_way_for_a_face():
    setting = lettering.set_words(["Hello", "there"])
    middle = Box(300, 1000, 480, 480)
    shifted = lettering.shift(setting, middle, 0)
    cover = lettering.draw_words(setting, 0, shifted)
    assert cover.top + cover.height <= middle.top
    assert cover.top >= SAFE_TOP


@given(st.floats(-200, 1900), st.floats(50, 1500))
@settings(max_examples=50, deadline=None)
def test_text_that_makes_way_stays_in_the_safe_zone(top, size):
    setting = lettering.set_words(["everything", "interrupted", "once"])
    cover = lettering.draw_words(setting, 0, lettering.shift(setting, Box(200, top, size, size), 0))
    assert cover.top >= SAFE_TOP
    assert cover.top + cover.height <= SAFE_BOTTOM


def test_words_belong_to_a_clip_if_their_middle_does():
    words = (Word(text="a", start=0.9, end=1.3), Word(text="b", start=1.3, end=1.8), Word(text="c", start=1.9, end=3))
    kept = clip_words([Segment(text="a b c", start=0.9, end=3, words=words)], 1.0, 2.0)
    assert [(word.text, word.start) for word in kept[0]] == [("a", 0.0), ("b", pytest.approx(0.3))]


def test_a_segment_without_word_times_still_has_captions():
    kept = clip_words([Segment(text="aa bbbb", start=1.0, end=2.2)], 1.0, 3.0)
    assert [(word.text, round(word.start, 2), round(word.end, 2)) for word in kept[0]] == [
        ("aa", 0.0, 0.4),
        ("bbbb", 0.4, 1.2),
    ]


def test_chinese_and_japanese_are_joined_without_blanks():
    assert joined(["你好", "世界", "hello", "there"]) == "你好世界 hello there"


def test_webvtt_is_written_as_players_want_it():
    made = chunks([timed(["R&D", "<first>."])], lettering.fits, 0.6)
    assert webvtt(made) == "WEBVTT\n\n00:00:00.000 --> 00:00:00.600\nR&amp;D &lt;first&gt;.\n"
