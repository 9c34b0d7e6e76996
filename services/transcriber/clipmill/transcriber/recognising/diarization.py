"""Diarization, which finds out who speaks when, by pyannote's pipeline as WhisperX drives it.

WhisperX is imported only when a pipeline is loaded: it brings PyTorch, which takes seconds and most of a gigabyte.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clipmill.transcriber.hearing.audio import Samples
from clipmill.transcriber.models.hub import hub_timeout
from clipmill.transcriber.recognising.turns import Turn

if TYPE_CHECKING:
    from whisperx.diarize import DiarizationPipeline

FOLDER = "diarization"
"""Folder below the models directory for a pipeline as the hub has it: `config.yaml` and the files that it names."""

TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105  # the variable's name, not the token
"""Variable of the token for the Hugging Face hub, which gives pyannote's weights only to those who accept the terms."""


class SpeakersUnavailable(Exception):
    """Diarization was asked for and is not available; the message says why."""


class Diarizer:
    """A loaded diarization pipeline.

    Args:
        pipeline: Pipeline of WhisperX.
    """

    def __init__(self, pipeline: "DiarizationPipeline") -> None:
        self._pipeline = pipeline

    def turns(self, samples: Samples, on_share: Callable[[float], None]) -> list[Turn]:
        """Return the turns of all speakers.

        Args:
            samples: Mono sound of the whole source at 16 kHz.
            on_share: Callback for the share that is done, 0 to 1.
        """
        found = self._pipeline(samples, progress_callback=lambda percent: on_share(percent / 100))
        return [
            Turn(float(start), float(end), str(speaker))
            for start, end, speaker in zip(found["start"], found["end"], found["speaker"], strict=True)
        ]


def load_diarizer(models_dir: Path, device: str) -> Diarizer:
    """Return the pipeline on this machine, or else the hub's.

    Args:
        models_dir: Directory of fetched weights.
        device: Device of the pipeline, `cpu` or `cuda`.

    Raises:
        SpeakersUnavailable: if neither can be loaded.
    """
    from whisperx.diarize import DiarizationPipeline  # noqa: PLC0415  # see above

    folder = models_dir / FOLDER
    name = str(folder) if folder.is_dir() else None
    try:
        with hub_timeout():
            return Diarizer(DiarizationPipeline(name, token=os.environ.get(TOKEN_VARIABLE), device=device))
    except (
        OSError,
        ValueError,
        RuntimeError,
        AttributeError,
    ) as error:  # AttributeError: a hub that refuses gives None
        where = name or f"the Hugging Face hub (is {TOKEN_VARIABLE} set, and are the model's terms accepted?)"
        raise SpeakersUnavailable(f"pyannote's pipeline cannot be loaded from {where}: {error}") from error
