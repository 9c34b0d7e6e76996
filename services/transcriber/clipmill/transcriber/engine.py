"""Sound in, transcript out: detect speech, recognise it, place the words."""

from collections.abc import Callable
from pathlib import Path

from clipmill.contracts.documents import EngineFacts, Transcript
from clipmill.transcriber.alignment import Aligner, AlignmentUnavailable, load_aligner
from clipmill.transcriber.audio import RATE, Samples
from clipmill.transcriber.pauses import draw_to_pauses, find_pauses
from clipmill.transcriber.recognition import Recogniser
from clipmill.transcriber.segments import group
from clipmill.transcriber.speech_request import EngineRequest, SpeechResult
from clipmill.transcriber.speech_stretches import windows
from clipmill.transcriber.weights import Weights
from clipmill.transcriber.words import RawWord, tidy

RECOGNITION_SHARE = 0.6
"""The share of the work before alignment, where words are aligned."""

ENGINE_NAME = "whisperx"


class Engine:
    """A loaded model with all that belongs to it.

    Args:
        weights: which model.
        request: how it runs.
    """

    def __init__(self, weights: Weights, request: EngineRequest) -> None:
        self._request = request
        self._recogniser = Recogniser(weights, request)
        self._aligners: dict[str, Aligner | None] = {}

    def transcribe(self, samples: Samples, wanted: str | None, report: Callable[[float], None]) -> SpeechResult:
        """Return what is said in `samples`.

        Args:
            samples: mono sound at `RATE`.
            wanted: ISO 639-1 code of the language, None to detect it.
            report: called with the share done, 0 to 1.
        """
        duration = len(samples) / RATE
        heard = windows(self._recogniser.find_speech(samples))
        language = self._recogniser.language(wanted, samples, heard) if heard or wanted else ""
        aligner, problem = self._aligner(language) if heard else (None, "")
        share = RECOGNITION_SHARE if aligner else 1.0
        passages = self._recogniser.recognise(
            samples, heard, language, lambda second: report(share * min(1.0, second / duration))
        )
        raw = [word for passage in passages for word in passage.words]
        if aligner and passages:
            raw = aligner.align(passages, samples, lambda part: report(share + (1 - share) * part))
        elif raw:
            raw = draw_to_pauses(raw, find_pauses(samples))
        transcript = self._transcript(raw, duration, language, aligned=aligner is not None)
        batches = self._recogniser.batches
        return SpeechResult(
            transcript=transcript,
            batch_size=batches.size,
            batch_reduced=batches.reduced,
            alignment_problem=problem,
        )

    def _transcript(self, raw: list[RawWord], duration: float, language: str, *, aligned: bool) -> Transcript:
        segments = group(tidy(raw, duration, language))
        facts = EngineFacts(
            name=ENGINE_NAME,
            model=self._recogniser.label,
            device=self._recogniser.placement.device,
            compute_type=self._recogniser.placement.compute_type,
            word_times="alignment" if aligned else "attention",
        )
        return Transcript(
            language=language if segments else "", duration=round(duration, 3), segments=segments, engine=facts
        )

    def _aligner(self, language: str) -> tuple[Aligner | None, str]:
        """The language's aligner, loaded once, or why there is none though one was asked for."""
        if language not in self._aligners:
            models_dir, device = Path(self._request.models_dir), self._recogniser.placement.device
            try:
                self._aligners[language] = load_aligner(language, self._request.alignment, models_dir, device)
            except AlignmentUnavailable as problem:  # the next task tries again
                return None, str(problem)
        return self._aligners[language], ""
