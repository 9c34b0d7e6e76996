import pytest
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.hallucinations import (
    REPETITIVE_RATIO,
    RecognisedPiece,
    is_doubtful,
    is_echo,
    is_silent,
    near_speech,
    repetition,
    whispers_ratio,
    without_loops,
)
from clipmill.transcriber.recognising.words import RawWord
from faster_whisper.transcribe import get_compression_ratio
from hypothesis import given
from hypothesis import strategies as st


def said(text, start=0.0, score=0.9):
    return [
        RawWord(f" {word}", start + 0.3 * number, start + 0.3 * number + 0.25, score)
        for number, word in enumerate(text.split())
    ]


def text_of(words):
    return "".join(word.text for word in words).strip()


def heard(no_speech=0.0, logprob=-0.3, ratio=1.5):
    return RecognisedPiece((), no_speech, logprob, ratio)


def test_probable_silence_with_improbable_words_is_silence():
    assert is_silent(heard(no_speech=0.9, logprob=-1.4))


def test_clear_words_are_speech_however_silent_it_seems_and_mumbled_ones_where_it_does_not():
    assert not is_silent(heard(no_speech=0.9, logprob=-0.4))
    assert not is_silent(heard(no_speech=0.2, logprob=-1.4))


def test_text_in_circles_and_improbable_text_are_heard_again():
    assert is_doubtful(heard(ratio=5.0))
    assert is_doubtful(heard(logprob=-1.2))
    assert not is_doubtful(heard())


TALK = {
    "Devanagari": "सुबह होते ही आँगन में चिड़ियों की आवाज़ सुनाई देती थी। मेरी चाची ने मिट्टी के चूल्हे पर गरम रोटियाँ बनाईं। "
    "हम सब ज़मीन पर बैठकर साथ में खाना खाते थे। शाम को गाँव के लोग पेड़ के नीचे इकट्ठा होते थे। कोई गाना गाता था और कोई पुरानी "
    "कहानी सुनाता था। मुझे अपने बचपन के सारे दोस्त याद आ गए। उनमें से एक अब गाँव के स्कूल में पढ़ाता है।",
    "Cyrillic": "Вечером мы слушали её рассказы. Она вспоминала, как в молодости работала учительницей.",
    "Han": "爬到一半的时候。我的女儿说她走不动了。我丈夫就把她背起来。继续往上走。到了山顶。天边慢慢变成了红色。",
    "Kana and kanji": "祖母は小さな町で暮らしています。朝になると庭で鳥の声が聞こえてきます。台所では父が"
    "魚を焼いていました。食べたあとで古い写真をたくさん見ました。夕方には川まで歩いて、友だちと学校の話をしました。",
    "Latin": "After a few days I noticed that I was moving more slowly than usual. Bees do not like people who hurry.",
}


@pytest.mark.parametrize("script", TALK)
def test_talk_is_no_loop_and_a_loop_is_one_in_any_script(script):
    assert repetition(TALK[script]) < REPETITIVE_RATIO
    assert repetition(TALK[script][:30] * 6) > REPETITIVE_RATIO


def test_japanese_sounds_without_words_are_heard_again():
    sounds = (
        "わたしはましゅいたのにきゅうみのそもはきゅうまつていたのできゅうみにましゅいてきゅうとそのいえはましめひとみめきゅうましていますゅえきに"
        "つきゅうとはいえおげわたしゅうまつていてきゅうましゅいたいえまめはきゅうのひとたしゅうましゅうたきゅうさんきましゅいた"
    )
    assert repetition(sounds) > REPETITIVE_RATIO


@pytest.mark.parametrize("script", TALK)
def test_faster_whisper_hears_a_text_again_at_the_same_point(script):
    bound = whispers_ratio(TALK[script])
    assert get_compression_ratio(TALK[script]) < bound < get_compression_ratio(TALK[script][:30] * 12)


def test_english_has_the_ratio_that_whisper_gives_it():
    assert repetition(TALK["Latin"]) == get_compression_ratio(TALK["Latin"])


