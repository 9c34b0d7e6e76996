"""The presenter: a public-domain photograph, cut out along a hand-drawn contour and moved gently."""

import math

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFilter
from skimage.segmentation import random_walker

CONTOUR = (
    (232, 15), (256, 20), (277, 34), (293, 52), (300, 77), (301, 94), (296, 113), (287, 127), (277, 135), (267, 137),
    (264, 150), (259, 166), (255, 176), (277, 192), (295, 213), (304, 235), (324, 246), (340, 263), (349, 284),
    (357, 305), (361, 328), (362, 349), (375, 346), (399, 344), (424, 349), (450, 363), (474, 387), (488, 413),
    (495, 445), (504, 457), (506, 478), (502, 512), (40, 512), (30, 488), (23, 450), (19, 422), (23, 389), (28, 347),
    (35, 309), (42, 281), (52, 263), (70, 239), (94, 223), (112, 206), (113, 188), (121, 187), (124, 171), (141, 155),
    (162, 149), (182, 148), (182, 136), (180, 131), (173, 130), (164, 117), (156, 96), (153, 75), (157, 59), (173, 40),
    (197, 26), (216, 19),
)  # fmt: skip
"""Outline of the person in the photograph, in pixels, drawn by hand."""

BAND = 5
"""Half the width of the band around the contour in which the edge is searched for, in pixels."""

FACE = (221.0, 122.0)
"""Middle of the face in the photograph, in pixels."""

FACE_HEIGHT = 88.0
"""Distance from the eyebrows to the chin, in pixels."""

PIVOT = (232.0, 300.0)
"""Point about which the person sways, in pixels of the photograph."""


def cut_out() -> Image.Image:
    """Return the person as an RGBA image of the photograph's size, with a soft edge."""
    photograph = skimage.data.astronaut()
    height, width = photograph.shape[:2]
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).polygon(CONTOUR, fill=255)
    inside = np.asarray(mask.filter(ImageFilter.MinFilter(2 * BAND + 1))) > 0
    outside = np.asarray(mask.filter(ImageFilter.MaxFilter(2 * BAND + 1))) == 0
    seeds = np.zeros((height, width), np.int8)
    seeds[inside], seeds[outside] = 1, 2
    seeds[-1, 40:500] = 1
    likely = random_walker(
        photograph / 255.0, seeds, beta=300, tol=1e-6, mode="cg_j", return_full_prob=True, channel_axis=-1
    )[0]
    alpha = np.clip((likely - 0.45) / 0.5, 0, 1) * 255
    soft = Image.fromarray(alpha.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    person = Image.fromarray(photograph).convert("RGBA")
    person.putalpha(soft)
    return person


def place(
    person: Image.Image, frame: Image.Image, *, face_x: float, face_height: float, seconds: float, voice: float
) -> None:
    """Draw the person onto `frame`.

    Args:
        person: Result of `cut_out`.
        frame: RGB image, which is changed.
        face_x: Middle of the face, as a share of the frame's width.
        face_height: Height of the face, as a share of the frame's height.
        seconds: Time in seconds, for the sway.
        voice: Loudness of the voice, 0 to 1, for the nod.
    """
    scale = face_height * frame.height / FACE_HEIGHT * (1 + 0.006 * math.sin(0.9 * seconds))
    angle = math.radians(1.1 * math.sin(0.83 * seconds) + 0.6 * math.sin(1.97 * seconds + 1) + 0.5 * voice)
    x = face_x * frame.width + frame.width * (0.007 * math.sin(0.61 * seconds) + 0.003 * math.sin(1.43 * seconds + 2))
    y = frame.height * (0.40 + 0.004 * math.sin(1.13 * seconds) + 0.007 * voice)
    # From the frame's pixels back to the photograph's: PIL asks for the inverse of the movement.
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    pivot_x = x + (PIVOT[0] - FACE[0]) * scale
    pivot_y = y + (PIVOT[1] - FACE[1]) * scale
    inverse = (cos, sin, PIVOT[0] - cos * pivot_x - sin * pivot_y, -sin, cos, PIVOT[1] + sin * pivot_x - cos * pivot_y)
    moved = person.transform(frame.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    frame.paste(moved, (0, 0), moved)
