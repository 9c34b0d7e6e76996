"""The Hugging Face hub and its cache on this machine, for Whisper weights that no wheel brings."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faster_whisper.utils
import huggingface_hub
import huggingface_hub.constants
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.transcriber.models.hub import offline_by_choice
from clipmill.transcriber.models.weights import WEIGHTS_FILE, Weights
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

ANSWER_SECONDS = 5.0
"""Longest time in which the hub is waited for before another model is chosen, name resolution included."""


def download_weights(weights: Weights) -> Weights:
    """Return `weights` as a folder, downloaded the first time and taken from the hub's cache afterwards.

    Raises:
        Permanent: with `model_unavailable` if the hub has no such model.
        Transient: with `model_unavailable` if the hub cannot be reached and the cache does not have it.
    """
    try:
        with _online():
            folder = faster_whisper.utils.download_model(weights.place)
    except LocalEntryNotFoundError as error:  # also a ValueError and an OSError, so it comes first
        raise _unreachable(weights) from error
    except (RepositoryNotFoundError, ValueError) as error:
        sentence = (
            f"There is no Whisper model {weights.label}; set CLIPMILL_TRANSCRIBER_MODEL to a name that "
            "`clipmill models list` shows, to a folder of CTranslate2 weights, or to a model on the Hugging Face hub."
        )
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence) from error
    except OSError as error:
        raise _unreachable(weights) from error
    return Weights(weights.label, str(folder), on_hub=False)


def cached_weights(name: str) -> Weights | None:
    """Return the weights of a model of the hub if its cache on this machine has them, otherwise None."""
    try:
        folder = Path(faster_whisper.utils.download_model(name, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or no name that the hub could have
        return None
    return Weights(name, str(folder), on_hub=False) if (folder / WEIGHTS_FILE).is_file() else None


def hub_has(name: str) -> bool:
    """Return whether the hub says within `ANSWER_SECONDS` that it has a model of faster-whisper."""
    if offline_by_choice():
        return False
    repository = faster_whisper.utils._MODELS.get(name, name)  # noqa: SLF001  # the only list of the names
    url = f"{huggingface_hub.constants.ENDPOINT}/api/models/{repository}"
    answers: queue.Queue[bool] = queue.Queue()

    def ask() -> None:
        try:
            with _online():
                answer = huggingface_hub.get_session().head(url, timeout=ANSWER_SECONDS).ok
        except OSError:
            answer = False
        answers.put(answer)

    # A thread, because no time-out ends the resolution of a name.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        return False


@contextmanager
def _online() -> Iterator[None]:
    """Let the hub's library use the network within this context, even if it was imported without it."""
    before = huggingface_hub.constants.HF_HUB_OFFLINE
    huggingface_hub.constants.HF_HUB_OFFLINE = False
    huggingface_hub.configure_http_backend()  # forgets the sessions that refuse everything
    try:
        yield
    finally:
        huggingface_hub.constants.HF_HUB_OFFLINE = before
        huggingface_hub.configure_http_backend()


def _unreachable(weights: Weights) -> Transient:
    sentence = (
        f"The Whisper model {weights.label} could not be fetched from the Hugging Face hub; set "
        "CLIPMILL_TRANSCRIBER_MODEL to a model on this machine if the hub cannot be reached from here."
    )
    return Transient(ErrorCode.MODEL_UNAVAILABLE, sentence)
