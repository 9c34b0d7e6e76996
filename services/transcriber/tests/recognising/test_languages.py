import pytest
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.languages import Detection, detect, spread


def windows(count, seconds=30.0):
    return [SpeechRegion(40.0 * number, 40.0 * number + seconds) for number in range(count)]


def listener(languages, heard):
    """Return a function that hears in window N, which begins at 40 N seconds, what `languages[N]` says."""

    def listen(chosen):
        numbers = [round(window.start / 40) for window in chosen]
        heard.extend(numbers)
        return [languages[number] for number in numbers]

    return listen


ENGLISH, GERMAN, SONG = {"en": 0.95, "de": 0.05}, {"de": 0.97, "en": 0.03}, {"cy": 0.5, "en": 0.4}


def test_the_first_two_windows_are_enough_where_they_leave_no_doubt():
    heard = []

    found = detect(windows(20), listener([ENGLISH] * 20, heard))

    assert found == Detection("en", pytest.approx(0.95), 60.0)
    assert found.sure
    assert heard == [4, 15]


def test_an_opening_in_another_language_does_not_decide():
    heard = []

    assert detect(windows(4), listener([GERMAN, ENGLISH, ENGLISH, ENGLISH], heard)).language == "en"
    assert detect(windows(3), listener([GERMAN, ENGLISH, ENGLISH], heard)).language == "en"
    assert heard == [1, 2, 0, 2, 1], "with a doubt all windows are heard"


def test_at_most_seven_windows_are_heard_however_long_the_speech_is():
    heard = []

    found = detect(windows(70), listener([SONG] * 35 + [ENGLISH] * 35, heard))

    assert found.language == "en"
    assert sorted(heard) == [5, 15, 25, 35, 45, 55, 65]


def test_a_short_window_counts_less_than_a_long_one():
    chosen = [SpeechRegion(0.0, 1.0), SpeechRegion(40.0, 70.0)]
    assert detect(chosen, listener([GERMAN, ENGLISH], [])).language == "en"


def test_a_language_that_no_window_is_sure_of_is_a_guess():
    found = detect(windows(1), listener([{"nn": 0.3, "cy": 0.2}], []))
    assert found == Detection("nn", pytest.approx(0.3), 30.0)
    assert not found.sure


@pytest.mark.parametrize("count", range(1, 12))
def test_every_window_is_chosen_at_most_once(count):
    chosen = spread(windows(count))
    assert len(chosen) == len(set(chosen)) == min(count, 7)
