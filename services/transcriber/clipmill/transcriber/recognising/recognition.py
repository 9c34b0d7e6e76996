"""The speech model: it stays loaded and recognises windows of speech, and hard speech in sequence."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import faster_whisper
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.processors import processors
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.portions import Portion
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.models.device import Placement
from clipmill.transcriber.models.usable import placement_for
from clipmill.transcriber.models.weights import NAMED_IN, Weights
from clipmill.transcriber.recognising.batches import Batches, freeing
from clipmill.transcriber.recognising.hallucinations import (
    RecognisedPiece,
    repetition,
    whispers_ratio,
)
from clipmill.transcriber.recognising.languages import FIRST_WINDOWS, Detection, Probabilities, detect, spread
from clipmill.transcriber.recognising.passages import Passage, Speech, hotwords_of, in_doubt, passage_of
from clipmill.transcriber.recognising.sequences import (
    HARD_BELOW,
    HARD_ENGLISH_BELOW,
    certainty,
    divide,
    sequences,
    without_long_pauses,
)
from clipmill.transcriber.recognising.words import RawWord
from clipmill.transcriber.speech_request import EngineRequest

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Randomness of each attempt at a second recognition, as in Whisper's own decoding (Radford et al. 2022)."""

CPU_WINDOWS = 4
"""Most windows at once on a CPU. Each has a worker of CTranslate2, with one thread on a machine of up to four
processors. On two, two workers recognise 272 s of talk (tiny.en) in 0.6 of the time that two threads take for batches
of four where other programs use the processors too, and in 1.07 of it where none does, with 463 MB instead of 638 MB.
A window takes 90 MB with tiny.en at beam 5, 190 MB with base, 550 MB with small and 2.4 GB with large-v3, so more of
them would cost more memory than most machines have for each processor."""


MOST_VOCABULARY_TOKENS = 200
"""Most tokens of a vocabulary. faster-whisper takes 223, half of all that a window has, and cuts the name that goes
beyond; the model then went on with the list instead of the speech (word error rate 0.07 → 0.36 with base and 50 names
in 245 tokens). 150 to 220 tokens of whole names cost at most 0.02."""

FIRST_SPECIAL_TOKEN = "<|endoftext|>"  # noqa: S105  # no secret
"""Token from which on a Whisper model's tokens steer it, and stand for no text (openai/whisper, `tokenizer.py`)."""

FIRST_SHARE = 0.5
"""Share of the progress that the first hearing of hard speech makes; hearing it in sequence takes about as long."""


