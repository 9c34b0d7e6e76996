"""The download of Whisper weights from the Hugging Face hub, if this machine lacks the configured model."""

import faster_whisper.utils
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.transcriber.models.weights import Weights
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError


def download_weights(weights: Weights) -> Weights:
    """Return `weights` as a folder, downloaded the first time and taken from the hub's cache afterwards.

    Raises:
        Permanent: with `model_unavailable` if the hub has no such model.
        Transient: with `model_unavailable` if the hub cannot be reached and the cache does not have it.
    """
    try:
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


def _unreachable(weights: Weights) -> Transient:
    sentence = (
        f"The Whisper model {weights.label} could not be fetched from the Hugging Face hub; set "
        "CLIPMILL_TRANSCRIBER_MODEL to a model on this machine if the hub cannot be reached from here."
    )
    return Transient(ErrorCode.MODEL_UNAVAILABLE, sentence)
