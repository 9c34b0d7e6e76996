"""Telling speakers apart, by pyannote's pipeline as WhisperX drives it."""

import os
from collections.abc import Callable
from pathlib import Path

from clipmill.transcriber.hearing.audio import Samples
from clipmill.transcriber.models.hub import hub_timeout
from clipmill.transcriber.recognising.turns import Turn
from whisperx.diarize import DiarizationPipeline

FOLDER = "diarization"
"""Where below the models directory a pipeline may lie, as the hub has it: its `config.yaml` and what that names."""

TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105  # where the token is, not the token
"""The Hugging Face hub hands out pyannote's weights to those who have accepted their terms."""


class SpeakersUnavailable(Exception):
    """Speakers cannot be told apart, though that was asked for; the message says why."""


class Diarizer:
    """A loaded pipeline.

    Args:
        pipeline: WhisperX's.
    """

    def __init__(self, pipeline: DiarizationPipeline) -> None:
        self._pipeline = pipeline

    def turns(self, samples: Samples, on_share: Callable[[float], None]) -> list[Turn]:
        """Return who speaks when.

        Args:
            samples: mono sound at 16 kHz, all of a source.
            on_share: called with the share that is done, 0 to 1.
        """
        found = self._pipeline(samples, progress_callback=lambda percent: on_share(percent / 100))
        return [
            Turn(float(start), float(end), str(speaker))
            for start, end, speaker in zip(found["start"], found["end"], found["speaker"], strict=True)
        ]


def load_diarizer(models_dir: Path, device: str) -> Diarizer:
    """Return the pipeline on this machine, or else the hub's.

    Args:
        models_dir: directory of fetched weights.
        device: `cpu` or `cuda`.

    Raises:
        SpeakersUnavailable: if there is none.
    """
    folder = models_dir / FOLDER
    name = str(folder) if folder.is_dir() else None
    try:
        with hub_timeout():
            return Diarizer(DiarizationPipeline(name, token=os.environ.get(TOKEN_VARIABLE), device=device))
    except (OSError, ValueError, RuntimeError, AttributeError) as error:  # the last: the hub refused, there is None
        where = name or f"the Hugging Face hub (is {TOKEN_VARIABLE} set, and are the model's terms accepted?)"
        raise SpeakersUnavailable(f"pyannote's pipeline cannot be loaded from {where}: {error}") from error