class Recogniser:
    """A Whisper model, driven by faster-whisper's batched pipeline, which gives word times and takes our windows.

    WhisperX runs the model in the same way, but importing it takes 4 to 6 s of processor time and 900 MB (PyTorch,
    pyannote and what they need), so only alignment and diarization import it.

    Attributes:
        label: Name of the model.
        weights: Weights of the model.
        placement: Device and precision of the model.
        batches: Batches of windows that are recognised at once; on a CPU one window for each worker.
        sequences: Batches of one sequence of hard speech each, as many as there are workers.
        heard_again: Number of windows so far that were recognised a second time.

    Args:
        weights: Weights of the model, in a folder.
        request: Options of the model.

    Raises:
        Permanent: with `model_unavailable`.
    """

    def __init__(self, weights: Weights, request: EngineRequest) -> None:
        self.label = weights.label
        self.weights = weights
        self.placement = placement_for(request)
        on_cpu = self.placement.device == "cpu"
        threads = request.threads or processors()
        workers = min(threads, request.batch_size, CPU_WINDOWS) if on_cpu else 1
        self.batches = Batches(1 if on_cpu else request.batch_size, workers)
        self.sequences = Batches(1, workers)
        self.heard_again = 0
        self._beam_size = request.beam_size
        self._tried = _Tried(None, {})
        self._model = _load(weights, self.placement, threads // workers, workers)
        self._new_pipeline = partial(faster_whisper.BatchedInferencePipeline, model=self._model)

    @property
    def reduced(self) -> bool:
        """True if memory has ever run out and less is recognised at once since then."""
        return self.batches.reduced or self.sequences.reduced

    @property
    def multilingual(self) -> bool:
        """True if the model knows more languages than English."""
        return bool(self._model.model.is_multilingual)

    def knows(self, language: str) -> bool:
        """Return whether the model knows a language, by its ISO 639-1 code."""
        if not self.multilingual:
            return language == "en"
        # faster-whisper lists Cantonese for all models, but only the latest have a token for it.
        return language in self._model.supported_languages and bool(
            self._model.hf_tokenizer.token_to_id(f"<|{language}|>")
        )

    def detect(self, portion: Portion, windows: Sequence[SpeechRegion]) -> Detection:
        """Return the language of a portion's speech.

        Args:
            portion: Sound and its speech regions.
            windows: Windows of its speech, at least one.

        Raises:
            Transient: with `out_of_memory`.
        """

        def hear(batch: Sequence[SpeechRegion]) -> list[Probabilities]:
            heard = [self._model.detect_language(audio=_cut(portion.samples, window))[2] for window in batch]
            return [{str(language): float(probability) for language, probability in found} for found in heard]

        def listen(chosen: Sequence[SpeechRegion]) -> list[Probabilities]:
            return [each for found in self.batches.run(chosen, freeing(hear)) for each in found]

        return detect(windows, listen)

    def names_that_fit(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of `names` for which the model's prompt has room, in their order and each of them whole.

        Names such as `<|startoftranscript|>` are left out: the tokenizer turns them into tokens that steer the model.
        """
        tokenizer = self._model.hf_tokenizer
        first_special = tokenizer.token_to_id(FIRST_SPECIAL_TOKEN)
        kept: tuple[str, ...] = ()
        for name in names:
            tokens = tokenizer.encode(f" {hotwords_of((*kept, name))}", add_special_tokens=False).ids
            if len(tokens) <= MOST_VOCABULARY_TOKENS and max(tokens, default=0) < first_special:
                kept = (*kept, name)
        return kept

    def certainty_in(
        self, portion: Portion, windows: Sequence[SpeechRegion], language: str, vocabulary: Sequence[str]
    ) -> float:
        """Return the certainty of the words in the first windows in which a language would be detected, from 0 to 1.

        If `recognise` gets the same portion next, it does not hear these windows again.

        Args:
            portion: Sound and its speech regions.
            windows: Windows of its speech, at least one.
            language: ISO 639-1 code of the language that is tried.
            vocabulary: Names and terms that are likely to be said, the most important first.
        """
        speech = Speech(portion, language, self.names_that_fit(vocabulary))
        chosen = spread(windows)[:FIRST_WINDOWS]
        heard: list[list[RecognisedPiece]] = []
        for found in self.batches.run(chosen, freeing(partial(self._hear, speech))):
            heard += found
        self._tried = _Tried(portion, dict(zip(chosen, heard, strict=True)))
        return certainty(speech.guarded([piece for pieces in heard for piece in pieces]))

    def recognise(
        self,
        portion: Portion,
        windows: Sequence[SpeechRegion],
        language: str,
        on_position: Callable[[float], None],
        vocabulary: Sequence[str] = (),
    ) -> list[Passage]:
        """Return the passages of a portion, in seconds from its start.

        Args:
            portion: Sound and its speech regions.
            windows: Windows to recognise.
            language: ISO 639-1 code of the language.
            on_position: Callback that receives the time up to which the speech is recognised, in seconds.
            vocabulary: Names and terms that are likely to be said, as `names_that_fit` returns them.

        Raises:
            Transient: with `out_of_memory`.
        """
        speech = Speech(portion, language, tuple(vocabulary))
        furthest = 0.0

        def reach(second: float) -> None:
            nonlocal furthest
            furthest = max(furthest, second)
            on_position(furthest)

        heard: list[list[RecognisedPiece]] = []
        for found in self.batches.run(windows, freeing(partial(self._hear, speech))):
            heard += found
            share = FIRST_SHARE if self._is_hard(speech, heard) else 1.0
            reach(share * windows[len(heard) - 1].end)

        self._tried = _Tried(None, {})

        def finish(batch: Sequence[tuple[int, int]]) -> list[Passage]:
            return [
                passage
                for first, after in batch
                for passage in self._finish(speech, windows[first:after], heard[first:after])
            ]

        passages: list[Passage] = []
        for finished in self.sequences.run(sequences(windows), freeing(finish)):
            passages += finished
            self.heard_again += sum(passage.heard_again for passage in finished)
            reach(windows[len(passages) - 1].end)
        return [passage for passage in passages if passage.words]

    def _is_hard(self, speech: Speech, heard: Sequence[Sequence[RecognisedPiece]]) -> bool:
        """Return whether results of windows are in doubt and so unsure that the windows are heard again in sequence."""
        pieces = [piece for pieces in heard for piece in pieces]
        bar = HARD_BELOW if self.multilingual else HARD_ENGLISH_BELOW
        return in_doubt(pieces) and certainty(speech.guarded(pieces)) < bar

    def _finish(
        self, speech: Speech, windows: Sequence[SpeechRegion], heard: Sequence[Sequence[RecognisedPiece]]
    ) -> list[Passage]:
        """Return a passage for each window of a sequence, empty where nobody speaks; what is in doubt is heard again.

        Args:
            speech: Speech of the portion.
            windows: Windows of the sequence.
            heard: Results of the first hearing of each window.
        """
        if not self._is_hard(speech, heard):
            return [self._finish_window(speech, window, pieces) for window, pieces in zip(windows, heard, strict=True)]
        first = speech.guarded([piece for pieces in heard for piece in pieces])
        again = speech.guarded(self._hear_in_sequence(speech, windows, heard))
        surer = certainty(again) >= certainty(first)
        return [
            passage_of(window, words, heard_again=True)
            if surer or in_doubt(pieces)
            else self._finish_window(speech, window, pieces)
            for window, pieces, words in zip(windows, heard, divide(again, windows), strict=True)
        ]

    def _finish_window(self, speech: Speech, window: SpeechRegion, pieces: Sequence[RecognisedPiece]) -> Passage:
        """Return the passage of a window, which is heard again, alone, if its first results are in doubt.

        A vocabulary may silence a model: with `ß` 58 times as a term, base hears nothing at all. So a window without
        words is heard without it.
        """
        again = in_doubt(pieces)
        if again:
            pieces = self._hear_again(speech, window, pieces)
        if speech.vocabulary and not speech.guarded(pieces):
            plain = speech.without_names()
            (first,) = self._hear_first(plain, [window])
            return self._finish_window(plain, window, first)._replace(heard_again=True)
        if speech.is_echo(pieces):
            pieces, again = self._hear_again(speech.without_names(), window, pieces), True
        return passage_of(window, speech.guarded(pieces), heard_again=again)

    def _hear(self, speech: Speech, batch: Sequence[SpeechRegion]) -> list[list[RecognisedPiece]]:
        """Return the results of each window of a batch; those that were tried before are not heard again."""
        tried = self._tried.results if self._tried.portion is speech.portion else {}
        new = [window for window in batch if window not in tried]
        heard = dict(zip(new, self._hear_first(speech, new), strict=True)) if new else {}
        return [tried[window] if window in tried else heard[window] for window in batch]

    def _hear_first(self, speech: Speech, batch: Sequence[SpeechRegion]) -> list[list[RecognisedPiece]]:
        """Return the results of each window of a batch, heard with others and without randomness."""
        # A pipeline remembers the end of the words before, which belong to another window or another thread.
        found, _ = self._new_pipeline().transcribe(
            speech.portion.samples,
            language=speech.language,
            beam_size=self._beam_size,
            word_timestamps=True,
            hotwords=speech.hotwords,
            clip_timestamps=[{"start": window.start, "end": window.end} for window in batch],
            batch_size=len(batch),
        )
        heard: list[list[RecognisedPiece]] = [[] for _ in batch]
        for segment in found:
            heard[_window_at(batch, segment.seek)].append(_heard(segment, 0.0))
        return heard

    def _hear_again(
        self, speech: Speech, window: SpeechRegion, doubted: Sequence[RecognisedPiece]
    ) -> list[RecognisedPiece]:
        """Return the results of a second recognition, with randomness, of a window whose first results are in doubt."""
        return self._transcribe(speech, window, doubted, condition_on_previous_text=False)

    def _hear_in_sequence(
        self, speech: Speech, windows: Sequence[SpeechRegion], doubted: Sequence[Sequence[RecognisedPiece]]
    ) -> list[RecognisedPiece]:
        """Return the results of a second recognition, of a sequence as a whole, as faster-whisper does by default.

        Names leave the model's prompt no room for the text before, so with a vocabulary there is no context: the two
        would together take the room of the answer, which then ends in mid-sentence.
        """
        whole = SpeechRegion(windows[0].start, windows[-1].end)
        pieces = self._transcribe(
            speech,
            whole,
            [piece for pieces in doubted for piece in pieces],
            clip_timestamps=[second - whole.start for region in without_long_pauses(windows) for second in region],
            condition_on_previous_text=speech.hotwords is None,
        )
        return self._hear_in_sequence(speech.without_names(), windows, doubted) if speech.is_echo(pieces) else pieces

    def _transcribe(
        self, speech: Speech, region: SpeechRegion, doubted: Sequence[RecognisedPiece], **options: object
    ) -> list[RecognisedPiece]:
        """Return the results of faster-whisper's sequential recognition of a region, with `options` of it."""
        written = "".join(word.text for piece in doubted for word in piece.words)
        found, _ = self._model.transcribe(
            _cut(speech.portion.samples, region),
            language=speech.language,
            beam_size=self._beam_size,
            word_timestamps=True,
            hotwords=speech.hotwords,
            temperature=TEMPERATURES,
            compression_ratio_threshold=whispers_ratio(written),
            **options,
        )
        return [_heard(segment, region.start) for segment in found]


class _Tried(NamedTuple):
    """The results of windows that were heard to find out the language, and the portion that they belong to."""

    portion: Portion | None
    results: dict[SpeechRegion, list[RecognisedPiece]]


def _heard(segment: "faster_whisper.transcribe.Segment", offset: float) -> RecognisedPiece:
    words = [
        RawWord(str(word.word), float(word.start) + offset, float(word.end) + offset, float(word.probability))
        for word in segment.words or ()
    ]
    return RecognisedPiece(
        tuple(words), float(segment.no_speech_prob), float(segment.avg_logprob), repetition(segment.text)
    )


def _window_at(batch: Sequence[SpeechRegion], seek: int) -> int:
    """Return the number of the window that begins at frame `seek`, in hundredths of a second."""
    return min(range(len(batch)), key=lambda number: abs(batch[number].start * 100 - seek))


def _cut(samples: Samples, window: SpeechRegion) -> Samples:
    return samples[int(window.start * RATE) : int(window.end * RATE)]


def _load(weights: Weights, placement: Placement, threads: int, workers: int) -> faster_whisper.WhisperModel:
    try:
        return faster_whisper.WhisperModel(
            weights.place,
            placement.device,
            compute_type=placement.compute_type,
            cpu_threads=threads,
            num_workers=workers,
            local_files_only=True,
        )
    except (OSError, RuntimeError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        sentence = (
            f"The Whisper model {weights.label} cannot be loaded from {weights.place} ({reason}); "
            f"fetch it again, or in {NAMED_IN} name another one."
        )
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence) from error
