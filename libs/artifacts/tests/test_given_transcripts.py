"""Transcripts as people and platforms write them are read, or refused with the place of the fault."""

import time

import pytest
from clipmill.artifacts.given_transcripts import BYTES_LIMIT, read_transcript
from clipmill.artifacts.spoken_words import words_in
from clipmill.artifacts.subtitle_files import SPEAKER_LETTERS
from clipmill.artifacts.subtitles import cues_of, srt, webvtt
from clipmill.contracts import codec
from clipmill.contracts.documents import Segment, Transcript, Word
from clipmill.contracts.failures import ErrorCode, Permanent
from hypothesis import given
from hypothesis import strategies as st

YOUTUBE = """WEBVTT
Kind: captions
Language: en-GB

00:00:00.320 --> 00:00:02.310 align:start position:0%
\x20
hello<00:00:00.480><c> everyone</c><00:00:00.880><c> welcome</c>

00:00:02.310 --> 00:00:02.320 align:start position:0%
hello everyone welcome
\x20

00:00:02.320 --> 00:00:04.070 align:start position:0%
hello everyone welcome
to<00:00:02.480><c> the</c><00:00:03.000><c> show</c>

00:00:04.070 --> 00:00:04.080 align:start position:0%
to the show
\x20

00:00:04.080 --> 00:00:06.070 align:start position:0%
to the show
welcome<00:00:05.000><c> welcome</c>
"""

SPOKEN = Transcript(
    language="de",
    duration=9.0,
    segments=(
        Segment(
            text="Grüße, Welt.",
            start=1.25,
            end=2.5,
            words=(
                Word(text="Grüße,", start=1.25, end=1.75, score=0.4),
                Word(text="Welt.", start=2.0, end=2.5, score=0.9),
            ),
            speaker="A",
        ),
        Segment(text="Ohne Wortzeiten.", start=3.0, end=4.0),
    ),
)


def said(text: str) -> list[tuple[float, float, str]]:
    """Return the cues of a file: start, end and text."""
    return [(each.start, each.end, each.text) for each in read_transcript(text.encode()).segments]


def refusal(data: bytes | str) -> Permanent:
    with pytest.raises(Permanent) as refused:
        read_transcript(data.encode() if isinstance(data, str) else data)
    assert refused.value.sentence.endswith(".")
    return refused.value


def test_subrip_is_read_with_mark_carriage_returns_and_commas():
    text = (
        "\ufeff1\r\n00:00:01,5 --> 00:00:02,250\r\nGood evening,\r\n<i>everybody</i>.\r\n\r\n"
        "2\r\n01:00:00,000 --> 01:00:02,000\r\n3\r\n"
    )
    assert said(text) == [(1.5, 2.25, "Good evening, everybody."), (3600.0, 3602.0, "3")]


def test_subrip_keeps_a_text_with_a_blank_line_and_loses_positions_and_entities():
    text = (
        "1\n0:1:2.5 --> 0:1:4 X1:40\n{\\an8}<font color='red'>Tom &amp; Jerry</font>\n\nI <3 you & a<b\n\n"
        "2\n00:02:00,000 --> 00:02:01,000\nEnd"
    )
    assert said(text) == [(62.5, 64.0, "Tom & Jerry I <3 you & a<b"), (120.0, 121.0, "End")]


def test_subrip_without_blank_lines_keeps_its_numbers_out_of_the_text():
    text = "7\n00:00:01,000 --> 00:00:02,000\nIt was\n1984\n8\n00:00:03,000 --> 00:00:04,000\nor 1985"
    assert said(text) == [(1.0, 2.0, "It was 1984"), (3.0, 4.0, "or 1985")]


def test_webvtt_is_read_without_notes_styles_names_and_settings():
    text = (
        "WEBVTT - talk\nLanguage: pt-BR\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnot said --> at all\n\n"
        "intro\n00:01.000 --> 00:02.500 line:0 align:start\n<c.yellow>Bom</c>&nbsp;<b>dia</b>\n\n"
        "NOTE not said either\nnor this\n\n2\n01:00:03.000 --> 01:00:04.000\nAt&eacute; logo\n"
    )
    assert said(text) == [(1.0, 2.5, "Bom dia"), (3603.0, 3604.0, "Até logo")]
    assert read_transcript(text.encode()).language == "pt"


def test_voices_of_webvtt_are_speakers_who_share_a_cue_by_their_text():
    text = "WEBVTT\n\n00:01.000 --> 00:04.000\n<v.loud Mary Ann>Hello there</v>\n<v Bob>Hello there\n"
    assert [(each.start, each.end, each.text, each.speaker) for each in read_transcript(text.encode()).segments] == [
        (1.0, 2.5, "Hello there", "Mary Ann"),
        (2.5, 4.0, "Hello there", "Bob"),
    ]


