"""From sound to transcript: detect speech, recognise it, place the words, name the speakers."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from clipmill.contracts.documents import EngineFacts, Transcript
from clipmill.contracts.source_range import SourceRange
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.loudness import FLOOR_DB, Loudness
from clipmill.transcriber.hearing.portions import Portion, portions, prefetch
from clipmill.transcriber.hearing.sound_model import SoundModelOnDemand
from clipmill.transcriber.hearing.sounds import SoundMeter
from clipmill.transcriber.hearing.speech_regions import SpeechDetector, SpeechRegion, windows
from clipmill.transcriber.models.weights import Weights
from clipmill.transcriber.recognising.alignment import Aligners
from clipmill.transcriber.recognising.diarization import Diarizer, SpeakersUnavailable, load_diarizer
from clipmill.transcriber.recognising.listening import Listening
from clipmill.transcriber.recognising.pauses import find_pauses, snap_to_pauses
from clipmill.transcriber.recognising.recognisers import Listener, Recognisers
from clipmill.transcriber.recognising.segments import group
from clipmill.transcriber.recognising.spoken import Spoken
from clipmill.transcriber.recognising.turns import speakers_of
from clipmill.transcriber.recognising.words import TimedWord
from clipmill.transcriber.speech_request import EngineRequest, SpeechResult
from msgspec.structs import replace

RECOGNITION_SHARE = 0.6
"""Share of a portion's work that recognition takes if words are aligned."""

TRANSCRIPTION_SHARE = 0.5
"""Share of all work that comes before diarization, if there is diarization."""

GOES_ON_SECONDS = 1.0
"""Time after a part of a source within which a speech region may still belong to its last sentence, in seconds."""

ENGINE_NAME, ENGINE_WITH_ALIGNMENT = "faster-whisper", "whisperx"
"""The engine in a transcript: WhisperX where its alignment gave the times of the words."""


