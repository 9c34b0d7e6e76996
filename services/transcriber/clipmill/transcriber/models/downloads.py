"""The Hugging Face hub and its cache on this machine, for Whisper weights that no wheel brings."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol, TypeVar

import faster_whisper.utils
import huggingface_hub
import huggingface_hub.constants
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.transcriber.models.hub import HUB_SECONDS, offline_by_choice
from clipmill.transcriber.models.weights import NAMED_IN, WEIGHTS_FILE, Weights
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

NEEDED_FILES = (WEIGHTS_FILE, "config.json", "vocabulary.*")
"""Files that every Whisper model of the hub has; a download that broke off lacks one of them."""

ANSWER_SECONDS = 5.0
"""Longest time in which the hub is waited for before another model is chosen, name resolution included."""


def download_weights(weights: Weights) -> Weights:
    """Return `weights` as a folder, downloaded into the hub's cache.

    The hub has `ANSWER_SECONDS` to answer at all, and may then be silent for `HUB_SECONDS` at most.

    Raises:
        Permanent: with `model_unavailable` if the hub has no such model, or the operator forbids its use.
        Transient: with `model_unavailable` if the hub cannot be reached.
    """
    if _repository(weights.place) is None:
        raise _unknown(weights)
    if offline_by_choice():
        sentence = (
            f"The Whisper model {weights.label} is not on this machine, and HF_HUB_OFFLINE forbids fetching it; unset "
            f"that variable, or in {NAMED_IN} name a model on this machine."
        )
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)
    if hub_status(weights.place) is None:
        raise _unreachable(weights)
    try:
        with _online():
            folder = faster_whisper.utils.download_model(weights.place)
    except LocalEntryNotFoundError as error:  # also a ValueError and an OSError, so it comes first
        raise _unreachable(weights) from error
    except (RepositoryNotFoundError, ValueError) as error:
        raise _unknown(weights) from error
    except OSError as error:
        raise _unreachable(weights) from error
    return Weights(weights.label, str(folder), on_hub=False)


def cached_weights(name: str) -> Weights | None:
    """Return the weights of a model of the hub if its cache on this machine has them whole, otherwise None."""
    try:
        folder = Path(faster_whisper.utils.download_model(name, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or no name that the hub could have
        return None
    whole = all(any(folder.glob(pattern)) for pattern in NEEDED_FILES)
    return Weights(name, str(folder), on_hub=False) if whole else None


def hub_has(name: str) -> bool:
    """Return whether the hub says within `ANSWER_SECONDS` that it has a model of faster-whisper."""
    status = hub_status(name)
    return status is not None and status < HTTPStatus.BAD_REQUEST


def hub_status(name: str) -> int | None:
    """Return the hub's HTTP status for a model, None if it does not answer in `ANSWER_SECONDS` or its use is forbidden.

    Args:
        name: Name of a model of faster-whisper, or of a repository.
    """
    repository = _repository(name)
    if offline_by_choice() or repository is None:
        return None
    url = f"{huggingface_hub.constants.ENDPOINT}/api/models/{repository}"
    answers: queue.Queue[int | None] = queue.Queue()
    with _online():  # the thread may outlive this call, so it changes nothing that others use
        session = huggingface_hub.get_session()

    def ask() -> None:
        try:
            answers.put(int(session.head(url, timeout=ANSWER_SECONDS).status_code))
        except (OSError, ValueError):  # the second for a name that makes no URL
            answers.put(None)

    # A thread, because no time-out ends the resolution of a name.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        return None


@contextmanager
def _online() -> Iterator[None]:
    """Let the hub's library use the network within this context, even if it was imported without it."""
    before = huggingface_hub.constants.HF_HUB_OFFLINE
    huggingface_hub.constants.HF_HUB_OFFLINE = False
    huggingface_hub.configure_http_backend()  # forgets the sessions that refuse everything
    new_session = type(huggingface_hub.get_session())
    huggingface_hub.configure_http_backend(lambda: _patient(new_session()))
    try:
        yield
    finally:
        huggingface_hub.constants.HF_HUB_OFFLINE = before
        huggingface_hub.configure_http_backend()


class _Sends(Protocol):
    """A session of the library that the hub's library uses."""

    @property
    def send(self) -> Callable[..., object]:
        """Function that sends a request and takes a `timeout` in seconds."""


S = TypeVar("S", bound=_Sends)


def _patient(session: S) -> S:
    """Return a session whose requests without a time-out get one of `HUB_SECONDS`."""
    send = session.send

    def send_in_time(*arguments: object, **options: object) -> object:
        return send(*arguments, **{**options, "timeout": options.get("timeout") or HUB_SECONDS})

    vars(session)["send"] = send_in_time
    return session


def _repository(name: str) -> str | None:
    """Return the hub's repository of a model, None if it can have none of that name."""
    known: dict[str, str] = faster_whisper.utils._MODELS  # noqa: SLF001  # the only list of the names
    return known.get(name, name if "/" in name else None)


def _unknown(weights: Weights) -> Permanent:
    sentence = (
        f"There is no Whisper model {weights.label}; in {NAMED_IN} use a name that `clipmill models list` shows, a "
        "folder of CTranslate2 weights, or a model on the Hugging Face hub."
    )
    return Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)


def _unreachable(weights: Weights) -> Transient:
    sentence = (
        f"The Whisper model {weights.label} could not be fetched from the Hugging Face hub; try again later, or in "
        f"{NAMED_IN} name a model on this machine."
    )
    return Transient(ErrorCode.MODEL_UNAVAILABLE, sentence)