@pytest.mark.parametrize("text", [YOUTUBE, YOUTUBE.replace("\n\x20\n", "\n\n")])
def test_youtubes_captions_say_each_line_once_with_the_times_of_its_words(text):
    read = read_transcript(text.encode())
    assert read.language == "en"
    assert [each.text for each in read.segments] == ["hello everyone welcome", "to the show", "welcome welcome"]
    assert [(word.text, word.start, word.end) for word in read.segments[1].words] == [
        ("to", 2.32, 2.48),
        ("the", 2.48, 3.0),
        ("show", 3.0, 4.07),
    ]


def test_scrolling_captions_without_times_of_words_say_each_line_once():
    lines = ["one two", "three four", "five six", "seven"]
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{lines[n - 1]}\n{lines[n]}\n" for n in (1, 2, 3)]
    assert [text for _, _, text in said("\n".join(cues))] == ["one two three four", "five six", "seven"]


def test_a_line_that_is_really_said_twice_stays():
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\nNo.\n" for n in (1, 2, 3, 4)]
    assert [text for _, _, text in said("\n".join(cues))] == ["No."] * 4
    song = "1\n00:00:01,000 --> 00:00:02,000\nHey\nJude\n\n2\n00:00:02,000 --> 00:00:03,000\nJude\nagain"
    assert [text for _, _, text in said(song)] == ["Hey Jude", "Jude again"]


def test_lines_that_some_cues_repeat_stay():
    """A chorus repeats lines; scrolling captions repeat one in every cue."""
    lines = ["a", "b", "b", "c", "d", "e", "e", "f", "g", "h", "i", "j"]
    pairs = list(zip(lines[::2], lines[1::2], strict=True))
    cues = [f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{one}\n{two}\n" for n, (one, two) in enumerate(pairs, 1)]
    assert [text for _, _, text in said("\n".join(cues))] == ["a b", "b c", "d e", "e f", "g h", "i j"]


def test_cues_that_overlap_follow_one_another():
    text = (
        "1\n00:00:05,000 --> 00:00:09,000\nlast\n\n2\n00:00:01,000 --> 00:00:04,000\nfirst\n\n"
        "3\n00:00:02,000 --> 00:00:04,000\nAda!\n\n4\n00:00:02,000 --> 00:00:04,000\nEve!\n"
    )
    assert said(text) == [(1.0, 2.0, "first"), (2.0, 3.0, "Ada!"), (3.0, 4.0, "Eve!"), (5.0, 9.0, "last")]


def test_empty_cues_and_cues_of_marks_are_left_out_and_short_ones_last_as_long_as_their_words():
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:02,000 --> 00:00:03,000\n♪ ♪\n\n"
        "3\n00:00:04,000 --> 00:00:04,000\ntwo words"
    )
    assert said(text) == [(4.0, 4.04, "two words")]


def test_a_cue_that_ends_before_it_begins_lasts_as_long_as_its_words():
    text = (
        "1\n00:00:05,000 --> 00:00:03,000\ntwo words\n\n2\n00:00:06,000 --> 00:00:07,000\nGood evening.\n\n"
        "3\n00:00:08,500 --> 00:00:08,000\n<00:00:08.100>one <00:00:08.600>more"
    )
    assert said(text) == [(5.0, 5.04, "two words"), (6.0, 7.0, "Good evening."), (8.5, 8.54, "one more")]


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("<ruby>漢字<rt>かんじ</rt></ruby>を読む", "漢字を読む"),
        ("<ruby>漢<rt.small>かん</rt>字<rt>じ</rt></ruby>を<RUBY>読<RT>よ</RT></RUBY>む", "漢字を読む"),
        ("<ruby>漢<rt>かん<rt>じ</ruby>を", "漢を"),
        ("<ruby>漢字<rt>かんじ</ruby>を読む", "漢字を読む"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を\n読む", "漢字を 読む"),
        ("<ruby>漢字<rt>かん\nじ</rt></ruby>", "漢字"),
        ("<v Ada><ruby>漢字<rt>かんじ</rt></ruby>", "漢字"),
        ("word <rt>never closed", "word never closed"),
    ],
)
def test_the_reading_above_ideographs_is_not_said_twice(marked, text):
    assert [spoken for _, _, spoken in said(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{marked}\n")] == [text]


@pytest.mark.parametrize("header", ["webvtt", "WebVTT - talk", "WEBVTT"])
def test_the_header_of_webvtt_may_have_any_capitals(header):
    text = f"{header}\nlanguage: de\n\nNOTE to the editor\n\n00:01.000 --> 00:02.000\nHallo\n\nNOTE not said\n"
    assert said(text) == [(1.0, 2.0, "Hallo")]
    assert read_transcript(text.encode()).language == "de"


@pytest.mark.parametrize("count", [SPEAKER_LETTERS, 20_000])
def test_the_label_of_a_speaker_is_short_whatever_the_file_is(count):
    """Each sentence repeats it: one of 20,000 letters made a transcript of 40 MB of 38 KB."""
    label = "Ada " + "a" * count
    ours = Transcript(
        language="en", duration=2.0, segments=(Segment(text="A. B.", start=0.0, end=2.0, speaker=f"\n{label}"),)
    )
    vtt = f"WEBVTT\n\n00:00.000 --> 00:02.000\n<v {label}>A. B.\n"
    for data in (codec.encode(ours), vtt.encode()):
        assert [each.speaker for each in read_transcript(data).segments] == [label[:SPEAKER_LETTERS]]


def test_our_json_keeps_the_times_of_its_words_and_is_sure_of_them():
    read = read_transcript(codec.encode(SPOKEN))
    first, second = read.segments
    assert [(word.text, word.start, word.end, word.score) for word in first.words] == [
        ("Grüße,", 1.25, 1.75, 1.0),
        ("Welt.", 2.0, 2.5, 1.0),
    ]
    assert (first.text, first.speaker, second.text, second.words) == ("Grüße, Welt.", "A", "Ohne Wortzeiten.", ())
    assert (read.language, read.duration, read.engine.name) == ("de", 4.0, "given")


@pytest.mark.parametrize("write", [webvtt, srt])
def test_the_subtitles_that_clipmill_gives_are_read_again(write):
    assert said(write(cues_of(SPOKEN))) == [(1.25, 2.5, "Grüße, Welt."), (3.0, 4.0, "Ohne Wortzeiten.")]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("", "has no cue"),
        ("Just some prose.", "has no cue"),
        ("1\n00:00:01,000 --> soon\nHello", "has times that cannot be understood, in line 2"),
        ("1\n00:00:03,000 --> 00:00:04,000\n♪", "has no words"),
        ("1\n00:00:03,000 --> 00:00:04,000\nGrüße".encode("latin-1"), "Line 3 of the transcript is not UTF-8"),
        ("{}", "is no JSON of clipmill (Object missing required field `segments`)"),
        ('{"segments": [{"text": "a", "start": 2, "end": 1}]}', "not in order in segment 1"),
        ('{"segments": [{"text": "a", "start": -1, "end": 1}]}', "outside 0 to"),
        ('{"segments": [{"text": "a", "start": 1, "end": 1e300}]}', "outside 0 to"),
        (
            '{"segments": [{"text": "a b", "start": 0, "end": 2, "words": [{"text": "a", "start": 0, "end": 1}]}]}',
            "Segment 1 of the transcript has other words than its text",
        ),
        ('{"a":' * 100_000, "is no JSON of clipmill"),
        ("".join(f"{n}\n00:00:01,000 --> 00:00:02,000\nx\n\n" for n in range(30_001)), "has more than 30000 cues"),
        ("1\n00:00:01,000 --> 00:00:02,000\n" + "<" * 100_001, "has too much text for subtitles, in line 3"),
        ("\n\n".join(f"00:00:0{n}.0 --> 00:00:0{n}.9\n" + "a b " * 24_000 for n in range(7)), "more than 600000 char"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place_of_the_fault(data, sentence):
    refused = refusal(data)
    assert refused.code is ErrorCode.BAD_TRANSCRIPT
    assert sentence in refused.sentence


@pytest.mark.parametrize("head", ["", "WEBVTT\n\n"])
@pytest.mark.parametrize(
    "times",
    [
        "00:00:33,550 -> 00:00:37,150",
        "00:00:33.550 \u2013 00:00:37.150",
        "00:33.550 → 00:37.150",
        "00:00:33,550 == > 00:00:37,150 ",
        "00:01:99,000 --> 00:03:00,000",
        "00:75:10,000 --> 01:16:00,000",
    ],
)
def test_times_that_are_none_are_refused_and_never_become_words(head, times):
    before = f"{head}1\n00:00:01,000 --> 00:00:04,000\nHello.\n\n"
    refused = refusal(f"{before}2\n{times}\nSo the\n".encode())

    assert refused.code is ErrorCode.BAD_TRANSCRIPT
    assert f"in line {before.count(chr(10)) + 2}" in refused.sentence


def test_times_that_people_say_are_words():
    said = "The doors are open 10:30 - 11:45."

    assert read_transcript(f"1\n75:10,000 --> 75:12,000\n10:30 - 11:45\n{said}\n".encode()).segments[0].text == (
        f"10:30 - 11:45 {said}"
    )


def test_a_million_cues_are_refused_at_once():
    """The limit is the number of bytes, so nothing of the file is looked at; the margin is a hundredfold."""
    cue = b"1\n00:00:01,000 --> 00:00:02,000\nx\n\n"
    began = time.process_time()
    assert refusal(cue * 1_000_000).code is ErrorCode.TOO_LARGE
    assert (
        refusal(b"1\n00:00:01,000 --> 00:00:02,000\n" + b"<v" * (BYTES_LIMIT // 2 - 20)).code
        is ErrorCode.BAD_TRANSCRIPT
    )
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good evening, everybody.", ["Good", "evening,", "everybody."]),
        ("— Well — no!", ["— Well —", "no!"]),
        ("... ...", []),
        ("彼は「こんにちは」と、iPhone 15。", ["彼", "は", "「こ", "ん", "に", "ち", "は」", "と、", "iPhone", "15。"]),
        ("สวัส", ["ส", "วั", "ส"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("don't 3.14 a_b", ["don't", "3.14", "a_b"]),
    ],
)
def test_words_are_found_with_their_marks_also_where_no_blanks_are_written(text, words):
    assert words_in(text) == words


@pytest.mark.timeout(60)  # each of these took hours when the time grew with the square of the length
@pytest.mark.parametrize(
    ("text", "count"),
    [("的" + "é" * 99_000, 2), ("的" + "." * 99_000, 1), ("é" + " ." * 49_000, 1), ("." * 99_000 + "的", 1)],
    ids=["letters", "marks", "marks with blanks", "marks before"],
)
def test_the_time_to_find_words_grows_with_their_number_alone(text, count):
    assert len(words_in(text)) == count


@pytest.mark.timeout(60)
@pytest.mark.parametrize("opened", ["<v", "<v.loud", "<c", "<rt", "<ruby><rt", "<br", "{\\", "00:00:00.000 -->"])
def test_tags_that_never_close_take_no_time(opened):
    said = f"1\n00:00:00,000 --> 00:00:02,000\nHello {opened}{' ' * 95_000}<x\n"

    assert read_transcript(said.encode()).segments[0].text.startswith("Hello")


@given(st.text())
def test_words_put_together_are_the_text(text):
    words = words_in(text)
    assert all(any(map(str.isalnum, word)) for word in words)
    if words:
        assert "".join("".join(words).split()) == "".join(text.split())


moments = st.integers(0, 20_000)
lines = st.text(alphabet=st.sampled_from("ab\u0301é彼ー&;<>/civ.:0123 -\n\r♪「{}\\\u200d\x00"), max_size=30)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Return something like a subtitle file, with cues in any order, hostile texts and times inside them."""
    header = draw(st.sampled_from(["", "WEBVTT\n\n", "WEBVTT\nLanguage: en\n\n", "\ufeff"]))
    blocks = []
    for start, length, text in draw(st.lists(st.tuples(moments, st.integers(0, 3000), lines), max_size=8)):
        clock = [f"00:{at // 60_000:02}:{at // 1000 % 60:02}.{at % 1000:03}" for at in (start, start + length)]
        inline = draw(st.sampled_from(["", f" a<{clock[1]}> b<{clock[0]}>c", "<v Ada>d <v Bob>e"]))
        blocks.append(f"{clock[0]} --> {clock[1]}\n{text}{inline}\n\n")
    return header + "".join(blocks)


@given(files() | st.text())
def test_any_file_gives_words_in_order_without_overlap_inside_their_cues_or_a_refusal(text):
    try:
        read = read_transcript(text.encode(errors="surrogatepass"))
    except Permanent:
        return
    assert read.segments
    reached = 0.0
    for segment in read.segments:
        assert reached <= segment.start < segment.end
        assert segment.end - segment.start >= 0.0199 * len(words_in(segment.text))
        within = segment.start
        for word in segment.words:
            assert within <= word.start < word.end <= segment.end
            within = word.end
        reached = segment.end
        assert segment.text.isprintable() or "\u200d" in segment.text
    assert read.duration == reached


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(100, 3000)), min_size=1, max_size=8))
def test_cues_that_do_not_overlap_keep_their_times(gaps):
    at, blocks, times = 0, [], []
    for gap, length in gaps:
        at += gap
        times.append((at / 1000, (at + length) / 1000))
        clocks = [f"00:{each // 60_000:02}:{each // 1000 % 60:02},{each % 1000:03}" for each in (at, at + length)]
        blocks.append(f"1\n{clocks[0]} --> {clocks[1]}\ntwo words\n\n")
        at += length
    assert [(start, end) for start, end, _ in said("".join(blocks))] == times
