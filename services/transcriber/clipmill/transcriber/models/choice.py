"""The choice of the Whisper model: the one that is set, or the best one that this machine has or can soon have."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations import models
from clipmill.transcriber.models import downloads
from clipmill.transcriber.models.weights import AUTO, WEIGHTS_FILE, Weights, find_weights

LARGE, SMALL, BASE, ENGLISH = "large-v3-turbo", "small", "whisper-base", "whisper-tiny.en"
"""Models that `auto` may choose. The first needs a GPU; on two processors it takes longer than the video lasts."""


class Choice(NamedTuple):
    """A chosen model.

    Attributes:
        weights: Weights of the model, in a folder.
        reason: Sentence that says why it was chosen; empty if the setting names it.
    """

    weights: Weights
    reason: str


def choose_model(name: str, models_dir: Path, *, on_gpu: bool) -> Choice:
    """Return the model that `name` stands for, with its weights on this machine.

    A model that the setting or a job names is downloaded if this machine lacks it; otherwise no network is used. With
    `auto`, only the model for a GPU is downloaded. The hub must answer within `downloads.ANSWER_SECONDS`.

    Args:
        name: Name as in `TranscriberSettings.model`, or `auto`.
        models_dir: Directory of fetched weights.
        on_gpu: True if the model runs on a GPU.

    Raises:
        Permanent: with `model_unavailable`; the sentence says what to do.
        Transient: with `model_unavailable` if the hub, which may have the model that is named, cannot be reached.
    """
    if name != AUTO:
        weights = find_weights(name, models_dir)
        if weights.on_hub:
            weights = downloads.cached_weights(name) or downloads.download_weights(weights)
        return Choice(weights, "")
    if not on_gpu:
        return _stored_choice(models_dir, "the model runs on a CPU")
    stored = stored_weights(LARGE, models_dir)
    if stored is not None:
        return Choice(stored, f"{LARGE} was chosen because a GPU runs it and it is on this machine.")
    if not downloads.hub_has(LARGE):
        return _stored_choice(models_dir, f"{LARGE} is not on this machine and the Hugging Face hub did not answer")
    try:
        fetched = downloads.download_weights(Weights(LARGE, LARGE, on_hub=True))
    except Transient:
        return _stored_choice(models_dir, f"{LARGE} could not be downloaded")
    return Choice(fetched, f"{LARGE} was chosen because a GPU runs it; it was downloaded.")


def multilingual_on_this_machine(models_dir: Path, *, on_gpu: bool) -> Iterator[Weights]:
    """Yield the multilingual models that need no download, best first, without those that are damaged.

    Args:
        models_dir: Directory of fetched weights.
        on_gpu: True if the model runs on a GPU.
    """
    for name in (LARGE, SMALL, BASE) if on_gpu else (SMALL, BASE):
        try:
            weights = stored_weights(name, models_dir)
        except Permanent:  # a job that another model can do does not fail for it
            continue
        if weights is not None:
            yield weights


def stored_weights(name: str, models_dir: Path) -> Weights | None:
    """Return the weights of a model if it is on this machine, without asking a network; otherwise None.

    Args:
        name: Name of a model in models.toml, of a folder below `models_dir`, or of a model on the hub.
        models_dir: Directory of fetched weights.
    """
    for model in models.catalogue():
        if model.name == name:
            return find_weights(name, models_dir) if models.available(model, models_dir) else None
    folder = models_dir / name
    if (folder / WEIGHTS_FILE).is_file():
        return Weights(name, str(folder), on_hub=False)
    return downloads.cached_weights(name)


def _stored_choice(models_dir: Path, circumstance: str) -> Choice:
    """Return the best model for a CPU that is on this machine; `circumstance` says why none for a GPU is taken."""
    small = stored_weights(SMALL, models_dir)
    if small is not None:
        return Choice(small, f"{SMALL} was chosen because {circumstance} and {SMALL} has been fetched.")
    base = stored_weights(BASE, models_dir)
    if base is not None:
        return Choice(base, f"{BASE} was chosen because {circumstance} and {SMALL} has not been fetched.")
    english = stored_weights(ENGLISH, models_dir)
    if english is not None:
        return Choice(english, f"{ENGLISH}, which knows only English, was chosen because no other is on this machine.")
    sentence = "No speech model is on this machine; run `clipmill models fetch whisper-base`."
    raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)
