"""Which weights a model's name stands for."""

from pathlib import Path
from typing import NamedTuple

from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.operations import models

WEIGHTS_FILE = "model.bin"
"""What makes a folder one of CTranslate2 weights."""


class Weights(NamedTuple):
    """Where weights are.

    Attributes:
        label: what the model is called in a transcript.
        place: a folder, or a name on the hub.
        on_hub: whether `place` is a name on the hub.
    """

    label: str
    place: str
    on_hub: bool


def find_weights(name: str, models_dir: Path) -> Weights:
    """Return the weights that `name` stands for.

    Args:
        name: of a model in models.toml, of a folder (a path, or below `models_dir`), or on the hub.
        models_dir: directory of fetched weights.

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
            f"CLIPMILL_TRANSCRIBER_MODEL is {name}, which has no {WEIGHTS_FILE}; name a folder of CTranslate2 weights.",
        )
    return Weights(name, name, on_hub=True)
