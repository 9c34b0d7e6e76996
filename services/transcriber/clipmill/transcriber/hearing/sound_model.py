"""YAMNet, which hears what words cannot tell: laughter, applause, cheers, shouts, music and singing."""

import csv
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import onnxruntime
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

        Args:
            patches: Log-mel patches.
        """
        numbers = np.rint(patches / self._input.step) + self._input.zero
        heard = np.clip(np.nan_to_num(numbers), 0, 255).astype(np.uint8)  # damaged sound has numbers that are none
        answers = [self._session.run(None, {"audio": patch[None, None]})[0][0] for patch in heard]
        logits = self._output.step * (np.stack(answers).astype(np.float32) - self._output.zero)
        scores: Scores = np.stack([logits[:, indices].max(axis=1) for indices in self._members], axis=1)
        return scores


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
