from functools import partial
from itertools import pairwise

import pytest
from clipmill.artifacts.subtitles import srt, webvtt
from clipmill.contracts.documents import Segment, Word
from clipmill.contracts.options import CaptionStyle, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.text.captions import FLASH_SECONDS, MOST_WORDS, chunks, clip_words, cues, masked_segments
from clipmill.renderer.text.scripts import joined
from clipmill.renderer.text.styles import style_of, type_of
from clipmill.renderer.text.typesetting import fits
from hypothesis import given, settings
from hypothesis import strategies as st

ANY_WORD = st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1, max_size=30)
CANVAS = CANVASES[OutputFormat.VERTICAL]
FITS = partial(fits, type_=type_of(style_of(CaptionStyle.BOLD), CANVAS))


def timed(texts, gap=0.0, length=0.3):
    return [
        Word(text=text, start=index * (length + gap), end=index * (length + gap) + length)
        for index, text in enumerate(texts)
    ]


def texts(made):
    return [" ".join(chunk.texts) for chunk in made]


def test_masked_words_keep_their_times():
    words = tuple(timed(["Oh,", "shit!", "Ask", "Dick."]))
    segments = [
        Segment(text="Oh, shit! Ask Dick.", start=0, end=2, words=words),
        Segment(text="Was für ein Scheiß", start=2, end=3),
    ]
    english, german = masked_segments(segments, "de")
    assert [word.text for word in english.words] == ["Oh,", "s***!", "Ask", "Dick."]
    assert [(word.start, word.end) for word in english.words] == [(word.start, word.end) for word in words]
    assert english.text == "Oh, s***! Ask Dick."
    assert german.text == "Was für ein S*****"


def test_a_chunk_ends_with_its_sentence():
    made = chunks([timed("It works. Nobody knows why.".split())], FITS, 10)
    assert texts(made) == ["It works.", "Nobody knows why."]


def test_a_chunk_ends_at_a_pause():
    words = [*timed(["and", "then"]), Word(text="nothing", start=2.0, end=2.4), Word(text="came", start=2.4, end=2.7)]
    assert texts(chunks([words], FITS, 10)) == ["and then", "nothing came"]


def test_a_chunk_prefers_to_end_at_a_comma():
    made = chunks([timed("If boarding were fast, nobody would pay extra".split())], FITS, 10)
    assert texts(made)[0] == "If boarding were fast,"


def test_a_word_that_is_said_to_last_too_long_makes_no_other_late():
    words = timed("one two three four".split())
    words[1] = Word(text="two", start=0.3, end=5.0)
    (said,) = clip_words([Segment(text="", start=0, end=5, words=tuple(words))], 0, 10)
    assert [word.start for word in said] == pytest.approx([0.0, 0.3, 0.6, 0.9])
    assert said[1].end == pytest.approx(0.6)


def test_no_word_is_left_alone_if_it_can_join_others():
    made = chunks([timed("one two three four five six".split())], FITS, 10)
    assert min(len(chunk.words) for chunk in made) >= 2


def test_a_chunk_stays_until_the_next_unless_there_is_a_pause():
    words = [*timed(["One", "two."]), *[Word(text="Three.", start=1.0, end=1.3)], Word(text="Four.", start=5, end=5.2)]
    made = chunks([words], FITS, 20)
    assert made[0].end == made[1].start
    assert made[1].end == pytest.approx(1.7)
    assert made[2].end == pytest.approx(5.6)


@given(st.lists(ANY_WORD, min_size=1, max_size=25), st.floats(0, 0.9), st.floats(0.0, 0.5))
@settings(max_examples=60, deadline=None)
def test_every_word_is_shown_once_in_order_in_chunks_that_fit(words, gap, length):
    sentence = timed(words, gap, length)
    made = chunks([sentence], FITS, sentence[-1].end + 1)
    assert "".join(word.text for chunk in made for word in chunk.words) == "".join(words)
    assert all(first.end <= second.start for first, second in pairwise(made))
    assert all(chunk.end > chunk.start for chunk in made)
    said = [word for chunk in made for word in chunk.words]
    assert all(first.start <= second.start for first, second in pairwise(said))
    for chunk in made:
        flashes = any(second.start - first.start < FLASH_SECONDS for first, second in pairwise(chunk.words))
        assert len(chunk.words) == 1 or flashes or FITS(chunk.texts)
        assert flashes or len([word for word in chunk.texts if word.isascii()]) <= MOST_WORDS


