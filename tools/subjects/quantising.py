"""Product quantisation of directions (Jégou, Douze and Schmid 2011)."""

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

PARTS = 32
"""Parts of a direction, one byte each: 32 bytes a stem keep the table below a megabyte."""

CODES = 256
SAMPLE = 8000
"""Directions that the codes of a part are learned from."""


def quantised(directions: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """Return the codes of unit vectors, and what the codes stand for.

    Args:
        directions: Unit vectors, one row each.
    """
    width = directions.shape[1] // PARTS
    codes = np.zeros((len(directions), PARTS), np.uint8)
    parts = np.zeros((PARTS, CODES, width), np.float16)
    sample = np.random.default_rng(0).choice(len(directions), min(SAMPLE, len(directions)), replace=False)
    for part in range(PARTS):
        piece = directions[:, part * width : (part + 1) * width]
        means = KMeans(CODES, n_init=1, max_iter=25, random_state=0).fit(piece[sample])
        parts[part], codes[:, part] = means.cluster_centers_, means.predict(piece)
    return codes, parts
