"""Titles, captions and hashtags."""

import pytest
from clipmill.analyzer.talk.titles import (
    caption_of,
    clean_hashtags,
    human_title,
    limited_hashtags,
    paired_quotes,
    title_from,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("and so, this is it.", "And so, this is it"),
        ("Why do we wait?", "Why do we wait?"),
        ("“Never again!”", "Never again!"),
        ("One\nline,\x00 please -", "One line, please"),
        ("Okay", "Okay"),
        ("", ""),
    ],
)
def test_a_title_is_one_clean_line(text, title):
    assert title_from(text) == title


@pytest.mark.parametrize(
    ("text", "language", "title"),
    [
        ("and so, this is it.", "en", "This is it"),
        ("Well, you know, nobody asked.", "en", "Nobody asked"),
        ("No one ever asked.", "en", "No one ever asked"),
        ("You know the answer.", "", "You know the answer"),
        ("So ist das Leben.", "de", "So ist das Leben"),
        ("「なぜ。」", "ja", "なぜ"),
        ("¿Por qué no?", "es", "¿Por qué no?"),
    ],
)
def test_a_title_leaves_out_what_english_speakers_say_before_they_begin(text, language, title):
    assert title_from(text, spoken_in=language) == title


@given(st.text(max_size=400))
def test_a_title_is_never_too_long(text):
    title = title_from(text)
    assert len(title) <= 101 if title[:1] != text[:1] else len(title) <= 100
    assert title == title.strip()
    assert "\n" not in title


def test_a_long_title_is_cut_after_a_word():
    assert title_from("word " * 40) == "Word" + " word" * 19


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Why airlines board slowly", "Why airlines board slowly"),
        ("Big Buck Bunny.mp4", "Big Buck Bunny"),
        ("2001: A Space Odyssey", "2001: A Space Odyssey"),
        ("日本の夏休み", "日本の夏休み"),
        ("big_buck_bunny", ""),
        ("interview", ""),
        ("final-cut-3", ""),
        ("VID 20230405 101112.mp4", ""),
        ("2024-03-01 10.22.33", ""),
        ("IMG_2034.MOV", ""),
        ("VID-20240501-WA0001", ""),
        ("New Recording 5", ""),
        ("Screen Recording 2026-05-01 at 12.30.11.mov", ""),
        ("Bildschirmaufnahme 2024-05-01 um 12.30", ""),
        ("Aufnahme 12", ""),
        ("Untitled design (3)", ""),
        ("video playback (1)", ""),
        ("final cut v3.mp4", ""),
        ("file one.mp4", ""),
        ("zoom_0", ""),
        ("GX010023", ""),
        ("A trip to Rome final v3 (2).mp4", "A trip to Rome"),
        ("The final countdown", "The final countdown"),
        ("", ""),
    ],
)
def test_the_name_of_a_file_is_no_title(name, title):
    assert human_title(name) == title


def test_a_long_title_ends_with_its_phrase():
    text = "We looked at every single house on the long road to the north and to the south, and then at the shed of the"
    assert title_from(text) == "We looked at every single house on the long road to the north and to the south"
    assert title_from(text.replace(",", "")[:104]).endswith("at the shed")


@pytest.mark.parametrize(
    ("text", "paired"),
    [
        ('"Never again.', "Never again."),
        ('He said, "Go," and left"', 'He said, "Go," and left'),
        ("\u201cYes\u201d and \u201cno", "\u201cYes\u201d and no"),
        ("\u201eJa\u201c, sagt er.", "\u201eJa\u201c, sagt er."),
    ],
)
def test_a_quotation_mark_without_its_other_half_is_dropped(text, paired):
    assert paired_quotes(text) == paired


def test_hashtags_of_swear_words_are_dropped():
    assert clean_hashtags("Look! #shit #work #shitake") == "Look! #work #shitake"


def test_surplus_hashtags_are_dropped():
    assert limited_hashtags("Look! #a #b #c #d #e #f #g") == "Look! #a #b #c #d #e"


def test_a_caption_keeps_its_hashtags_within_the_limit():
    caption = caption_of("word " * 1000, ["#one", "#two"])
    assert len(caption) <= 2200
    assert caption.endswith("#one #two")