def test_words_without_length_are_not_lost():
    words = [Word(text=text, start=1.0, end=1.0) for text in ("all", "at", "once.")]
    made = chunks([words, [Word(text="Then", start=1.0, end=1.5)]], FITS, 1.5)
    assert [word for chunk in made for word in chunk.texts] == ["all", "at", "once.", "Then"]


def test_a_long_run_of_chinese_is_divided_and_its_time_with_it():
    run = "我们今天去公园玩得非常开心然后回家吃饭睡觉看电视"
    made = chunks([[Word(text=run, start=0.0, end=6.0)]], FITS, 6.0)
    assert len(made) > 1
    assert all(len(joined(chunk.texts)) <= 16 and FITS(chunk.texts) for chunk in made)
    assert "".join(joined(chunk.texts) for chunk in made) == run
    assert made[1].start == pytest.approx(6.0 * len(joined(made[0].texts)) / len(run))


def test_a_chunk_of_japanese_ends_after_an_ending_or_a_particle():
    made = chunks([timed([*"祖母は小さな町で一人で暮らしています。"], length=0.15)], FITS, 5)
    assert [joined(chunk.texts) for chunk in made] == ["祖母は小さな町で", "一人で暮らしています。"]


def test_letters_and_marks_that_come_one_by_one_are_put_together():
    thai = [*"สวัสดี", *"ครับ"]
    made = chunks([timed(thai, length=0.1)], FITS, 5)
    assert "".join(joined(chunk.texts) for chunk in made) == "สวัสดีครับ"
    assert not any(text[0] in "\u0e31\u0e35" for chunk in made for text in chunk.texts)


def test_a_separate_full_stop_joins_its_word():
    made = chunks([timed(["好", "。", "「", "行", "」"])], FITS, 5)
    assert [text for chunk in made for text in chunk.texts] == ["好。", "「行」"]


@pytest.mark.parametrize("text", ["O'Brien", "l'eau", "rock 'n' roll", "R&D <3 🔥", "…", "مرحبا", "½"])
def test_a_name_never_loses_its_caption(text):
    made = chunks([timed(text.split())], FITS, 10)
    assert " ".join(word for chunk in made for word in chunk.texts) == text


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


def test_webvtt_is_written_as_players_want_it():
    made = chunks([timed(["R&D", "<first>."])], FITS, 0.6)
    assert webvtt(cues(made)) == "WEBVTT\n\n00:00:00.000 --> 00:00:00.600\nR&amp;D &lt;first&gt;.\n"


def test_webvtt_of_nothing_is_an_empty_file_of_its_kind():
    assert webvtt([]) == "WEBVTT\n"
    assert srt([]) == ""


def test_subrip_is_numbered_and_not_escaped():
    words = [*timed(["R&D", "<first>."]), Word(text="Then", start=3661.5, end=3662.0)]
    assert srt(cues(chunks([words], FITS, 4000))) == (
        "1\n00:00:00,000 --> 00:00:01,000\nR&D <first>.\n\n2\n01:01:01,500 --> 01:01:02,400\nThen\n"
    )


@given(st.lists(st.tuples(ANY_WORD, st.floats(0, 0.4), st.floats(0, 0.3)), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_cues_are_never_empty_and_never_overlap(said):
    words, time = [], 0.0
    for text, length, gap in said:
        words.append(Word(text=text, start=time, end=time + length))
        time += length + gap
    made = chunks([words], FITS, time + 0.5)
    stamps = [line.split(" --> ") for line in srt(cues(made)).splitlines() if " --> " in line]
    assert len(stamps) == len(made)
    assert all(begin < end for begin, end in stamps)
    assert all(first[1] <= second[0] for first, second in pairwise(stamps))
