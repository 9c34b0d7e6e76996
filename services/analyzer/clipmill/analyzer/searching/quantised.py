"""Vectors that product quantisation stores: one byte for each of their parts names the nearest of 256.

Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor search".
"""

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def restored(codes: npt.NDArray[np.uint8], parts: npt.NDArray[np.float16]) -> Vectors:
    """Return the unit vectors that `codes` stand for, one row each.

    Args:
        codes: Number of each part of each vector, shape (vectors, parts).
        parts: Directions that the numbers stand for, shape (parts, 256, width of a part).
    """
    directions = np.concatenate([part[codes[:, at]] for at, part in enumerate(parts.astype(np.float32))], axis=1)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions
