"""A transcript that the submitter gives: read from its file, checked, and brought into the form of ours."""

import msgspec
from clipmill.artifacts.spoken_words import WORD_MS, speaks, words_in
from clipmill.artifacts.subtitle_files import CUES_LIMIT, UnreadableSubtitles, read_subtitles, speaker_label, tidy_text
from clipmill.contracts.documents import GIVEN, EngineFacts, Segment, Transcript, Word
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import SPOKEN_LANGUAGES
from msgspec import Struct
from msgspec.structs import replace

BYTES_LIMIT = 8 * 1024 * 1024
"""The largest file, in bytes: twice what YouTube's captions, which repeat each line and have the times of words, need
for four hours of fast talk (200 words a minute, 90 bytes a word). Four hours are the longest video by default."""

LETTERS_LIMIT = 600_000
"""The most characters of text: twice what somebody says in four hours of fast talk (200 words a minute, 6 characters
a word)."""

SECONDS_LIMIT = 3_600_000.0
"""The latest time, in seconds: a thousand hours, where the three digits of hours end that subtitle files may have."""

FORMS = "export it as SubRip (.srt) or WebVTT (.vtt), or send the JSON that clipmill gives"


class _File(Struct, frozen=True):
    """The fields of our JSON that are read."""

    segments: tuple[Segment, ...]
    language: str = ""


def read_transcript(data: bytes) -> Transcript:
    """Return the transcript in a file: SubRip, WebVTT or the JSON of a `Transcript`.

    Its segments are the cues of the file, in order and without overlap, each long enough for its words. A segment has
    words, with score 1, only if the file has times of words. It names an engine if the words have ends as well, as in
    our JSON. The duration is the end of the last segment.

    Args:
        data: Content of the file.

    Raises:
        Permanent: `bad_transcript`, or `too_large`; the sentence says where the fault is.
    """
    if len(data) > BYTES_LIMIT:
        raise too_large()
    text = _decoded(data)
    try:
        is_json = text.startswith(("{", "["))
        language, segments = _from_json(text) if is_json else read_subtitles(text)
    except UnreadableSubtitles as problem:
        raise Permanent(ErrorCode.BAD_TRANSCRIPT, f"The transcript {problem}; {FORMS}.") from problem
    if sum(len(segment.text) for segment in segments) > LETTERS_LIMIT:
        sentence = f"The transcript has more than {LETTERS_LIMIT} characters of text; send that of the video alone."
        raise Permanent(ErrorCode.BAD_TRANSCRIPT, sentence)
    if not segments:
        raise Permanent(ErrorCode.BAD_TRANSCRIPT, f"The transcript has no words; {FORMS}.")
    apart = _without_overlap(segments)
    engine = EngineFacts(name=GIVEN, model="", device="", compute_type="", word_times="file") if is_json else None
    return Transcript(language=_known(language), duration=apart[-1].end, segments=tuple(apart), engine=engine)


def too_large() -> Permanent:
    """Return the failure for a file over `BYTES_LIMIT`."""
    sentence = (
        f"The transcript is larger than the {BYTES_LIMIT} bytes allowed, which are ample for four hours of talk; send "
        "one without pictures, styles or repetitions."
    )
    return Permanent(ErrorCode.TOO_LARGE, sentence)


def _decoded(data: bytes) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with its mark, as some editors on Windows write."""
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        sentence = (
            f"Line {line} of the transcript is not UTF-8, perhaps Latin-1; save the file as UTF-8 and send it again."
        )
        raise Permanent(ErrorCode.BAD_TRANSCRIPT, sentence) from None
    return text.lstrip("\ufeff \t\r\n")


def _from_json(text: str) -> tuple[str, list[Segment]]:
    """Return language and segments of our JSON; their words, if they have any, are those of their text."""
    try:
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableSubtitles(f"is no JSON of clipmill ({error})") from None
    if len(file.segments) > CUES_LIMIT:
        raise UnreadableSubtitles(f"has more than {CUES_LIMIT} segments")
    return file.language, [
        _checked(number, segment) for number, segment in enumerate(file.segments, 1) if speaks(segment.text)
    ]


def _checked(number: int, segment: Segment) -> Segment:
    """Return a segment of our JSON with whole milliseconds, tidy text and words of score 1.

    Raises:
        UnreadableSubtitles: Its times are not in order.
        Permanent: `bad_transcript`, its words are not those of its text.
    """
    times = [segment.start, *(time for word in segment.words for time in (word.start, word.end)), segment.end]
    if not all(0 <= time <= SECONDS_LIMIT for time in times):
        raise UnreadableSubtitles(f"has times outside 0 to {SECONDS_LIMIT:.0f} seconds in segment {number}")
    rounded = [round(time, 3) for time in times]
    if rounded != sorted(rounded):
        raise UnreadableSubtitles(f"has times that are not in order in segment {number}")
    text = tidy_text(segment.text)
    words = [
        Word(text=tidy_text(word.text), start=round(word.start, 3), end=round(word.end, 3)) for word in segment.words
    ]
    if words and "".join(word.text for word in words).replace(" ", "") != text.replace(" ", ""):
        sentence = (
            f"Segment {number} of the transcript has other words than its text; correct both, or leave words out."
        )
        raise Permanent(ErrorCode.BAD_TRANSCRIPT, sentence)
    spoken = tuple(word for word in words if word.text)
    return Segment(text=text, start=rounded[0], end=rounded[-1], words=spoken, speaker=speaker_label(segment.speaker))


def _without_overlap(segments: list[Segment]) -> list[Segment]:
    """Return the segments in order of their start, without overlap.

    A cue ends where the next one begins. Cues that begin at the same time, or sooner after one another than their words
    need, share their time in proportion to their text.
    """
    groups: list[list[tuple[Segment, int]]] = []
    begin = needed = 0
    for segment in sorted(segments, key=lambda segment: segment.start):
        start, count = round(segment.start * 1000), max(len(words_in(segment.text)), len(segment.words))
        if not groups or start - begin >= needed:
            groups.append([])
            begin, needed = start, 0
        groups[-1].append((segment, WORD_MS * count))
        needed += WORD_MS * count
    apart: list[Segment] = []
    for number, group in enumerate(groups):
        following = round(groups[number + 1][0][0].start * 1000) if number + 1 < len(groups) else None
        apart += _shared(group, following)
    return apart


def _shared(group: list[tuple[Segment, int]], following: int | None) -> list[Segment]:
    """Return the segments of a group one after the other, ending before `following`.

    Args:
        group: Segments, each with the time that its words need, in milliseconds.
        following: Start of the next group, in milliseconds; None if there is none.
    """
    start, needed = round(group[0][0].start * 1000), sum(least for _, least in group)
    end = max(round(max(segment.end for segment, _ in group) * 1000), start + needed)
    end = end if following is None else min(end, following)
    if len(group) == 1:
        return [_within(group[0][0], start, end)]
    spare = end - start - needed
    reached, apart = start, list[Segment]()
    letters = sum(len(segment.text) for segment, _ in group)
    for segment, least in group:
        stop = min(reached + least + spare * len(segment.text) // letters, end)
        apart.append(_within(segment, reached, stop))
        reached = stop
    return apart


def _within(segment: Segment, start: int, end: int) -> Segment:
    """Return a segment at other times; words that are not all inside them lose their times."""
    first, last = start / 1000, end / 1000
    inside = all(first <= word.start < word.end <= last for word in segment.words)
    words = segment.words if inside else ()
    return replace(segment, start=first, end=last, words=words)


def _known(language: str) -> str:
    """Return Whisper's code of a language as files name it, such as `en-US`; empty if it has none."""
    code = language.strip().lower().replace("_", "-").split("-")[0]
    return code if code in SPOKEN_LANGUAGES else ""
