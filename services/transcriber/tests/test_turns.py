from clipmill.contracts.documents import Word
from clipmill.transcriber.recognising.turns import Turn, speakers_of
from clipmill.transcriber.recognising.words import TimedWord


def words(*starts):
    return [TimedWord(Word(text="word", start=start, end=start + 0.4), glued=False) for start in starts]


def test_a_word_belongs_to_whoever_speaks_most_of_it():
    turns = [Turn(0.0, 1.1, "SPEAKER_07"), Turn(1.1, 5.0, "SPEAKER_02")]

    assert speakers_of(words(0.0, 0.5, 1.0, 1.5, 2.0), turns) == ["A", "A", "B", "B", "B"]


def test_a_word_between_turns_belongs_to_the_nearest():
    turns = [Turn(0.0, 1.0, "x"), Turn(4.0, 6.0, "y")]

    assert speakers_of(words(0.2, 1.1, 3.5, 4.2, 4.8), turns) == ["A", "A", "B", "B", "B"]


def test_an_interjection_does_not_cut_a_sentence():
    turns = [Turn(0.0, 10.0, "x"), Turn(1.0, 1.4, "y")]
    crossing = [Turn(0.0, 1.0, "x"), Turn(1.0, 1.4, "y"), Turn(1.4, 10.0, "x")]

    assert speakers_of(words(0.0, 0.5, 1.0, 1.5, 2.0), turns) == ["A"] * 5
    assert speakers_of(words(0.0, 0.5, 1.0, 1.5, 2.0), crossing) == ["A"] * 5


def test_without_turns_nobody_is_named():
    assert speakers_of(words(0.0, 1.0), []) == ["", ""]


def test_the_twenty_seventh_speaker_has_a_name_too():
    turns = [Turn(3.0 * number, 3.0 * number + 3, f"S{number}") for number in range(27)]
    said = words(*(3.0 * number + offset for number in range(27) for offset in (0.2, 0.9, 1.6)))

    assert speakers_of(said, turns)[-1] == "27"
