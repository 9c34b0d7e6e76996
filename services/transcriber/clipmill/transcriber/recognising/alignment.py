"""Word times from an alignment model of the language, if there is one.

WhisperX is imported only when a model is loaded: it brings PyTorch, which takes seconds and most of a gigabyte.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.transcriber.hearing.audio import Samples
from clipmill.transcriber.models.hub import hub_timeout
from clipmill.transcriber.recognising.passages import Passage
from clipmill.transcriber.recognising.words import LANGUAGES_WITHOUT_SPACES, RawWord
from clipmill.transcriber.speech_request import AlignmentChoice

if TYPE_CHECKING:
    import whisperx.alignment


class AlignmentUnavailable(Exception):
    """The wanted alignment model of a language is not available; the message says why."""


class Aligner:
    """An alignment model, loaded through WhisperX.

    Args:
        model: WhisperX's model and its metadata.
        device: Device of the model, `cpu` or `cuda`.
    """

    def __init__(self, model: "tuple[whisperx.alignment.torch.nn.Module, dict[str, object]]", device: str) -> None:
        self._model, self._metadata = model
        self._device = device

    def align(self, passages: Sequence[Passage], samples: Samples, on_share: Callable[[float], None]) -> list[RawWord]:
        """Return the words of all passages with their times; words that cannot be placed have none.

        Args:
            passages: Recognised passages.
            samples: Mono sound at 16 kHz.
            on_share: Callback for the share that is done, 0 to 1.
        """
        import whisperx.alignment  # noqa: PLC0415  # see above

        blank = "" if self._metadata["language"] in LANGUAGES_WITHOUT_SPACES else " "
        aligned: list[RawWord] = []
        for number, passage in enumerate(passages):
            spoken = {"text": passage.text.strip(), "start": passage.start, "end": passage.end}
            result = whisperx.alignment.align([spoken], self._model, self._metadata, samples, self._device)
            words = result["word_segments"]
            aligned += [
                RawWord(blank + word["word"], _number(word, "start"), _number(word, "end"), _number(word, "score"))
                for word in words
            ] or passage.words  # WhisperX gives up on a passage without a letter it knows
            on_share((number + 1) / len(passages))
        return aligned


def _number(word: "dict[str, float]", name: str) -> float | None:
    """Return a number of WhisperX's as a float; None for a word that WhisperX could not place."""
    return float(word[name]) if name in word else None


class WholePassage:
    """A replacement for NLTK's sentence splitter, whose data WhisperX would download.

    It does not split a passage, because `segments` groups the words later.
    """

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Return the whole text as one sentence."""
        return [(0, len(text))]


def load_aligner(language: str, choice: AlignmentChoice, models_dir: Path, device: str) -> Aligner | None:
    """Return the alignment model of a language, None if none is wanted or (`auto`) none is on this machine.

    Raises:
        AlignmentUnavailable: if the hub's model is wanted and cannot be loaded.
        Permanent: with `model_unavailable` if the model on this machine cannot be loaded.
    """
    folder = models_dir / f"alignment-{language}"
    if choice is AlignmentChoice.OFF or (choice is AlignmentChoice.AUTO and not folder.is_dir()):
        return None
    import whisperx.alignment  # noqa: PLC0415  # see above

    whisperx.alignment.nltk_load = lambda _resource: WholePassage()
    if folder.is_dir():
        try:
            return Aligner(
                whisperx.alignment.load_align_model(language, device, model_name=str(folder), model_cache_only=True),
                device,
            )
        except (OSError, ValueError) as error:
            sentence = f"The alignment model in {folder} cannot be loaded; replace or remove it."
            raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence) from error
    try:
        with hub_timeout():
            return Aligner(whisperx.alignment.load_align_model(language, device), device)
    except (OSError, ValueError) as error:
        raise AlignmentUnavailable(str(error)) from error


class Aligners:
    """The alignment models of an engine, of which one at a time is in memory.

    Args:
        choice: Use of an alignment model.
        models_dir: Directory of fetched weights.
        device: Device of the models, `cpu` or `cuda`.
    """

    def __init__(self, choice: AlignmentChoice, models_dir: Path, device: str) -> None:
        self._choice, self._models_dir, self._device = choice, models_dir, device
        self._loaded: dict[str, Aligner | None] = {}
        self._problems: dict[str, str] = {}

    @property
    def problem(self) -> str:
        """Reason why a wanted model was not available in this task; otherwise empty."""
        return next(iter(self._problems.values()), "")

    def begin_task(self) -> None:
        """Forget which models were not available, so that this task tries them again."""
        self._problems.clear()

    def load(self, language: str) -> Aligner | None:
        """Return the language's aligner, loaded once, None if none is wanted or the wanted one is not available.

        A hub that cannot be reached is waited for once in a task.

        Args:
            language: ISO 639-1 code of the language.

        Raises:
            Permanent: with `model_unavailable` if the model on this machine cannot be loaded.
        """
        if language not in self._loaded and language not in self._problems:
            self._loaded.clear()
            try:
                self._loaded[language] = load_aligner(language, self._choice, self._models_dir, self._device)
            except AlignmentUnavailable as problem:
                self._problems[language] = str(problem)
        return self._loaded.get(language)
