"""A face detector: BlazeFace.

The model is MediaPipe's BlazeFace for full-range use (faces up to about 5 m away), run by LiteRT. The code around the
model (anchors, decoding, suppression) follows the published configuration of MediaPipe's full-range face detection
graph and "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs" (Bazarevsky et al., 2019):

- input 192x192 RGB in [-1, 1], the picture letterboxed in black;
- one feature map of stride 4, 48x48 cells, one anchor of fixed size a cell, centred in it: 2,304 anchors;
- raw boxes are 16 numbers: centre x, y, width, height, then six key points x, y (right and left eye, tip of the
  nose, middle of the mouth, right and left ear), all in input pixels, positions relative to the anchor's
  centre;
- scores are logits, clipped to +-100; at least 0.6 counts;
- overlapping boxes (IoU over 0.3) are averaged with their scores as weights, which is steadier than keeping the best.

It finds nearly all faces whose width is at least 8 % of the picture's longer side, which is 16 of the 192 pixels of the
model's input, and hardly any below 4 %. This was measured with one man's face from two recordings, pasted at ten sizes
into pictures of 1920x1080.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from clipmill.renderer.pictures import Picture, shrunk
from clipmill.renderer.seeing.faces import Box, Face

INPUT_SIDE = 192
STRIDE = 4
SCORE_CLIP = 100.0
LEAST_SCORE = 0.6
SAME_FACE_IOU = 0.3
EYES = slice(4, 8)
"""Positions of the eyes in a raw box: x, y of the right eye (on the left in the picture), then of the left eye."""

MOUTH = slice(10, 12)
"""Position of the middle of the mouth in a raw box, after the tip of the nose; the tragions of the ears are last."""

Floats = npt.NDArray[np.float64]


def _to_input() -> npt.NDArray[np.float32]:
    """Return the matrix that makes R, G and B in [-1, 1] of limited-range BT.709 (Kr = 0.2126, Kb = 0.0722)."""
    rows = np.array([[1, 0, 1.5748], [1, -0.1873, -0.4681], [1, 1.8556, 0]]) * 2 / np.array([219, 224, 224])
    return np.column_stack([rows, -rows @ np.array([16, 128, 128]) - 1]).astype(np.float32)


TO_INPUT = _to_input()


class BlazeFace:
    """BlazeFace full range on one thread of a processor: about 4 ms a picture.

    Args:
        weights: File of the model, a `.tflite`.
    """

    def __init__(self, weights: Path) -> None:
        self._model = Interpreter(model_path=str(weights), num_threads=1)
        self._model.allocate_tensors()
        self._input = self._model.get_input_details()[0]["index"]
        boxes, scores = sorted(self._model.get_output_details(), key=lambda output: -int(output["shape"][-1]))
        self._boxes, self._scores = boxes["index"], scores["index"]
        self._anchors = anchors()

    def detect(self, picture: Picture) -> list[Face]:
        """Return the faces in `picture`, in order of falling score."""
        scale = INPUT_SIDE / max(picture.shown_width, picture.height)
        self._model.set_tensor(self._input, letterboxed(picture, scale)[np.newaxis])
        self._model.invoke()
        logits = np.asarray(self._model.get_tensor(self._scores), np.float64)[0, :, 0]
        scores = 1 / (1 + np.exp(-np.clip(logits, -SCORE_CLIP, SCORE_CLIP)))
        sure = scores >= LEAST_SCORE
        raw = np.asarray(self._model.get_tensor(self._boxes), np.float64)[0, sure]
        return [_face(row, score, scale) for row, score in merged(decoded(raw, self._anchors[sure]), scores[sure])]


def anchors() -> Floats:
    """Return the centres of the 2,304 anchors, each as x, y in input pixels, row by row."""
    cells = (np.arange(INPUT_SIDE // STRIDE, dtype=np.float64) + 0.5) * STRIDE
    across, down = np.meshgrid(cells, cells)
    return np.stack([across.ravel(), down.ravel()], axis=1)


def decoded(raw: Floats, centres: Floats) -> Floats:
    """Return one row for each raw box: left, top, right, bottom, then the key points, in input pixels.

    Args:
        raw: Boxes as the model gives them, N by 16.
        centres: Centres of their anchors, N by 2.
    """
    rows = raw.copy()
    rows[:, 0:2] += centres
    rows[:, 4:] += np.tile(centres, 6)
    half = rows[:, 2:4] / 2
    rows[:, 2:4] = rows[:, 0:2] + half
    rows[:, 0:2] -= half
    return rows


def merged(rows: Floats, scores: Floats) -> list[tuple[Floats, float]]:
    """Return one row for each face, with its best score; the row is the weighted mean of all rows that overlap.

    The faces are in order of falling score.

    Args:
        rows: Rows from `decoded`, N by 16.
        scores: Scores of these rows, N.
    """
    faces: list[tuple[Floats, float]] = []
    order = np.argsort(-scores)
    while order.size:
        same = _overlaps(rows[order[0]], rows[order]) > SAME_FACE_IOU
        same[0] = True
        group = order[same]
        mean = np.average(rows[group], axis=0, weights=scores[group])
        faces.append((mean, float(scores[order[0]])))
        order = order[~same]
    return faces


def _overlaps(row: Floats, rows: Floats) -> Floats:
    low, high = np.maximum(row[0:2], rows[:, 0:2]), np.minimum(row[2:4], rows[:, 2:4])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(rows[:, 2:4] - rows[:, 0:2], axis=1)
    union = np.prod(row[2:4] - row[0:2]) + areas - common
    return np.asarray(common / np.maximum(union, 1e-6), np.float64)


def _face(row: Floats, score: float, scale: float) -> Face:
    left, top, right, bottom = (float(value) / scale for value in row[:4])
    eyes, mouth = row[EYES] / scale, row[MOUTH] / scale
    box = Box(left, top, right - left, bottom - top)
    return Face(box, float(eyes[1] + eyes[3]) / 2, score, (float(mouth[0]), float(mouth[1])))


def letterboxed(picture: Picture, scale: float) -> npt.NDArray[np.float32]:
    """Return `picture` as the model takes it: RGB in [-1, 1], at the top left of a black square.

    Args:
        picture: Upright picture.
        scale: Input pixels per shown pixel.
    """
    width = max(1, min(INPUT_SIDE, round(picture.shown_width * scale)))
    height = max(1, min(INPUT_SIDE, round(picture.height * scale)))
    small = cv2.merge([shrunk(plane, width, height) for plane in picture.planes])
    square = np.full((INPUT_SIDE, INPUT_SIDE, 3), -1, np.float32)
    square[:height, :width] = np.clip(cv2.transform(small.astype(np.float32), TO_INPUT), -1, 1)
    return square