def test_a_phrase_in_circles_is_said_once_and_what_follows_stays():
    words = said("And then " + "we went to the store, " * 9 + "where it was warm.")

    assert text_of(without_loops(words)) == "And then we went to the store, where it was warm."


def test_a_word_in_circles_is_said_once():
    assert text_of(without_loops(said("Well " + "you " * 40 + "know"))) == "Well you know"


def test_a_loop_that_breaks_off_in_the_middle_is_cut_with_it():
    assert text_of(without_loops(said("thank you so much " * 6 + "thank you"))) == "thank you so much"


def test_people_who_repeat_themselves_are_believed():
    spoken = "No, no, no, no, no! We want more, we want more, we want more. Never, ever, ever."

    assert text_of(without_loops(said(spoken))) == spoken


@given(st.lists(st.sampled_from(["a", "b", "c,", "A"]), max_size=60))
def test_only_words_that_are_said_again_are_dropped(texts):
    words = [RawWord(f" {text}", number, number + 0.5, 1.0) for number, text in enumerate(texts)]

    kept = without_loops(words)

    assert [word for word in words if word in kept] == kept
    assert {word.text.strip(" ,").lower() for word in kept} == {text.strip(",").lower() for text in texts}


def test_a_word_far_from_every_voice_was_never_said():
    voices = [SpeechRegion(1.0, 3.0), SpeechRegion(9.0, 12.0)]

    assert near_speech(said("Thanks for watching.", start=5.0), voices) == []
    assert len(near_speech(said("and so on", start=2.8), voices)) == 3


def test_an_unsure_word_must_be_nearer_to_a_voice_than_a_sure_one():
    voices = [SpeechRegion(1.0, 3.0)]

    assert near_speech([RawWord(" you", 3.6, 3.8, 0.2)], voices) == []
    assert len(near_speech([RawWord(" you", 3.6, 3.8, 0.9)], voices)) == 1


def test_a_word_without_times_is_left_alone():
    assert len(near_speech([RawWord(" 42", None, None, None)], [SpeechRegion(1.0, 3.0)])) == 1


def test_three_names_of_the_vocabulary_in_its_order_are_an_echo():
    names = ["Ada Lovelace", "Kelvorin", "Zürich", "Osteria"]
    assert is_echo(said("So, Ada Lovelace, Kelvorin, Zürich."), names)
    assert is_echo(said("KELVORIN, Zürich, osteria"), names)
    assert not is_echo(said("Ada Lovelace, Kelvorin and Zürich."), names)
    assert not is_echo(said("Ada Lovelace, Kelvorin."), names)
    assert not is_echo(said("Zürich, Kelvorin, Ada Lovelace."), names)
    assert not is_echo(said("Kelvorins, Zürich, Osteria."), names[:3])
    assert not is_echo(said("a word"), [])


@pytest.mark.parametrize(
    "recited",
    [" 张伟、李娜、王芳、刘洋", "张伟,李娜,王芳", "大家好张伟、李娜、王芳", "张伟李娜王芳", "(张伟)/李娜·王芳。"],
)
def test_names_are_an_echo_however_their_list_is_written(recited):
    names = ["张伟", "李娜", "王芳", "刘洋"]
    assert is_echo([RawWord(recited, 0.0, 1.0, 0.9)], names)
    assert is_echo([RawWord(char, 0.0, 1.0, 0.9) for char in recited], names)
    assert not is_echo([RawWord("张伟和李娜、刘洋", 0.0, 1.0, 0.9)], names)


def test_names_with_marks_inside_and_marks_without_names_are_an_echo_too():
    names = ["Jean-Luc", "O'Brien", "…", "राजू", "น้ำ"]
    assert is_echo([RawWord(" Jean-Luc,O'Brien,राजू", 0.0, 1.0, 0.9)], names)
    assert is_echo(said("O'Brien; राजू; น้ำ"), names)
    assert not is_echo(said("O'Brien; राजा; น้ำ"), names)
