from clipmill.contracts.documents import Word
from clipmill.transcriber.recognising import segments as grouping
from clipmill.transcriber.recognising.words import RawWord, TimedWord, tidy
from hypothesis import given
from hypothesis import strategies as st


def group(timed):
    return grouping.group(timed, [""] * len(timed))


def said(*words, gap=0.0, each=0.4, start=0.0):
    timed = []
    for number, text in enumerate(words):
        begin = start + number * (each + gap)
        timed.append(TimedWord(Word(text=text, start=begin, end=begin + each), glued=False))
    return timed


def test_a_segment_is_a_sentence():
    segments = group(said("Good", "morning.", "How", "are", "you?", "Fine"))

    assert [segment.text for segment in segments] == ["Good morning.", "How are you?", "Fine"]


def test_a_title_and_an_initial_do_not_end_a_sentence():
    assert len(group(said("Dr.", "J.", "Smith", "is", "here."))) == 1


def test_a_segment_is_of_one_speaker():
    words = said("Good", "morning", "and", "to", "you")

    segments = grouping.group(words, ["A", "A", "B", "B", "B"])

    assert [(segment.speaker, segment.text) for segment in segments] == [("A", "Good morning"), ("B", "and to you")]


def test_a_long_silence_ends_a_segment_without_a_full_stop():
    assert len(group([*said("so", "then"), *said("next", "part", start=5.0)])) == 2


def test_speech_without_punctuation_is_cut_at_a_breath_and_never_goes_on_forever():
    breathing = group(said(*["word"] * 60, gap=0.4))
    breathless = group(said(*["word"] * 200))

    assert all(segment.end - segment.start < 13.0 for segment in breathing)
    assert all(segment.end - segment.start <= 30.0 for segment in breathless)


@given(st.lists(st.builds(RawWord, text=st.text(" ab.?J", max_size=6), start=st.floats(0, 60), end=st.floats(0, 60))))
def test_segments_hold_every_word_once_in_order_and_span_it(raw):
    timed = tidy(raw, 60.0, "en")
    segments = group(timed)

    assert [word for segment in segments for word in segment.words] == [each.word for each in timed]
    for segment in segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert segment.text == segment.text.strip() != ""
