"""From a given transcript to ours: its words get times, and the sound is measured; no speech is recognised.

Words have the times of the file, or those of an alignment model if one is available for the language. Otherwise the
time in which a cue sounds is divided in proportion to the letters.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from clipmill.artifacts.spoken_words import has_no_blanks, in_sounding_time, speaks, words_in
from clipmill.contracts.documents import GIVEN, EngineFacts, Segment, Transcript
from clipmill.contracts.source_range import SourceRange
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.loudness import FLOOR_DB, Loudness
from clipmill.transcriber.hearing.sound_model import SoundModelOnDemand
from clipmill.transcriber.hearing.sounds import SoundMeter
from clipmill.transcriber.recognising.pauses import Pause, find_pauses, snap_to_pauses
from clipmill.transcriber.recognising.segments import group
from clipmill.transcriber.recognising.words import LANGUAGES_WITHOUT_SPACES, RawWord, tidy
from clipmill.transcriber.speech_request import AlignmentChoice, DeviceChoice, EngineRequest, SpeechResult
from msgspec.structs import replace

if TYPE_CHECKING:
    from clipmill.transcriber.recognising.alignment import Aligner

WHOLE_WORDS = min(LANGUAGES_WITHOUT_SPACES)
"""A language for which `tidy` joins no pieces, because the words of a given transcript are whole in every language."""

TOUCHING_SECONDS = 0.02
"""Longest time between two pauses that are one: two frames of `pauses`, as the edges of blocks cut frames."""


LONGEST_ALIGNED_SECONDS = 30.0
"""Longest cue that is aligned: Whisper's window, beyond which no passage goes that alignment models get here. Their
attention takes memory by the square of the length, and one cue may span a whole file."""


class GivenSpeech:
    """The models that a given transcript needs: one of sounds, and those of alignment that are available.

    Args:
        request: Options of the models; no Whisper model is loaded.
    """

    def __init__(self, request: EngineRequest) -> None:
        self._request = request
        self._aligners: dict[str, Aligner | None] = {}
        self._sound_model = SoundModelOnDemand(Path(request.models_dir))

    def transcribe(
        self,
        blocks: Iterable[Samples],
        given: Transcript,
        language: str | None,
        duration: float,
        report: Callable[[float], None],
        *,
        start: float = 0.0,
        part: SourceRange | None = None,
    ) -> SpeechResult:
        """Return the given transcript with times for all words, levels and sounds.

        Args:
            blocks: Blocks of mono sound at `RATE`; each of them but the last ends on a whole second of the source. None
                at all if the source has no sound.
            given: Transcript, whose segments are cues in order without overlap, at the times of the source.
            language: ISO 639-1 code of the language, None for that of the file.
            duration: Duration of the source, in seconds; 0 if it is unknown.
            report: Callback for the share done, 0 to 1.
            start: Time of the first sample in the source, in seconds, of whole milliseconds.
            part: Part of the source whose words are wanted, None for all.

        Raises:
            Permanent: with `model_unavailable` if the alignment model on this machine cannot be loaded, or as reading
                `blocks` raises it.
        """
        spoken = language or given.language
        sound_model, sounds_problem = self._sound_model.load()
        aligner, alignment_problem = self._load_aligner(spoken)
        loudness = Loudness(start)
        meter = SoundMeter(sound_model, start) if sound_model else None
        sound = loudness.measure(blocks)
        sound = meter.measure(sound) if meter else sound
        alignment = _Alignment(aligner, _inside(given.segments, part), start)
        pauses: list[Pause] = []
        reached = start
        for samples in sound:
            pauses += [Pause(reached + each.start, reached + each.end) for each in find_pauses(samples)]
            alignment.add(samples)
            reached += len(samples) / RATE
            report((reached - start) / max(duration - start, reached - start))
        alignment.finish()
        heard = reached > start
        end = max(duration, reached)
        cues = [_until(cue, end) for cue in given.segments if cue.start < end]
        placed = _placed(_inside(cues, part), _joined(pauses), alignment.times, exact=given.engine is not None)
        words = tidy((word for word, _ in placed), end, WHOLE_WORDS)
        speakers = [speaker for _, speaker in placed]
        levels, sounds = loudness.levels, meter.sounds() if meter else None
        if part is not None:
            kept = [(word.within(part), who) for word, who in zip(words, speakers, strict=True) if word.middle_in(part)]
            words, speakers = [word for word, _ in kept], [who for _, who in kept]
            first, last = int(part.start), len(levels) if math.isinf(part.end) else math.ceil(part.end)
            levels = [FLOOR_DB] * first + levels[first:last]
            sounds = meter.sounds(part.start, None if math.isinf(part.end) else part.end) if meter else None
            reached, start = min(reached, part.end), part.start
        times = "alignment" if alignment.times else "file" if any(cue.words for cue in cues) else "proportion"
        transcript = Transcript(
            language=spoken if words else "",
            duration=round(max(reached - start, 0.0), 3),
            segments=group(words, speakers),
            engine=EngineFacts(name=GIVEN, model="", device="", compute_type="", word_times=times),
            levels=tuple(levels) if heard else (),
            sounds=sounds if heard else None,
        )
        return SpeechResult(
            transcript=transcript,
            alignment_problem=alignment_problem,
            sounds_problem=sounds_problem if heard else "",
            cues_beyond=len(given.segments) - len(cues),
        )

    def _load_aligner(self, language: str) -> "tuple[Aligner | None, str]":
        """Return the language's aligner, loaded once, and the reason if the wanted one is not available.

        The libraries of alignment are imported only if there is a model, because they are large.
        """
        choice, models_dir = self._request.alignment, Path(self._request.models_dir)
        on_hub = choice is AlignmentChoice.HUB
        folder = models_dir / f"alignment-{language}"
        if not language or choice is AlignmentChoice.OFF or not (on_hub or folder.is_dir()):
            return None, ""
        if language not in self._aligners:
            import ctranslate2  # noqa: PLC0415  # see above
            from clipmill.transcriber.recognising.alignment import (  # noqa: PLC0415  # see above
                AlignmentUnavailable,
                load_aligner,
            )

            on_gpu = self._request.device is not DeviceChoice.CPU and ctranslate2.get_cuda_device_count() > 0
            try:
                self._aligners[language] = load_aligner(language, choice, models_dir, "cuda" if on_gpu else "cpu")
            except AlignmentUnavailable as problem:  # the next task tries again
                return None, str(problem)
        return self._aligners[language], ""


class _Alignment:
    """The alignment of cues, one by one, as soon as their sound has been read.

    Args:
        aligner: Aligner of the language, None to align nothing.
        cues: Cues at the times of the source; those that have words or last longer than `LONGEST_ALIGNED_SECONDS` are
            not aligned.
        start: Time of the first sample in the source, in seconds.

    Attributes:
        times: Aligned words of the cues that could be aligned, by the start of the cue.
    """

    def __init__(self, aligner: "Aligner | None", cues: Sequence[Segment], start: float) -> None:
        self.times: dict[float, list[RawWord]] = {}
        self._aligner = aligner
        self._waiting = [cue for cue in reversed(cues) if _fits(cue)] if aligner else []
        self._begin = start
        self._samples: Samples = np.zeros(0, np.float32)

    def add(self, samples: Samples) -> None:
        """Align the cues that end in these samples, and keep those of the next cue."""
        if not self._waiting:
            return
        self._samples = np.concatenate((self._samples, samples))
        end = self._begin + len(self._samples) / RATE
        while self._waiting and self._waiting[-1].end <= end:
            self._align(self._waiting.pop())
        if self._waiting:
            passed = int(max(min(self._waiting[-1].start, end) - self._begin, 0.0) * RATE)
            self._samples = self._samples[passed:]
            self._begin += passed / RATE

    def finish(self) -> None:
        """Align the last cue with the sound that there is of it."""
        if self._waiting and self._waiting[-1].start < self._begin + len(self._samples) / RATE:
            self._align(self._waiting.pop())

    def _align(self, cue: Segment) -> None:
        from clipmill.transcriber.recognising.passages import Passage  # noqa: PLC0415  # it imports Whisper

        if self._aligner is None or cue.start < self._begin:
            return
        passage = Passage(cue.text, cue.start - self._begin, cue.end - self._begin, ())
        aligned = self._aligner.align([passage], self._samples, lambda _share: None)
        found = _taken_together(words_in(cue.text), [word.later(self._begin) for word in aligned])
        if found:
            self.times[cue.start] = found


def _fits(cue: Segment) -> bool:
    """Return whether a cue has no times of words and is short enough for an alignment model."""
    return not cue.words and round(cue.end - cue.start, 3) <= LONGEST_ALIGNED_SECONDS


def _taken_together(texts: Sequence[str], pieces: Sequence[RawWord]) -> list[RawWord]:
    """Return words with these texts and the times of their pieces; nothing if the pieces have another text.

    Args:
        texts: Texts of the words.
        pieces: Timed words or pieces of them, which are the same text in the same order.
    """
    words: list[RawWord] = []
    at = 0
    for text in texts:
        wanted, taken, first = text.replace(" ", ""), "", at
        while at < len(pieces) and len(taken) < len(wanted):
            taken += pieces[at].text.replace(" ", "")
            at += 1
        if taken != wanted:
            return []
        words.append(RawWord(text, pieces[first].start, pieces[at - 1].end))
    return words if at == len(pieces) else []


def _inside(cues: Sequence[Segment], part: SourceRange | None) -> Sequence[Segment]:
    """Return the cues that reach into a part of the source."""
    return cues if part is None else [cue for cue in cues if cue.end > part.start and cue.start < part.end]


def _until(cue: Segment, end: float) -> Segment:
    """Return a cue without the time after `end`, in seconds."""
    if cue.end <= end:
        return cue
    inside = all(word.end <= end for word in cue.words)
    return replace(cue, end=end, words=cue.words if inside else ())


def _joined(pauses: Sequence[Pause]) -> list[Pause]:
    """Return the pauses with those joined that the edge of a block divided."""
    joined: list[Pause] = []
    for pause in pauses:
        if joined and pause.start - joined[-1].end < TOUCHING_SECONDS:
            joined[-1] = Pause(joined[-1].start, pause.end)
        else:
            joined.append(pause)
    return joined


def _placed(
    cues: Sequence[Segment], pauses: Sequence[Pause], aligned: Mapping[float, Sequence[RawWord]], *, exact: bool
) -> list[tuple[RawWord, str]]:
    """Return the words of all cues, each with its speaker.

    Args:
        cues: Cues in order.
        pauses: Silences of the sound in order.
        aligned: Aligned words, by the start of their cue.
        exact: True if the file's own times of words are kept as they are. Those of subtitles have no ends.
    """
    placed: list[tuple[RawWord, str]] = []
    moving: list[int] = []
    for cue in cues:
        words, moves = _words(cue, pauses, aligned.get(cue.start, ()), exact=exact)
        if moves:
            moving += range(len(placed), len(placed) + len(words))
        before = placed[-1][0].text[-1:] if placed else ""
        placed += zip(_spaced(words, cue.text, before), [cue.speaker] * len(words), strict=True)
    for number, word in zip(moving, snap_to_pauses([placed[each][0] for each in moving], pauses), strict=True):
        placed[number] = (word, placed[number][1])
    return placed


def _words(
    cue: Segment, pauses: Sequence[Pause], aligned: Sequence[RawWord], *, exact: bool
) -> tuple[Sequence[RawWord], bool]:
    """Return the words of a cue, and whether they may move to the edges of pauses."""
    if aligned:
        return aligned, False
    texts = words_in(cue.text)
    own = [RawWord(word.text, word.start, word.end) for word in cue.words]
    if own and not all(speaks(word.text) for word in own):
        own = _taken_together(texts, own)
    if own:
        return own, not exact
    start, end = round(cue.start * 1000), round(cue.end * 1000)
    times = in_sounding_time(texts, start, end, pauses)
    return [RawWord(text, *(each / 1000 for each in time)) for text, time in zip(texts, times, strict=True)], True


def _spaced(words: Sequence[RawWord], text: str, before: str) -> list[RawWord]:
    """Return the words of a cue, each with a blank before it if one precedes it in the text.

    Args:
        words: Words in the order of the text.
        text: Text of the cue.
        before: Last character of the cue before, empty if there is none.
    """
    spaced: list[RawWord] = []
    reached = 0
    for word in words:
        place = text.find(word.text, reached)
        blank = place != reached if reached else not (has_no_blanks(before) and has_no_blanks(text[:1]))
        reached = max(place, reached) + len(word.text)
        spaced.append(word._replace(text=f" {word.text}" if blank else word.text, score=1.0))
    return spaced
