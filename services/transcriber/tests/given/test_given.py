"""Transcripts that submitters give: no model of speech is loaded, words get times, and the sound is measured."""

import numpy as np
import pytest
from clipmill.artifacts.given_transcripts import read_transcript
from clipmill.artifacts.subtitles import cues_of, srt
from clipmill.contracts import codec
from clipmill.contracts.documents import Segment, Transcript, Word
from clipmill.contracts.source_range import SourceRange
from clipmill.transcriber.hearing.audio import RATE
from clipmill.transcriber.recognising.given import GivenSpeech
from clipmill.transcriber.recognising.words import RawWord
from clipmill.transcriber.speech_request import EngineRequest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return GivenSpeech(EngineRequest(model="", models_dir=str(tmp_path_factory.mktemp("models"))))


def tone(*parts: tuple[float, bool]) -> np.ndarray:
    """Return a tone that sounds, or not, for each number of seconds."""
    pieces = []
    for seconds, sounds in parts:
        at = np.arange(round(seconds * RATE)) / RATE
        pieces.append(np.sin(880 * np.pi * at) * (0.5 if sounds else 0.0))
    return np.concatenate(pieces).astype(np.float32)


def subtitles(*cues: tuple[float, float, str]) -> Transcript:
    return Transcript(
        language="", duration=cues[-1][1], segments=tuple(Segment(text=text, start=a, end=b) for a, b, text in cues)
    )


def placed(speech, transcript, samples=None, *, duration=10.0, language=None, start=0.0, part=None):
    blocks = [] if samples is None else [samples]
    return speech.transcribe(blocks, transcript, language, duration, lambda _share: None, start=start, part=part)


def words_of(transcript: Transcript) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for segment in transcript.segments for word in segment.words]


def test_words_are_where_their_cue_sounds(speech):
    sound = tone((1.0, False), (1.0, True), (1.0, False), (1.0, True), (2.0, False))
    result = placed(speech, subtitles((0.5, 5.0, "abcd abcd")), sound)
    (one, start, end), (other, begin, stop) = words_of(result.transcript)
    assert (one, other) == ("abcd", "abcd")
    assert [start, end, begin, stop] == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=0.05)
    assert result.transcript.engine.word_times == "proportion"


def test_the_sound_is_measured_all_the_same(speech):
    sound = tone((2.0, True), (1.0, False))
    transcript = placed(speech, subtitles((0.0, 2.0, "hello")), sound, duration=3.0).transcript
    assert transcript.levels == (-9, -9, -90)
    assert transcript.duration == 3.0
    assert {len(scores) for scores in (transcript.sounds.laughter, transcript.sounds.music)} == {6}


def test_a_text_is_kept_to_the_letter_with_its_speakers_and_without_doubt(speech):
    cues = (
        Segment(text="Ça va — “bien”, Señor?", start=0.0, end=2.0, speaker="Ada"),
        Segment(text="… and 3.5% more 😀!", start=2.0, end=4.0, speaker="Bob"),
        Segment(text="彼は「はい」と", start=4.0, end=6.0, speaker="Bob"),
        Segment(text="言った。", start=6.0, end=8.0, speaker="Bob"),
    )
    transcript = placed(speech, Transcript(language="", duration=8.0, segments=cues)).transcript
    assert [(each.speaker, each.text) for each in transcript.segments] == [
        ("Ada", "Ça va — “bien”, Señor?"),
        ("Bob", "… and 3.5% more 😀!"),
        ("Bob", "彼は「はい」と言った。"),
    ]
    assert {word.score for segment in transcript.segments for word in segment.words} == {1.0}


def test_a_language_comes_from_the_job_or_else_from_the_file(speech):
    named = Transcript(language="de", duration=1.0, segments=(Segment(text="Hallo", start=0.0, end=1.0),))
    assert placed(speech, named).transcript.language == "de"
    assert placed(speech, named, language="nl").transcript.language == "nl"
    assert placed(speech, subtitles((0.0, 1.0, "Hallo"))).transcript.language == ""


def test_a_source_without_sound_still_has_its_words(speech):
    result = placed(speech, subtitles((1.0, 3.0, "abc abc")))
    assert words_of(result.transcript) == [("abc", 1.0, 2.0), ("abc", 2.0, 3.0)]
    assert (result.transcript.levels, result.transcript.sounds, result.transcript.duration) == ((), None, 0.0)


def test_cues_after_the_end_are_counted_and_left_out(speech):
    cues = subtitles((1.0, 2.0, "first"), (9.5, 12.0, "cut"), (10.0, 11.0, "gone"), (12.0, 13.0, "gone too"))
    result = placed(speech, cues)
    assert words_of(result.transcript) == [("first", 1.0, 2.0), ("cut", 9.5, 10.0)]
    assert result.cues_beyond == 2


def test_of_a_part_only_its_words_stay_at_the_times_of_the_source(speech):
    cues = subtitles((1.0, 2.0, "before"), (3.0, 5.0, "abc abc"), (5.5, 6.5, "within"), (8.0, 9.0, "after"))
    sound = tone((4.0, True))
    transcript = placed(speech, cues, sound, start=4.0, part=SourceRange(4.0, 8.0)).transcript
    assert [text for text, _, _ in words_of(transcript)] == ["abc", "within"]
    assert all(4.0 <= start < end <= 8.0 for _, start, end in words_of(transcript))
    assert transcript.levels == (-90,) * 4 + (-9,) * 4
    assert transcript.duration == 4.0


