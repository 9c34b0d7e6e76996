"""YAMNet, which hears what words cannot tell: laughter, applause, cheers, shouts, music and singing."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import onnxruntime
from clipmill.contracts.failures import Permanent
from clipmill.operations import models
from clipmill.transcriber.hearing.initializers import read_initializers
from clipmill.transcriber.hearing.log_mel import Patches

MODEL = "yamnet"
"""Name of the weights in models.toml."""

KINDS: dict[str, frozenset[str]] = {
    "laughter": frozenset({
        "Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle",
    }),
    "applause": frozenset({"Applause", "Clapping"}),
    "cheering": frozenset({"Cheering", "Whoop"}),
    "shouting": frozenset({"Shout", "Bellow", "Yell", "Children shouting", "Screaming"}),
    "music": frozenset({
        "Music", "Musical instrument", "Background music", "Theme music", "Jingle (music)", "Song", "Soundtrack music",
    }),
    "singing": frozenset({
        "Singing", "Choir", "Yodeling", "Chant", "Mantra", "Child singing", "Synthetic singing", "Rapping", "Humming",
        "Vocal music", "A capella",
    }),
}  # fmt: skip
"""AudioSet's classes of each kind of sound, by their names in the class map.

`Crowd` and `Chatter` belong to no kind: a restaurant has both and nobody reacts. `Hands` and `Finger snapping` are no
applause. Styles of music and single instruments are left out because `Music` and `Musical instrument` stand beside
them in AudioSet."""

Scores = npt.NDArray[np.float32]
"""Log-odds of shape (patches, kinds), kinds in the order of `KINDS`."""


REACTIONS = "reactions.npz"
"""Data file of the learned weights, beside this module. `tools/room/learn_reactions.py` writes it."""


SURER_STEPS = 2
"""Steps of the model by which a class must be surer than the learned weights: one step less gives a false laugh in ten
minutes of loud rooms."""


class Ear(NamedTuple):
    """Weights of all classes that tell a kind of sound better than its own classes do.

    Under speech, noise or music, the class `Laughter` is about as likely for a laugh as for some words. The other
    classes tell which of the two it is.

    Attributes:
        kinds: Kinds of sound that have weights.
        weights: Weights of shape (classes, kinds), for the classes' log-odds.
        constants: Number to add for each kind.
    """

    kinds: tuple[str, ...]
    weights: npt.NDArray[np.float32]
    constants: npt.NDArray[np.float32]

    def scores(self, logits: npt.NDArray[np.float32]) -> Scores:
        """Return the log-odds of each kind in each patch, in the shape (patches, kinds).

        Args:
            logits: Log-odds of each class, in the shape (patches, classes).
        """
        return logits @ self.weights + self.constants


@cache
def learned_ear() -> Ear:
    """Return the weights of the data file."""
    with np.load(Path(__file__).with_name(REACTIONS)) as stored:
        return Ear(tuple(stored["kinds"].tolist()), stored["weights"], stored["constants"])


class _Scale(NamedTuple):
    """The relation of a number to the byte that stands for it: number = step * (byte - zero)."""

    step: float
    zero: int


class SoundModel:
    """YAMNet on the CPU, with one thread because recognition uses the others at the same time.

    A patch takes about 1.4 ms, so an hour of sound takes 10 s. The file takes one patch at a time.

    Args:
        models_dir: Directory of fetched weights.

    Raises:
        Permanent: with `model_unavailable` if the weights are missing or damaged; the sentence says what to do.
    """

    def __init__(self, models_dir: Path) -> None:
        folder = models.locate(MODEL, models_dir)
        weights, classes = (folder / file.name for file in _files())
        with ZipFile(weights) as archive:  # the graph, and beside it the weights, in a folder
            names = {name.rpartition("/")[2]: name for name in archive.namelist()}
            graph, self._data = archive.read(names["model.onnx"]), archive.read(names["model.data"])
        constants = read_initializers(graph)
        self._input = _scale(constants, "audio")
        self._output = _scale(constants, "class_scores")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_external_initializers_from_files_in_memory(["model.data"], [self._data], [len(self._data)])
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._members = members(classes)

    def scores(self, patches: Patches) -> Scores:
        """Return the log-odds of each kind of sound in each patch: those of its likeliest class.

        Where weights were learned, they count, and a class that is sure of itself: with no speech around, as at the end
        of a talk, it knows better.

        Args:
            patches: Log-mel patches.
        """
        logits = self.logits(patches)
        scores: Scores = np.stack([logits[:, indices].max(axis=1) for indices in self._members], axis=1)
        ear = learned_ear()
        places = [list(KINDS).index(kind) for kind in ear.kinds]
        scores[:, places] = np.maximum(scores[:, places] - SURER_STEPS * self._output.step, ear.scores(logits))
        return scores

    def logits(self, patches: Patches) -> npt.NDArray[np.float32]:
        """Return the log-odds of each class in each patch, in the shape (patches, classes).

        Args:
            patches: Log-mel patches.
        """
        numbers = np.rint(patches / self._input.step) + self._input.zero
        heard = np.clip(np.nan_to_num(numbers), 0, 255).astype(np.uint8)  # damaged sound has numbers that are none
        answers = [self._session.run(None, {"audio": patch[None, None]})[0][0] for patch in heard]
        logits: npt.NDArray[np.float32] = np.stack(answers).astype(np.float32) - self._output.zero
        return logits * np.float32(self._output.step)


class SoundModelOnDemand:
    """The model of the room's sounds, which is loaded when it is first wanted and then kept.

    Args:
        models_dir: Directory of fetched weights.
    """

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._model: SoundModel | None = None

    def load(self) -> tuple[SoundModel | None, str]:
        """Return the model and an empty reason, or None and the reason if it is not available.

        The next call tries again.
        """
        if self._model is None:
            try:
                self._model = SoundModel(self._models_dir)
            except Permanent as problem:
                return None, problem.sentence
        return self._model, ""


def members(class_map: Path) -> list[list[int]]:
    """Return the indices of each kind's classes, kinds in the order of `KINDS`.

    Args:
        class_map: CSV file with the columns `index` and `display_name`.
    """
    with class_map.open(encoding="utf-8", newline="") as file:
        indices = {row["display_name"]: int(row["index"]) for row in csv.DictReader(file)}
    return [sorted(indices[name] for name in names) for names in KINDS.values()]


def _files() -> tuple[models.ModelFile, ...]:
    return next(model.files for model in models.catalogue() if model.name == MODEL)


def _scale(constants: dict[str, bytes], name: str) -> _Scale:
    """Return the scale of the model's input or output from the file's constants."""
    step = float(np.frombuffer(constants[f"{name}_scale"], "<f4")[0])
    return _Scale(step, constants[f"{name}_zero_point"][0])
