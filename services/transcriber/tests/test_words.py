import pytest
from clipmill.transcriber.recognising.words import RawWord, tidy
from hypothesis import given
from hypothesis import strategies as st

times = st.none() | st.floats() | st.floats(0, 100)
pieces = st.builds(
    RawWord,
    text=st.text(max_size=8) | st.text("ab1 .,-'", max_size=5).map(lambda text: f" {text}"),
    start=times,
    end=times,
    score=st.none() | st.floats(),
)
languages = st.sampled_from(["en", "de", "ja"])


def texts(timed):
    return [word.word.text for word in timed]


def spans(timed):
    return [(word.word.start, word.word.end) for word in timed]


@given(st.lists(pieces, max_size=40), st.floats(0, 200), languages)
def test_words_are_in_order_without_overlap_and_inside_the_sound_however_odd_the_raw_words(raw, duration, language):
    words = [timed.word for timed in tidy(raw, duration, language)]

    previous = 0.0
    for word in words:
        assert previous <= word.start < word.end
        assert 0.0 <= word.score <= 1.0
        previous = word.end
    assert previous <= max(duration, len(words) / 1000)


@given(st.lists(pieces, max_size=40), st.floats(0, 200), languages)
def test_no_letter_is_lost_and_no_word_is_blank(raw, duration, language):
    words = [timed.word.text for timed in tidy(raw, duration, language)]

    assert all(word == word.strip() != "" for word in words)
    assert [char for word in words for char in word if char.isalnum()] == [
        char for piece in raw for char in piece.text if char.isalnum()
    ]


def test_times_that_are_already_good_stay_as_they_are():
    raw = [RawWord(" Good", 0.5, 0.8, 0.9), RawWord(" morning.", 0.8, 1.3, 0.8)]

    assert spans(tidy(raw, 2.0, "en")) == [(0.5, 0.8), (0.8, 1.3)]


def test_digits_without_times_share_the_gap_between_their_neighbours_by_length():
    raw = [RawWord(" in", 1.0, 1.2), RawWord(" 19"), RawWord(" 1984"), RawWord(" again", 1.8, 2.0)]

    assert spans(tidy(raw, 3.0, "en"))[1:3] == [(1.2, 1.4), (1.4, 1.8)]


def test_a_word_in_pieces_becomes_one_word():
    raw = [RawWord(" ninety", 1.0, 1.4), RawWord("-one", 1.4, 1.7), RawWord(" hours", 1.7, 2.0)]

    assert texts(tidy(raw, 3.0, "en")) == ["ninety-one", "hours"]


@pytest.mark.parametrize(
    "text",
    ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937", "\U0001f469\u200d\U0001f467"],
)
def test_words_keep_the_joiners_that_they_are_written_with(text):
    raw = [RawWord(" one", 0.0, 0.4), RawWord(f" {text}", 0.4, 1.0)]

    assert text in " ".join(texts(tidy(raw, 3.0, "fa")))


def test_a_mark_that_stands_alone_goes_to_the_word_before_and_leaves_its_times():
    raw = [RawWord(" wait", 1.0, 1.4), RawWord(" -", 1.4, 2.2), RawWord(" what?", 2.2, 2.6)]

    assert spans(tidy(raw, 3.0, "en"))[0] == (1.0, 1.4)
    assert texts(tidy(raw, 3.0, "en")) == ["wait -", "what?"]


def test_a_language_without_spaces_keeps_its_characters_apart():
    raw = [RawWord("今", 0.0, 0.2), RawWord("日", 0.2, 0.4), RawWord("。", 0.4, 0.4)]

    assert texts(tidy(raw, 1.0, "ja")) == ["今", "日。"]
    assert all(timed.glued for timed in tidy(raw, 1.0, "ja"))
