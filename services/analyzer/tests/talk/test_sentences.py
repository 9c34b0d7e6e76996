"""Words become sentences."""

import pytest
from clipmill.analyzer.talk.sentences import SENTENCE_SECONDS, joined, reach_of, sentences_of, words_of
from clipmill.contracts.documents import Segment, Transcript, Word


def _words(text, pauses=None):
    """Return words of a third of a second each, with `pauses` after some of them, by index."""
    words, time = [], 0.0
    for index, word in enumerate(text.split()):
        words.append(Word(text=word, start=round(time, 3), end=round(time + 0.3, 3)))
        time += 0.3 + (pauses or {}).get(index, 0.05)
    return words


def _texts(text, pauses=None):
    return [sentence.text for sentence in sentences_of(_words(text, pauses))]


def test_a_sentence_ends_at_a_full_stop_a_question_mark_or_an_exclamation_mark():
    assert _texts("It works. Does it? Yes! Good.") == ["It works.", "Does it?", "Yes!", "Good."]


def test_a_full_stop_inside_quotes_ends_a_sentence():
    assert _texts("He said “stop.” Then he left.") == ["He said “stop.”", "Then he left."]


@pytest.mark.parametrize(
    "text",
    [
        "We met Dr. Smith at noon.",
        "It grew by 3. 5 percent last year.",
        "It rose by 3.5 percent last year.",
        "Look at fig. two for more.",
        "J. R. Tolkien wrote it.",
        "We met at 9 a.m. in the hall.",
        "Bring pens, paper, etc. and a chair.",
        "See No. 5 for that.",
        "So it began... and it went on.",
    ],
)
def test_abbreviations_initials_and_decimals_do_not_end_a_sentence(text):
    assert _texts(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "We opened the old door. and found nothing.",
        "They lived in the. House by the river.",
        "She built a machine. Which nobody had asked for.",
        "He met the keeper. Who had lost his keys.",
        "The bakery closed. Because it rained.",
        "It was the end. Of the winter in the north.",
        "The U.S. Senator met the U.N. Council.",
    ],
)
def test_a_full_stop_at_a_pause_does_not_end_a_sentence_that_goes_on(text):
    assert _texts(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "She built a machine. Which machine was it?",
        "The bakery closed. Because it rained, nobody came.",
        "The bakery closed. In winter it opened.",
        "Did you see the? Harbour is closed.",
        "The paper praised it. iPads sold well.",
        "He lived in the U.S. They moved away.",
        "The bakery closed. Never again!",
    ],
)
def test_a_sentence_that_stands_alone_is_not_joined_to_the_one_before(text):
    assert len(_texts(text)) == 2


def test_small_letters_mean_nothing_where_no_sentence_has_a_capital():
    assert len(_texts("we went there. then we came back. it was late.")) == 3


def test_sentences_are_not_joined_over_a_long_pause_or_into_an_endless_one():
    assert len(_texts("We opened it. and found nothing.", {2: 2.5})) == 2
    long = " ".join(["Stop."] * 5 + ["One", *["word"] * 60]) + "."
    assert len(sentences_of(_words(f"{long} and then {long}"))) > len(sentences_of(_words(long)))


def test_english_words_join_nothing_in_other_languages():
    words = _words("Das war die. Who war es.")
    assert len(sentences_of(words, language="de")) == 2


def test_a_last_clause_that_ends_a_little_after_the_last_picture_is_kept():
    words = (Word(text="All", start=8.0, end=9.5), Word(text="lost.", start=9.6, end=10.7))
    segment = Segment(text="All lost.", start=8.0, end=10.7, words=words)
    transcript = Transcript(language="en", duration=10.8, segments=(segment,))
    assert reach_of(transcript, 10.0) == 10.7
    assert reach_of(transcript, 9.0) == 9.0
    assert reach_of(transcript, 11.0) == 11.0


def test_sound_that_goes_on_after_the_picture_is_kept_up_to_a_full_stop():
    words = (
        Word(text="Done.", start=9, end=10.4),
        Word(text="Then", start=10.5, end=10.8),
        Word(text="x", start=12, end=13),
    )
    segment = Segment(text="x", start=9, end=13, words=words)
    assert reach_of(Transcript(language="en", duration=13, segments=(segment,)), 10.0) == 10.4


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("He said no. Then he left.", 2),
        ("We met at 9 a.m. Then we left.", 2),
        ("She works for Acme Inc. They pay well.", 2),
    ],
)
def test_an_abbreviation_before_a_capital_may_end_a_sentence(text, count):
    assert len(_texts(text)) == count


def test_a_pause_ends_a_sentence_where_there_is_no_punctuation():
    assert _texts("we went there then we came back", {2: 0.8}) == ["we went there", "then we came back"]


def test_a_long_sentence_without_punctuation_is_divided_at_its_longest_pause():
    text = " ".join(["word"] * 8 + ["end"] + ["word"] * 11)
    assert _texts(text, {8: 0.4}) == [" ".join(["word"] * 8 + ["end"]), " ".join(["word"] * 11)]


def test_a_short_pause_inside_a_punctuated_sentence_does_not_end_it():
    assert _texts("And the answer is simply no. Good.", {3: 1.0}) == ["And the answer is simply no.", "Good."]


def test_a_long_pause_always_ends_a_sentence():
    assert _texts("And the answer is simply no. Good.", {3: 2.5}) == ["And the answer is", "simply no.", "Good."]


def test_endless_speech_is_divided_at_commas_near_the_middle():
    text = " ".join(["Stop."] * 5 + ["word"] * 50 + ["comma,"] + ["word"] * 50)
    sentences = sentences_of(_words(text))
    assert sentences[5].text.endswith("comma,")
    assert all(sentence.seconds <= SENTENCE_SECONDS for sentence in sentences)


def test_words_without_times_are_spread_over_their_segment():
    transcript = Transcript(language="en", duration=10, segments=(Segment(text="Hello you", start=1.0, end=3.0),))
    words = words_of(transcript, 10)
    assert [word.text for word in words] == ["Hello", "you"]
    assert words[0].start == 1.0
    assert words[-1].end == pytest.approx(3.0)


def test_words_after_the_last_picture_are_left_out():
    words = (Word(text="in", start=1, end=2), Word(text="half", start=2.5, end=3.5), Word(text="out", start=4, end=5))
    transcript = Transcript(language="en", duration=5, segments=(Segment(text="x", start=1, end=5, words=words),))
    assert [(word.text, word.end) for word in words_of(transcript, 3.0)] == [("in", 2), ("half", 3.0)]


def test_scripts_without_blanks_are_joined_without_blanks():
    assert joined(["今日", "は", "晴れ"]) == "今日は晴れ"
    assert joined(["two", "words"]) == "two words"
