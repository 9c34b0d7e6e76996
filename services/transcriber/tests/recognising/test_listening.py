"""The language of a source while its portions come, with recognisers whose answers are given."""

import gc
import math
import weakref

import pytest
from clipmill.transcriber.hearing.portions import Portion
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.languages import Detection
from clipmill.transcriber.recognising.listening import Listening, weighed
from clipmill.transcriber.recognising.recognisers import Listener

WINDOWS = [SpeechRegion(0.0, 30.0)]


class Model:
    """A model that counts what it heard again."""

    def __init__(self):
        self.heard_again = 0


class Recognisers:
    """Recognisers that give prepared answers and load one model for each language."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.asked = []
        self.loaded = []

    def detect(self, portion, windows, vocabulary, present=None):
        self.asked.append(portion)
        return self._answers.pop(0)

    def listener(self, language, vocabulary):
        gc.collect()
        assert not any(model() for _, model in self.loaded), "two models that recognise would add up their memory"
        model = Model()
        self.loaded.append((language, weakref.ref(model)))
        return Listener(language, model)


def listen(recognisers, portions, wanted=None):
    """Return the language of each of some portions."""
    listening = Listening(recognisers, wanted, ())
    languages = []
    for number in range(portions):
        listening.listen(Portion(600.0 * number, None, []), WINDOWS)
        languages.append(listening.listener.language)
    return languages


def test_a_language_that_is_sure_after_thirty_seconds_is_asked_for_once():
    recognisers = Recognisers(Detection("en", 0.95, 30.0))
    assert listen(recognisers, 3) == ["en"] * 3
    assert len(recognisers.asked) == len(recognisers.loaded) == 1


def test_a_language_that_the_job_names_is_never_asked_for():
    recognisers = Recognisers()
    assert listen(recognisers, 2, wanted="de") == ["de", "de"]
    assert len(recognisers.loaded) == 1


def test_a_cough_in_the_first_portion_does_not_decide_for_five_hours():
    recognisers = Recognisers(Detection("cy", 0.6, 0.6), Detection("en", 0.95, 60.0))
    assert listen(recognisers, 4) == ["cy", "en", "en", "en"]
    assert len(recognisers.asked) == 2


def test_music_whose_language_is_a_guess_does_not_decide_however_long_it_is():
    recognisers = Recognisers(Detection("nn", 0.4, 210.0), Detection("nn", 0.4, 210.0), Detection("de", 0.9, 45.0))
    assert listen(recognisers, 4) == ["nn", "nn", "de", "de"]


def test_a_guess_does_not_replace_a_sure_answer_and_short_sure_answers_add_up():
    recognisers = Recognisers(
        Detection("en", 0.9, 12.0), Detection("ru", 0.3, 200.0), Detection("en", 0.8, 12.0), Detection("en", 0.8, 12.0)
    )
    assert listen(recognisers, 5) == ["en"] * 5
    assert len(recognisers.asked) == 4
    assert len(recognisers.loaded) == 1, "the model stays in memory"


@pytest.mark.parametrize(
    ("before", "found", "better"),
    [
        (Detection("en", 0.4, 20.0), Detection("de", 0.4, 10.0), "en"),
        (Detection("en", 0.4, 10.0), Detection("de", 0.4, 20.0), "de"),
        (Detection("en", 0.9, 20.0), Detection("de", 0.9, 10.0), "en"),
        (Detection("en", 0.9, 10.0), Detection("de", 0.9, 20.0), "de"),
        (Detection("en", 0.4, 200.0), Detection("cy", 0.6, 0.6), "en"),
        (Detection("en", 0.4, 0.5), Detection("cy", 0.6, 0.6), "cy"),
        (Detection("en", 0.4, 200.0), Detection("cy", 0.6, 5.0), "cy"),
    ],
)
def test_of_two_answers_the_better_founded_counts(before, found, better):
    assert weighed(before, found).language == better


def test_what_a_model_heard_again_is_kept_when_another_takes_its_place():
    recognisers = Recognisers(Detection("cy", 0.6, 0.6), Detection("en", 0.95, 60.0))
    listening = Listening(recognisers, None, ())
    listening.listen(Portion(0.0, None, []), WINDOWS)
    listening.listener.recogniser.heard_again += 3
    listening.listen(Portion(600.0, None, []), WINDOWS)
    assert listening.heard_again == 3
    assert listening.listener.heard_again == 0


def test_english_is_final_where_no_other_model_could_hear_another_language():
    recognisers = Recognisers(Detection("en", 1.0, math.inf))
    assert listen(recognisers, 2) == ["en", "en"]
