"""Words that are mostly guesses are neither drawn nor quoted, unless the job names a style that draws them."""

import pytest
from clipmill.analyzer.talk.guesses import GUESSED_BELOW, captions_for, certainty, mostly_guesses
from clipmill.contracts.documents import CaptionDecision, EngineFacts, Segment, Transcript, Word
from clipmill.contracts.options import CaptionStyle
from msgspec.structs import replace

UNSURE, SURE = GUESSED_BELOW - 0.01, GUESSED_BELOW + 0.01


def transcript_of(*scores, seconds=1.0, word_times="attention", recognised=None):
    words = tuple(
        Word(text=f"w{number:03}", start=number * seconds, end=(number + 1) * seconds, score=score)
        for number, score in enumerate(scores)
    )
    segments = (Segment(text="w", start=0.0, end=max(len(scores), 1) * seconds, words=words),)
    engine = EngineFacts(name="e", model="m", device="cpu", compute_type="int8", word_times=word_times)
    engine = replace(engine, certainty=recognised)
    return Transcript(language="en", duration=60.0, segments=segments, engine=engine), words


def test_the_certainty_is_the_mean_score_of_the_words():
    assert certainty(*transcript_of(0.2, 0.6, 0.7)) == pytest.approx(0.5)


def test_a_word_counts_by_its_letters_however_long_it_is_said():
    transcript, _ = transcript_of()
    words = (Word(text="a", start=0.0, end=9.0, score=0.0), Word(text="elephant.", start=9.0, end=9.1, score=1.0))
    assert certainty(transcript, words) == pytest.approx(0.9)


def said(text, *scores):
    words = zip(text.split(), scores, strict=True)
    return [Word(text=word, start=n, end=n + 1, score=score) for n, (word, score) in enumerate(words)]


def test_a_phrase_that_is_repeated_counts_once():
    transcript, _ = transcript_of()
    looped = said("end of day, End of day. END OF DAY", *[0.2] * 3, 0.2, 0.2, *[0.9] * 4)
    assert certainty(transcript, looped) == pytest.approx(0.2)


def test_a_pair_of_words_may_be_said_again():
    transcript, _ = transcript_of()
    assert certainty(transcript, said("of day or of day", 0.2, 0.2, 0.2, 0.8, 0.8)) == pytest.approx(0.45)


def test_no_words_have_no_certainty_and_are_no_guesses():
    assert certainty(*transcript_of()) is None
    assert not mostly_guesses(None)


@pytest.mark.parametrize(("recognised", "style"), [(UNSURE, CaptionStyle.OFF), (SURE, CaptionStyle.BOLD)])
def test_aligned_words_are_judged_by_the_scores_that_the_recogniser_gave_them(recognised, style):
    sure = certainty(*transcript_of(0.99, 0.99, word_times="alignment", recognised=recognised))
    assert sure == recognised
    assert captions_for(CaptionStyle.AUTO, sure).style is style
    assert certainty(*transcript_of(word_times="alignment", recognised=recognised)) is None


def test_aligned_words_of_older_versions_are_taken_as_they_are():
    assert certainty(*transcript_of(0.1, 0.1, word_times="alignment")) == 1.0
    assert certainty(*transcript_of(word_times="alignment")) is None


def test_a_transcript_without_an_engine_counts_by_its_scores():
    words = (Word(text="a", start=0.0, end=1.0, score=0.25),)
    assert certainty(Transcript(language="en", duration=1.0), words) == 0.25


def test_words_at_the_threshold_are_drawn():
    assert not mostly_guesses(GUESSED_BELOW)
    assert mostly_guesses(UNSURE)


@pytest.mark.parametrize(("sure", "style"), [(UNSURE, CaptionStyle.OFF), (SURE, CaptionStyle.BOLD)])
def test_automatic_captions_are_bold_or_off_and_the_reason_has_the_score(sure, style):
    decision = captions_for(CaptionStyle.AUTO, sure)
    assert decision.style is style
    assert f"mean word score {sure:.2f}" in decision.reason


def test_words_without_doubt_such_as_those_of_a_submitter_are_drawn_as_they_are():
    decision = captions_for(CaptionStyle.AUTO, 1.0)
    assert decision == CaptionDecision(style=CaptionStyle.BOLD, reason="The words are taken as they are.")


def test_the_reason_for_no_captions_names_the_option_that_draws_them():
    assert "captions=bold" in captions_for(CaptionStyle.AUTO, UNSURE).reason


@pytest.mark.parametrize(
    "style", [style for style in CaptionStyle if style not in (CaptionStyle.AUTO, CaptionStyle.OFF)]
)
@pytest.mark.parametrize("sure", [None, 0.0, SURE])
def test_a_style_that_the_job_names_is_always_drawn(style, sure):
    assert captions_for(style, sure, unknown=sure is None) == CaptionDecision(style=style)


def test_captions_that_the_job_switches_off_stay_off_and_guesses_make_plain_titles():
    assert captions_for(CaptionStyle.OFF, SURE) == CaptionDecision(style=CaptionStyle.OFF)
    assert captions_for(CaptionStyle.OFF, UNSURE).reason.startswith("Titles are plain because most words are guesses")


def test_without_words_captions_are_off_and_the_reason_says_whether_somebody_may_speak():
    assert captions_for(CaptionStyle.OFF, None) == CaptionDecision(style=CaptionStyle.OFF)
    silent = captions_for(CaptionStyle.AUTO, None)
    assert silent == CaptionDecision(style=CaptionStyle.OFF, reason="Captions are off because nobody speaks.")
    decision = captions_for(CaptionStyle.AUTO, None, unknown=True)
    assert decision == CaptionDecision(
        style=CaptionStyle.OFF, reason="Captions are off because the words are not known."
    )
