"""The weights that a model's name stands for."""

from pathlib import Path
from typing import NamedTuple

from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations import models

AUTO = "auto"
"""Name that stands for the best model on this machine; see `choice.choose_model`."""

WEIGHTS_FILE = "model.bin"
"""File that every folder of CTranslate2 weights has."""

NAMED_IN = "CLIPMILL_TRANSCRIBER_MODEL, or CLIPMILL_GATEWAY_MODELS if the job chose the model,"
"""The settings that name a model, for sentences about it."""


class Weights(NamedTuple):
    """The place of a model's weights.

    Attributes:
        label: Name of the model in a transcript.
        place: Folder of the weights, or their name on the hub.
        on_hub: True if `place` is a name on the hub.
    """

    label: str
    place: str
    on_hub: bool


def find_weights(name: str, models_dir: Path) -> Weights:
    """Return the weights that `name` stands for.

    Args:
        name: Name of a model in models.toml, of a folder (a path, or one below `models_dir`), or of a model on the hub.
        models_dir: Directory of fetched weights.

    Raises:
        Permanent: with `model_unavailable`; the sentence says what to do.
    """
    if name in {model.name for model in models.catalogue()}:
        return Weights(name, str(models.locate(name, models_dir)), on_hub=False)
    for folder in (Path(name).expanduser(), models_dir / name):
        if (folder / WEIGHTS_FILE).is_file():
            return Weights(folder.name, str(folder), on_hub=False)
    if Path(name).expanduser().is_absolute() or name.startswith(("~", ".")) or name.count("/") > 1:
        raise Permanent(
            ErrorCode.MODEL_UNAVAILABLE,
            f"The Whisper model {name} has no {WEIGHTS_FILE}; in {NAMED_IN} name a folder that holds CTranslate2 "
            "weights.",
        )
    return Weights(name, name, on_hub=True)
