"""WhisperX's model, kept loaded, and how it is asked."""

import gc
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ctranslate2
import faster_whisper
import numpy as np
import whisperx
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations.processors import processors
from clipmill.transcriber.audio import RATE, Samples
from clipmill.transcriber.batches import Batches
from clipmill.transcriber.device import Placement, choose
from clipmill.transcriber.speech_request import EngineRequest
from clipmill.transcriber.speech_stretches import WINDOW_SECONDS, SpeechDetector, Stretch
from clipmill.transcriber.weights import Weights
from clipmill.transcriber.words import RawWord

SILENT_PROBABILITY, UNLIKELY_LOGPROB = 0.6, -1.0
"""Whisper's own rule for a window without speech: probably silent, and the words are unlikely."""


CPU_BATCH = 2
"""Windows at once on a CPU: 148 s of talk take 6.1 s with 2, 5.9 s with 8 and 8.3 s with 1 (two cores, tiny.en), and
progress is shown four times as often."""


class Passage(NamedTuple):
    """What was recognised in a window.

    Attributes:
        text: of all words.
        start: of the window, seconds.
        end: likewise.
        words: with the times of Whisper's attention.
    """

    text: str
    start: float
    end: float
    words: tuple[RawWord, ...]


class Recogniser:
    """A Whisper model, loaded through WhisperX and driven by faster-whisper's batched pipeline.

    That pipeline gives word times and takes our detector's windows.

    Args:
        weights: which model, in a folder.
        request: how it runs.

    Raises:
        Permanent: with `model_unavailable`.
    """

    def __init__(self, weights: Weights, request: EngineRequest) -> None:
        self.label = weights.label
        self.placement = choose(request.device, request.compute_type, _cuda_types(), _types("cpu"))
        self.find_speech = SpeechDetector()
        on_cpu = self.placement.device == "cpu"
        self.batches = Batches(min(request.batch_size, CPU_BATCH) if on_cpu else request.batch_size)
        self._beam_size = request.beam_size
        pipeline = _load(weights, self.placement, self.find_speech, request.threads or processors())
        self._model = pipeline.model
        self._pipeline = faster_whisper.BatchedInferencePipeline(model=pipeline.model)

    def language(self, wanted: str | None, samples: Samples, windows: Sequence[Stretch]) -> str:
        """Return the language to recognise: the wanted one, or else the one heard in the first half minute of speech.

        Raises:
            Permanent: with `bad_option` if the model does not know the wanted language.
        """
        supported = self._model.supported_languages
        if wanted is not None and wanted not in supported:
            raise Permanent(ErrorCode.BAD_OPTION, _unsupported(wanted, self.label, supported))
        if wanted is not None or len(supported) == 1:
            return wanted or str(supported[0])
        speech = np.concatenate([_cut(samples, window) for window in windows[:4]])[: int(WINDOW_SECONDS * RATE)]
        found, _, _ = self._model.detect_language(audio=speech)
        return str(found)

    def recognise(
        self,
        samples: Samples,
        windows: Sequence[Stretch],
        language: str,
        on_position: Callable[[float], None],
    ) -> list[Passage]:
        """Return what is said.

        Args:
            samples: mono sound at `RATE`.
            windows: where to listen.
            language: ISO 639-1 code.
            on_position: called with the second up to which all is recognised.

        Raises:
            Transient: with `out_of_memory`.
        """
        passages: list[Passage] = []

        def work(batch: Sequence[Stretch]) -> list[Passage]:
            try:
                return self._transcribe(samples, batch, language)
            except (MemoryError, RuntimeError):
                gc.collect()  # what the failed batch held is needed for the smaller one
                raise

        for found in self.batches.run(windows, work):
            passages += found
            on_position(windows[len(passages) - 1].end)
        return [passage for passage in passages if passage.words]

    def _transcribe(self, samples: Samples, batch: Sequence[Stretch], language: str) -> list[Passage]:
        """Return one passage a window, empty where nothing is said."""
        found, _ = self._pipeline.transcribe(
            samples,
            language=language,
            beam_size=self._beam_size,
            word_timestamps=True,
            clip_timestamps=[{"start": window.start, "end": window.end} for window in batch],
            batch_size=len(batch),
        )
        heard: dict[int, list[RawWord]] = {}
        for segment in found:
            if segment.no_speech_prob > SILENT_PROBABILITY and segment.avg_logprob < UNLIKELY_LOGPROB:
                continue
            words = [
                RawWord(str(word.word), float(word.start), float(word.end), float(word.probability))
                for word in segment.words or ()
            ]
            heard.setdefault(_window_at(batch, segment.seek), []).extend(words)
        return [
            Passage("".join(word.text for word in words), window.start, window.end, tuple(words))
            for window, words in ((window, heard.get(number, [])) for number, window in enumerate(batch))
        ]


def _window_at(batch: Sequence[Stretch], seek: int) -> int:
    """The window that begins at frame `seek`, hundredths of a second."""
    return min(range(len(batch)), key=lambda number: abs(batch[number].start * 100 - seek))


def _cut(samples: Samples, window: Stretch) -> Samples:
    return samples[int(window.start * RATE) : int(window.end * RATE)]


def _types(device: str) -> frozenset[str]:
    return frozenset(ctranslate2.get_supported_compute_types(device))


def _cuda_types() -> frozenset[str]:
    try:
        return _types("cuda") if ctranslate2.get_cuda_device_count() else frozenset()
    except (RuntimeError, ValueError):  # a driver without a card, or this build without CUDA
        return frozenset()


def _load(
    weights: Weights, placement: Placement, detector: SpeechDetector, threads: int
) -> "whisperx.asr.FasterWhisperPipeline":
    try:
        return whisperx.load_model(
            weights.place,
            placement.device,
            compute_type=placement.compute_type,
            vad_model=detector,
            threads=threads,
            local_files_only=True,
        )
    except (OSError, RuntimeError, ValueError) as error:
        sentence = f"The Whisper model {weights.label} cannot be loaded from {weights.place}: {error}"
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence) from error


def _unsupported(wanted: str, label: str, supported: Sequence[str]) -> str:
    sentence = f'The job asks for the language "{wanted}", which the speech model {label} does not know'
    if list(supported) == ["en"]:
        return (
            f"{sentence}: it knows English only. Leave the language out, or set CLIPMILL_TRANSCRIBER_MODEL to a "
            "model of many languages such as whisper-base."
        )
    return f"{sentence}. Leave the language out, or use a code such as {', '.join(sorted(supported)[:3])}."
