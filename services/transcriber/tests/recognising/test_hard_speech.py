"""Speech that is in doubt and whose words are unsure is heard again in sequence, and the surer hearing is kept."""

import difflib
from pathlib import Path
from types import SimpleNamespace

import pytest
from clipmill.transcriber.hearing.portions import Portion
from clipmill.transcriber.hearing.speech_regions import SpeechDetector, windows
from clipmill.transcriber.models.weights import find_weights
from clipmill.transcriber.speech_request import EngineRequest

pytestmark = [
    pytest.mark.media,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the model libraries' own
]


@pytest.fixture
def recogniser(offline_libraries):
    from clipmill.transcriber.recognising.recognition import Recogniser  # its imports take seconds

    request = EngineRequest(model="whisper-tiny.en", models_dir="/nowhere", batch_size=2)
    return Recogniser(find_weights(request.model, Path(request.models_dir)), request)


@pytest.fixture(scope="module")
def portion(samples):
    return Portion(0.0, samples, SpeechDetector()(samples))


def heard(recogniser, portion, vocabulary=(), on_position=lambda second: None):
    return recogniser.recognise(portion, windows(portion.speech_regions), "en", on_position, vocabulary)


def words_of(passages):
    return [word.text.strip(" .,").lower() for passage in passages for word in passage.words]


def score(transcribe, probability):
    """Return a recognition whose words all have a probability."""

    def scoring(*arguments, **options):
        segments, facts = transcribe(*arguments, **options)
        segments = list(segments)
        for segment in segments:
            for word in segment.words:
                word.probability = probability
        return segments, facts

    return scoring


def make_hard(recogniser, probability=0.3, in_doubt=lambda seek: True):
    """Give the words of the first hearing a probability, bring windows in doubt, and return all later hearings."""
    again, transcribe = [], recogniser._model.transcribe
    hear = recogniser._new_pipeline().transcribe

    def doubting(*arguments, **options):
        segments, facts = score(hear, probability)(*arguments, **options)
        for segment in segments:
            segment.avg_logprob = -1.5 if in_doubt(segment.seek) else -0.5
            segment.no_speech_prob = 0.0
        return segments, facts

    recogniser._new_pipeline = lambda: SimpleNamespace(transcribe=doubting)

    def noting(*arguments, **options):
        again.append(options)
        return transcribe(*arguments, **options)

    recogniser._model.transcribe = noting
    return again


def test_speech_without_doubt_is_heard_once(recogniser, portion):
    again = make_hard(recogniser, in_doubt=lambda seek: False)

    passages = heard(recogniser, portion)

    assert again == []
    assert passages
    assert recogniser.heard_again == 0


def test_of_clear_speech_only_the_windows_in_doubt_are_heard_again_and_alone(recogniser, portion):
    again = make_hard(recogniser, 0.6, in_doubt=lambda seek: seek > 1000)

    passages = heard(recogniser, portion)

    (options,) = again
    assert not options["condition_on_previous_text"]
    assert [passage.heard_again for passage in passages] == [False, True]


def test_hard_speech_is_heard_again_in_sequence_with_the_text_before_as_context(recogniser, portion):
    clear = words_of(heard(recogniser, portion))
    again = make_hard(recogniser)

    passages = heard(recogniser, portion)

    (options,) = again
    assert options["condition_on_previous_text"]
    assert recogniser.heard_again == len(windows(portion.speech_regions)) == 2
    assert {word.score for passage in passages for word in passage.words} != {0.3}
    assert difflib.SequenceMatcher(None, clear, words_of(passages), autojunk=False).ratio() > 0.9


def test_words_that_were_heard_in_sequence_stay_in_their_windows(recogniser, portion):
    make_hard(recogniser)

    passages = heard(recogniser, portion)

    assert [(each.start, each.end) for each in passages] == windows(portion.speech_regions)
    for passage in passages:
        assert passage.text == "".join(word.text for word in passage.words)
        for word in passage.words:
            assert passage.start - 1 < word.start <= word.end < passage.end + 1


def test_where_the_second_hearing_is_less_sure_only_the_windows_in_doubt_take_it(recogniser, portion):
    again = make_hard(recogniser, in_doubt=lambda seek: seek > 1000)
    recogniser._model.transcribe = score(recogniser._model.transcribe, 0.2)

    first, second = heard(recogniser, portion)

    assert len(again) == 1
    assert {word.score for word in first.words} == {0.3}
    assert {word.score for word in second.words} == {0.2}


def test_progress_never_goes_back_and_ends_at_the_end_of_the_speech(recogniser, portion):
    make_hard(recogniser)
    positions = []

    heard(recogniser, portion, on_position=positions.append)

    end = windows(portion.speech_regions)[-1].end
    assert positions == sorted(positions)
    assert positions[-2] < end == positions[-1]


def test_names_take_the_room_of_the_context_in_the_prompt(recogniser, portion):
    again = make_hard(recogniser)

    heard(recogniser, portion, ("Kelvorin",))

    (options,) = again
    assert (options["hotwords"], options["condition_on_previous_text"]) == ("Kelvorin", False)


def test_a_sequence_that_recites_the_vocabulary_is_heard_again_without_it(recogniser, portion):
    names = ("Kelvorin", "Ysmaretta", "Drovintsky")
    again = make_hard(recogniser)
    transcribe = recogniser._model.transcribe

    def reciting(*arguments, hotwords, **options):
        segments, facts = transcribe(*arguments, hotwords=hotwords, **options)
        segments = list(segments)
        for word, name in zip(segments[0].words, names if hotwords else (), strict=False):
            word.word = f" {name},"
        return segments, facts

    recogniser._model.transcribe = reciting

    passages = heard(recogniser, portion, names)

    assert [options["hotwords"] for options in again] == ["Kelvorin, Ysmaretta, Drovintsky", None]
    assert not {"kelvorin", "ysmaretta", "drovintsky"} & set(words_of(passages))


def test_a_window_that_the_vocabulary_silences_is_heard_without_it(recogniser, portion):
    plain = words_of(heard(recogniser, portion))
    hear, with_names = recogniser._new_pipeline().transcribe, []

    def silenced(*arguments, hotwords, **options):
        segments, facts = hear(*arguments, hotwords=hotwords, **options)
        with_names.append(bool(hotwords))
        return ([] if hotwords else segments), facts

    recogniser._new_pipeline = lambda: SimpleNamespace(transcribe=silenced)

    passages = heard(recogniser, portion, ("Kelvorin",))

    assert words_of(passages) == plain
    assert all(passage.heard_again for passage in passages)
    assert with_names.count(True) == with_names.count(False) == len(windows(portion.speech_regions))
