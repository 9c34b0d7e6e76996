"""The transcript as a model reads it."""

import pytest
from clipmill.analyzer.asking.transcript_chunks import TranscriptChunk
from clipmill.analyzer.asking.transcript_text import TranscriptText, likeliest, speaker_letters
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.contracts.documents import Segment, Transcript


@pytest.fixture
def sentences():
    texts = ["Hello there.", "Never?", "Not once.", "3 times it came.", "Nobody\nnoticed."]
    return [
        Sentence(number=number, text=text, start=10.0 * number, end=10.0 * number + 8)
        for number, text in enumerate(texts, 1)
    ]


def _text(sentences, chunk=None, speakers=None, cuts=(), duration=600.0):
    chunk = chunk or TranscriptChunk(first=0, last=len(sentences) - 1)
    return TranscriptText(sentences, speakers or [""] * len(sentences), cuts, duration).of(chunk)


def test_sentences_are_numbered_and_have_their_time_now_and_then(sentences):
    assert _text(sentences) == ("1@10 Hello there. 2 Never? 3 Not once. 4@40: 3 times it came. 5 Nobody noticed.")


def test_a_chunk_counts_from_one_and_opens_with_a_time(sentences):
    assert _text(sentences, TranscriptChunk(first=2, last=3)) == "1@30 Not once. 2: 3 times it came."


def test_a_speaker_is_named_where_another_begins(sentences):
    text = _text(sentences, speakers=["A", "B", "A", "A", "A"], cuts=[19.0])
    assert text == "1A@10 Hello there. 2B* Never? 3A Not once. 4@40: 3 times it came. 5 Nobody noticed."


def test_a_shot_is_marked_at_the_sentence_that_it_begins_with(sentences):
    text = _text(sentences, cuts=[19.0, 30.2, 45.0])
    assert text == "1@10 Hello there. 2* Never? 3* Not once. 4@40: 3 times it came. 5 Nobody noticed."


def test_sentences_to_which_audiences_react_are_marked(sentences):
    text = TranscriptText(sentences, [""] * 5, [19.0], 600.0, marked={1, 3}).of(TranscriptChunk(first=1, last=4))
    assert text == "1*!@20 Never? 2 Not once. 3!: 3 times it came. 4@50 Nobody noticed."


def test_the_likeliest_tenth_of_the_sentences_is_marked_the_first_of_equal_ones():
    chances = [0.1] * 18 + [0.9, 0.4]
    assert likeliest(chances) == {18, 19}
    assert likeliest([0.1, 0.5, 0.5, 0.5]) == {1}
    assert likeliest([0.2] * 20) == likeliest([]) == frozenset()


def test_shots_that_follow_rhythm_are_not_marked(sentences):
    assert "*" not in _text(sentences, cuts=[float(second) for second in range(1, 60)], duration=60.0)


def test_who_speaks_is_known_by_the_middle_of_a_sentence(sentences):
    segments = tuple(
        Segment(text="x", start=start, end=start + 5, speaker=speaker)
        for start, speaker in ((10, "SPEAKER_03"), (22, "SPEAKER_00"))
    )
    transcript = Transcript(language="en", duration=60.0, segments=segments)
    assert speaker_letters(transcript, sentences) == ["A", "B", "B", "B", "B"]


def test_one_speaker_is_nobody_to_name(sentences):
    segments = (Segment(text="x", start=10.0, end=50.0, speaker="A"),)
    transcript = Transcript(language="en", duration=60.0, segments=segments)
    assert speaker_letters(transcript, sentences) == [""] * 5