class Engine:
    """A loaded speech model with the alignment and diarization models beside it.

    Args:
        weights: Weights of the speech model.
        request: Options of the models.
    """

    def __init__(self, weights: Weights, request: EngineRequest) -> None:
        self._request = request
        self._recognisers = Recognisers(weights, request)
        self._find_speech = SpeechDetector()
        self._placement = self._recognisers.chosen().placement
        self._aligners = Aligners(request.alignment, Path(request.models_dir), self._placement.device)
        self._diarizer: Diarizer | None = None
        self._sound_model = SoundModelOnDemand(Path(request.models_dir))

    def transcribe(
        self,
        blocks: Iterable[Samples],
        wanted: str | None,
        duration: float,
        report: Callable[[float], None],
        *,
        start: float = 0.0,
        part: SourceRange | None = None,
        vocabulary: Sequence[str] = (),
    ) -> SpeechResult:
        """Return the transcript of a source, or of a part of it.

        Args:
            blocks: Blocks of mono sound at `RATE`; each of them but the last ends on a whole second of the source.
            wanted: ISO 639-1 code of the language, None to detect it.
            duration: Approximate duration of the sound, in seconds, for the progress.
            report: Callback for the share done, 0 to 1.
            start: Time of the first sample in the source, in seconds, of whole milliseconds. Until the transcript is
                put together, times count from there.
            part: Part of the source whose words are wanted, None for all. Sound around it is context: a recogniser
                that hears half a word first may miss all of its window.
            vocabulary: Names and terms that are likely to be said, the most important first.

        Returns:
            Transcript in the language that was heard last. Words that were recognised before in another language stay,
            but there are no segments if no model on this machine knows the last one.

        Raises:
            Permanent: with `model_unavailable` if a model cannot be loaded, or as reading `blocks` raises it.
            Transient: with `out_of_memory`.
        """
        diarizer, speakers_problem = self._load_diarizer()
        sound_model, sounds_problem = self._sound_model.load()
        loudness, kept = Loudness(start), list[Samples]()
        meter = SoundMeter(sound_model, start) if sound_model else None
        listening = Listening(self._recognisers, wanted, vocabulary)
        self._aligners.begin_task()
        sound = loudness.measure(_keep(blocks, kept) if diarizer else blocks)
        sound = meter.measure(sound) if meter else sound
        spoken, end = Spoken(), 0.0
        share = TRANSCRIPTION_SHARE if diarizer else 1.0
        for portion in prefetch(portions(sound, self._find_speech)):
            begin, length = portion.start, len(portion.samples) / RATE
            end = begin + length
            total = max(duration, end)

            def done(second: float, begin: float = begin, total: float = total) -> None:
                report(share * (begin + second) / total)

            portion = _wanted(portion, start, part)  # noqa: PLW2901  # the rest of it is not recognised
            heard = windows(portion.speech_regions)
            if heard:
                listening.listen(portion, heard)
                self._recognise(portion, heard, listening.listener, spoken, done)
            done(length)
        listener = listening.listener
        words = spoken.words(end) if listener.recogniser else []
        speakers = self._speaker_labels(words, diarizer, kept, lambda part: report(share + (1 - share) * part))
        words = [word.later(start) for word in words] if start else words
        levels, sounds = loudness.levels, meter and meter.sounds()
        if part is not None:
            spoken.leave_out_all_but(part, start)
            kept_words = [
                (word.within(part), who) for word, who in zip(words, speakers, strict=True) if word.middle_in(part)
            ]
            words, speakers = [word for word, _ in kept_words], [who for _, who in kept_words]
            first, last = int(part.start), len(levels) if math.isinf(part.end) else math.ceil(part.end)
            levels = [FLOOR_DB] * first + levels[first:last]
            sounds = meter and meter.sounds(part.start, None if math.isinf(part.end) else part.end)
            end = max(min(start + end, part.end) - part.start, 0.0)
        transcript = self._transcript(words, speakers, end, listener, spoken)
        recogniser = listener.recogniser
        return SpeechResult(
            transcript=replace(transcript, levels=tuple(levels), sounds=sounds) if end else transcript,
            batch_size=recogniser.batches.at_once if recogniser else 0,
            sequences=recogniser.sequences.at_once if recogniser else 0,
            batch_reduced=recogniser.reduced if recogniser else False,
            heard_again=listening.heard_again + listener.heard_again,
            alignment_problem=self._aligners.problem,
            speakers_problem=speakers_problem,
            sounds_problem=sounds_problem,
            model_reason=listener.reason if recogniser else "",
            language_problem="" if recogniser else listener.reason,
            names_left_out=len(vocabulary) - len(listener.names) if recogniser else 0,
        )

    def _recognise(
        self,
        portion: Portion,
        heard: Sequence[SpeechRegion],
        listener: Listener,
        spoken: Spoken,
        done: Callable[[float], None],
    ) -> None:
        """Add the words of a portion to `spoken`, if a model knows the language."""
        if listener.recogniser is None:
            return
        aligner = self._aligners.load(listener.language)
        share = RECOGNITION_SHARE if aligner else 1.0
        passages = listener.recognise(portion, heard, lambda second: done(share * second))
        recognised = [word for passage in passages for word in passage.words]
        if not aligner or not passages:
            placed = snap_to_pauses(recognised, find_pauses(portion.samples)) if recognised else recognised
            spoken.add(portion.start, listener.language, placed)
            return
        length = len(portion.samples) / RATE
        placed = aligner.align(passages, portion.samples, lambda part: done(length * (share + (1 - share) * part)))
        spoken.add(portion.start, listener.language, placed, recognised)

    def _transcript(
        self, words: Sequence[TimedWord], speakers: Sequence[str], end: float, listener: Listener, spoken: Spoken
    ) -> Transcript:
        if not end:
            return Transcript(language="", duration=0.0)
        aligned = bool(words) and spoken.aligned
        facts = EngineFacts(
            name=ENGINE_WITH_ALIGNMENT if aligned else ENGINE_NAME,
            model=listener.recogniser.label if listener.recogniser else self._recognisers.label,
            device=self._placement.device,
            compute_type=self._placement.compute_type,
            word_times="alignment" if aligned else "attention",
            certainty=spoken.certainty if aligned else None,
        )
        return Transcript(
            language=listener.language if words or listener.recogniser is None else "",
            duration=round(end, 3),
            segments=group(words, speakers),
            engine=facts,
        )

    def _load_diarizer(self) -> tuple[Diarizer | None, str]:
        """Return the diarizer, loaded once, and the reason if the wanted one is not available."""
        if self._request.diarize and self._diarizer is None:
            try:
                self._diarizer = load_diarizer(Path(self._request.models_dir), self._placement.device)
            except SpeakersUnavailable as problem:
                return None, str(problem)
        return self._diarizer, ""

    def _speaker_labels(
        self,
        words: Sequence[TimedWord],
        diarizer: Diarizer | None,
        kept: Sequence[Samples],
        on_share: Callable[[float], None],
    ) -> Sequence[str]:
        if diarizer is None or not words:
            return [""] * len(words)
        return speakers_of(words, diarizer.turns(np.concatenate(kept), on_share))


def _wanted(portion: Portion, start: float, part: SourceRange | None) -> Portion:
    """Return a portion with only those speech regions that reach into the wanted part, or go on right after it.

    Args:
        portion: Portion, with times from `start` on.
        start: Time of the first sample in the source, in seconds.
        part: Part of the source, None for all of it.
    """
    if part is None:
        return portion
    offset = start + portion.start
    latest = part.end + GOES_ON_SECONDS
    regions = [
        each for each in portion.speech_regions if offset + each.start < latest and offset + each.end > part.start
    ]
    return portion._replace(speech_regions=regions)


def _keep(blocks: Iterable[Samples], kept: list[Samples]) -> Iterator[Samples]:
    """Yield `blocks` and append each to `kept`, because diarization needs all of them."""
    for block in blocks:
        kept.append(block)
        yield block