def test_the_word_times_of_our_json_are_kept_and_those_of_subtitles_end_at_pauses(speech):
    words = (Word(text="one", start=0.5, end=2.0), Word(text="two", start=2.0, end=3.5))
    cues = (Segment(text="one two", start=0.5, end=3.5, words=words),)
    sound = tone((0.5, False), (1.0, True), (0.5, False), (1.0, True), (1.0, False))
    ours = read_transcript(codec.encode(Transcript(language="en", duration=3.5, segments=cues)))
    exact = placed(speech, ours, sound).transcript
    assert words_of(exact) == [("one", 0.5, 2.0), ("two", 2.0, 3.5)]
    assert exact.engine.word_times == "file"
    loose = words_of(placed(speech, Transcript(language="en", duration=3.5, segments=cues), sound).transcript)
    assert [time for _, *times in loose for time in times] == pytest.approx([0.5, 1.5, 2.0, 3.0], abs=0.05)


class Aligner:
    """An alignment model that places each word in a fifth of a second from the middle of its passage on."""

    def align(self, passages, samples, on_share):
        (passage,) = passages
        assert passage.end * RATE <= len(samples) + 1
        middle = (passage.start + passage.end) / 2
        return [
            RawWord(f" {text}", middle + number / 5, middle + (number + 1) / 5, 0.1)
            for number, text in enumerate(passage.text.split(" "))
            if text != "lost"
        ]


@pytest.fixture
def aligning(speech, monkeypatch):
    monkeypatch.setattr(speech, "_load_aligner", lambda _language: (Aligner(), ""))
    return speech


def test_an_alignment_model_gives_the_times_also_across_blocks(aligning):
    cues = subtitles((1.0, 3.0, "one two"), (4.0, 7.0, "three — four"), (8.0, 9.9, "five"))
    sound = tone((10.0, True))
    result = aligning.transcribe([sound[: 5 * RATE], sound[5 * RATE :]], cues, "en", 10.0, lambda _share: None)
    assert words_of(result.transcript) == [
        ("one", 2.0, 2.2),
        ("two", 2.2, 2.4),
        ("three —", 5.5, 5.9),
        ("four", 5.9, 6.1),
        ("five", 8.95, 9.15),
    ]
    assert result.transcript.engine.word_times == "alignment"
    assert {word.score for segment in result.transcript.segments for word in segment.words} == {1.0}


def test_a_cue_that_cannot_be_aligned_gets_times_by_proportion(aligning):
    result = placed(aligning, subtitles((1.0, 3.0, "one lost"), (4.0, 6.0, "two")), tone((10.0, True)))
    (one, lost, two) = words_of(result.transcript)
    assert (one[0], lost[0], two) == ("one", "lost", ("two", 5.0, 5.2))
    assert 1.0 <= one[1] < one[2] <= lost[1] < lost[2] <= 3.0


@pytest.mark.parametrize(("length", "aligned"), [(30.0, True), (30.001, False), (90.0, False)])
def test_a_cue_too_long_for_an_alignment_model_gets_times_by_proportion(aligning, length, aligned):
    cues = subtitles((1.0, 3.0, "one"), (3.0, 3.0 + length, "long cue"), (100.0, 102.0, "two"))
    blocks = [tone((60.0, True)), tone((50.0, True))]
    result = aligning.transcribe(blocks, cues, "en", 110.0, lambda _share: None)
    one, long, cue, two = words_of(result.transcript)
    assert (one, two) == (("one", 2.0, 2.2), ("two", 101.0, 101.2))
    assert (long[1], cue[2]) == pytest.approx((18.0, 18.4) if aligned else (3.0, 3.0 + length), abs=0.05)
    assert result.transcript.engine.word_times == "alignment"


texts = st.text(alphabet="ab é彼—.", min_size=1, max_size=20).filter(lambda text: any(map(str.isalnum, text)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 3000), texts), min_size=1, max_size=6), st.booleans())
def test_whatever_is_given_its_words_come_in_order_without_overlap(speech, cues, sounds):
    file = "".join(
        f"1\n00:00:{a // 1000:02},{a % 1000:03} --> 00:00:{(a + b) // 1000:02},{(a + b) % 1000:03}\n{text}\n\n"
        for a, b, text in cues
    )
    sound = tone((1.0, True), (0.5, False), (3.0, True), (5.5, False)) if sounds else None
    transcript = placed(speech, read_transcript(file.encode()), sound, duration=15.0).transcript
    reached = 0.0
    for _, start, end in words_of(transcript):
        assert reached <= start < end <= 15.0
        reached = end
    said = "".join("".join(segment.text.split()) for segment in transcript.segments)
    read = "".join("".join(segment.text.split()) for segment in read_transcript(file.encode()).segments)
    assert said == read
    assert read_transcript(srt(cues_of(transcript)).encode()).segments
