from itertools import pairwise

from clipmill.artifacts.subtitles import CUE_LETTERS, CUE_SECONDS, Cue, cues_of, plain_text, srt, webvtt
from clipmill.contracts.documents import Segment, Transcript, Word
from hypothesis import given
from hypothesis import strategies as st


def segment(words, start=0.0, blank=" ", each=0.4):
    timed = [
        Word(text=word, start=start + each * number, end=start + each * (number + 0.9))
        for number, word in enumerate(words)
    ]
    return Segment(text=blank.join(words), start=timed[0].start, end=timed[-1].end, words=tuple(timed))


def transcript(*segments):
    return Transcript(language="en", duration=1000.0, segments=segments)


def test_a_sentence_that_is_short_enough_is_one_cue():
    assert list(cues_of(transcript(segment(["Nobody", "reads", "manuals."], 2.0)))) == [
        Cue(2.0, 2.0 + 0.4 * 2.9, "Nobody reads manuals.")
    ]


def test_a_long_sentence_is_divided_at_a_comma_where_it_has_one():
    words = (
        "When we came to the harbour that morning with all of our bags and boxes, the boat was gone for good.".split()
    )

    parts = [cue.text for cue in cues_of(transcript(segment(words, each=0.2)))]

    assert parts == [
        "When we came to the harbour that morning with all of our bags and boxes,",
        "the boat was gone for good.",
    ]


def test_a_script_without_blanks_keeps_none():
    cue = next(iter(cues_of(transcript(segment(list("今日は晴れ。"), blank="")))))

    assert cue.text == "今日は晴れ。"


def test_a_segment_without_words_is_one_cue():
    assert list(cues_of(transcript(Segment(text="Hello.", start=1.0, end=2.0)))) == [Cue(1.0, 2.0, "Hello.")]


@given(st.lists(st.lists(st.text("ab,.", min_size=1, max_size=12), min_size=1, max_size=60), min_size=1, max_size=4))
def test_cues_hold_all_that_is_said_in_order_and_are_short(said):
    segments, start = [], 0.0
    for words in said:
        segments.append(segment(words, start))
        start = segments[-1].end + 0.1
    cues = list(cues_of(transcript(*segments)))

    assert " ".join(cue.text for cue in cues) == " ".join(each.text for each in segments)
    for cue in cues:
        assert len(cue.text) <= CUE_LETTERS
        assert cue.end - cue.start <= CUE_SECONDS + 1e-6
    assert all(one.end <= other.start for one, other in pairwise(cues))


def test_plain_text_begins_a_paragraph_with_a_speaker_and_after_a_silence():
    said = transcript(segment(["One."]), segment(["Two."], 1.0), segment(["Three."], 9.0))

    assert plain_text(said) == "One. Two.\nThree.\n"


def test_nothing_said_is_an_empty_file_of_its_kind():
    assert (plain_text(transcript()), srt(()), webvtt(())) == ("", "", "WEBVTT\n")


def test_a_cue_that_lasts_no_time_is_left_out():
    assert srt([Cue(1.0, 1.0, "a"), Cue(1.0, 2.0, "b")]) == "1\n00:00:01,000 --> 00:00:02,000\nb\n"
