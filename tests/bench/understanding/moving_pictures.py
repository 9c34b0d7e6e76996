"""Synthetic moving pictures with known transitions and the statistics of real ones.

Backgrounds are dead leaves, overlapping things of all sizes: pictures of that kind have the edges, the spectrum and the
occlusions of photographs (Lee, Mumford and Huang, "Occlusion Models for Natural Images", 2001). Before them heads move,
cameras pan, drift, zoom and shake, light changes, slides build up; every picture has its own noise.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Shot = Callable[[float], Picture]
"""A function from a time, in seconds from the shot's start, to the picture."""

SIZE = (480, 270)
LEAVES = 700
NOISE = 2.5
"""Standard deviation of a camera's noise, grey values."""


def leaves(chance: np.random.Generator, size: tuple[int, int]) -> Picture:
    """Return a picture of overlapping things of all sizes, in the colours of one place."""
    width, height = size
    palette = chance.integers(10, 246, (6, 3)) * chance.uniform(0.35, 1.0)
    picture = np.empty((height, width, 3), dtype=np.uint8)
    picture[:] = palette[0]
    # Sizes fall with their third power; the large come first, so that the small are seen too.
    radii = np.sort(np.clip(height / 40 / np.sqrt(chance.uniform(0.002, 1.0, LEAVES)), 2, height / 2))[::-1]
    for radius in radii:
        centre = int(chance.integers(0, width)), int(chance.integers(0, height))
        colour = np.clip(palette[chance.integers(0, 6)] + chance.normal(0, 14, 3), 0, 255).tolist()
        axes = int(radius), int(max(1, radius * chance.uniform(0.3, 1.0)))
        if chance.random() < 0.5:
            cv2.ellipse(picture, centre, axes, float(chance.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints((centre, (2.0 * axes[0], 2.0 * axes[1]), float(chance.choice([0, 0, 0, 30]))))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    light = np.linspace(chance.uniform(0.6, 1.0), chance.uniform(0.6, 1.0), width)[None, :, None]
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 0.8) * light, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Path2D:
    """A function from a time to the centre and the scale of a camera over a large picture."""

    centre: Callable[[float], tuple[float, float]]
    scale: Callable[[float], float]


def filmed(world: Picture, path: Path2D) -> Shot:
    """Return the view of a camera that follows `path` over `world`."""
    width, height = SIZE

    def picture(time: float) -> Picture:
        (x, y), scale = path.centre(time), path.scale(time)
        matrix = np.array([[scale, 0, x - scale * width / 2], [0, scale, y - scale * height / 2]])
        flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP if scale > 1.5 else cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(world, matrix, SIZE, flags=flags, borderMode=cv2.BORDER_REFLECT))

    return picture


def still(chance: np.random.Generator) -> Shot:
    """Return the path of a camera on a tripod."""
    world = leaves(chance, SIZE)
    return lambda _: world


def pan(chance: np.random.Generator, speed: float = 60.0) -> Shot:
    """Return the path of a camera that turns by `speed` pixels a second."""
    world = leaves(chance, (SIZE[0] * 4, SIZE[1]))
    way = chance.choice([-1, 1]) * speed
    middle = SIZE[0] * 2
    return filmed(world, Path2D(lambda t: (middle + way * (t - 3), SIZE[1] / 2), lambda _: 1.0))


def zoom(chance: np.random.Generator, rate: float = 0.12) -> Shot:
    """Return the path of a camera that comes nearer: its scale falls by `rate` a second."""
    world = leaves(chance, (SIZE[0] * 2, SIZE[1] * 2))
    return filmed(world, Path2D(lambda _: (SIZE[0], SIZE[1]), lambda t: 1.6 * math.exp(-rate * t)))


def shaking(chance: np.random.Generator, reach: float = 8.0) -> Shot:
    """Return the path of a camera held by hand."""
    world = leaves(chance, (SIZE[0] + 80, SIZE[1] + 80))
    phases = chance.uniform(0, 6.28, 4)
    speeds = chance.uniform(2, 11, 4)

    def centre(time: float) -> tuple[float, float]:
        sway = reach * np.sin(speeds * time + phases)
        return (SIZE[0] + 80) / 2 + sway[0] + sway[1] / 2, (SIZE[1] + 80) / 2 + sway[2] + sway[3] / 2

    return filmed(world, Path2D(centre, lambda _: 1.0))


def talking(chance: np.random.Generator, reach: float = 25.0) -> Shot:
    """Return a shot of a head and shoulders that move before a background, `reach` pixels to each side."""
    world = cv2.GaussianBlur(leaves(chance, SIZE), (0, 0), 2)
    skin = chance.integers(90, 230, 3).tolist()
    shirt = chance.integers(10, 200, 3).tolist()
    at, size, speed = chance.uniform(0.3, 0.7) * SIZE[0], chance.uniform(0.14, 0.26) * SIZE[1], chance.uniform(0.8, 2.5)

    def picture(time: float) -> Picture:
        seen = world.copy()
        x = at + reach * math.sin(speed * time) + 4 * math.sin(7.1 * time)
        y = SIZE[1] * 0.42 + 5 * math.sin(2.3 * time)
        cv2.ellipse(
            seen, (int(x), int(y + 3 * size)), (int(2 * size), int(2 * size)), 0, 0, 360, shirt, -1, cv2.LINE_AA
        )
        cv2.ellipse(seen, (int(x), int(y)), (int(0.75 * size), int(size)), 0, 0, 360, skin, -1, cv2.LINE_AA)
        mouth = int(1 + 4 * abs(math.sin(9 * time)))
        cv2.ellipse(seen, (int(x), int(y + size / 2)), (int(size / 4), mouth), 0, 0, 360, (40, 20, 60), -1, cv2.LINE_AA)
        return seen

    return picture


def slide(chance: np.random.Generator, *, dark: bool = False, build: float = 0.0, pictures: bool = False) -> Shot:
    """Return a shot of a slide whose lines come one by one, each in `build` seconds; `pictures` adds one picture."""
    paper, ink = ((18, 16, 20), (225, 225, 225)) if dark else ((250, 250, 250), (40, 30, 30))
    rows = int(chance.integers(4, 7))
    widths = [chance.integers(10, 60, int(chance.integers(3, 7))) for _ in range(rows)]
    inset = leaves(chance, (SIZE[0] // 3, SIZE[1] // 2))
    title = chance.integers(20, 220, 3).tolist()

    def picture(time: float) -> Picture:
        seen = np.full((SIZE[1], SIZE[0], 3), paper, dtype=np.uint8)
        cv2.rectangle(seen, (20, 14), (260, 34), title, -1)
        for row in range(rows):
            shown = np.clip((time - 0.5 - row * 0.9) / build, 0, 1) if build else float(time >= 0.5 + row * 0.9)
            colour = [int(p + (i - p) * shown) for p, i in zip(paper, ink, strict=True)]
            x, y = 30, 60 + row * 32
            for width in widths[row]:
                cv2.rectangle(seen, (x, y), (x + int(width), y + 12), colour, -1)
                x += int(width) + 8
        if pictures:
            shown = float(np.clip((time - 1.2) / max(build, 0.04), 0, 1))
            place = seen[80 : 80 + inset.shape[0], 300 : 300 + inset.shape[1]]
            place[:] = (place + (inset.astype(np.float32) - place) * shown).astype(np.uint8)
        return seen

    return picture


def lit(shot: Shot, gain: Callable[[float], float], veil: Callable[[float], float] = lambda _: 0.0) -> Shot:
    """Return `shot` under a light that changes: times `gain`, and `veil` (grey values) added."""
    return lambda time: np.clip(shot(time) * np.float32(gain(time)) + np.float32(veil(time)), 0, 255).astype(np.uint8)


SHOTS = (still, pan, zoom, shaking, talking, talking)


@dataclass(frozen=True)
class Change:
    """The transition from one shot to the next.

    Attributes:
        kind: One of `cut`, `dissolve`, `black` and `white`.
        seconds: Duration of the whole change, including the even part.
        hold: Duration of the even part of a fade, in seconds.
        eased: True if the change begins and ends slowly.
    """

    kind: str
    seconds: float = 0.0
    hold: float = 0.0
    eased: bool = False


@dataclass(frozen=True)
class Truth:
    """The place of a change, in seconds from the first frame."""

    kind: str
    start: float
    end: float


def edited(
    shots: Sequence[Shot], changes: Sequence[Change], shot_seconds: Sequence[float]
) -> tuple[Callable[[float], Picture], list[Truth], float]:
    """Return the edited shot, the places of the changes, and the length in seconds.

    Args:
        shots: Shots in order.
        changes: Changes between the shots, one fewer than shots.
        shot_seconds: Duration of each shot without its changes.
    """
    parts: list[tuple[float, float, Callable[[float], Picture]]] = []
    truths: list[Truth] = []
    at, begun = 0.0, 0.0  # of the timeline; of the running shot
    for index, shot in enumerate(shots):
        parts.append((at, at + shot_seconds[index], _from(shot, begun)))
        at += shot_seconds[index]
        if index == len(changes):
            break
        change = changes[index]
        truths.append(Truth(change.kind, at, at + change.seconds))
        parts.append((at, at + change.seconds, _mixed(_from(shot, begun), _from(shots[index + 1], at), at, change)))
        begun = at
        at += change.seconds

    def picture(time: float) -> Picture:
        for start, end, part in parts:
            if start <= time < end:
                return part(time)
        return parts[-1][2](time)

    return picture, truths, at


def _from(shot: Shot, begun: float) -> Shot:
    return lambda time: shot(time - begun)


def _mixed(before: Shot, after: Shot, start: float, change: Change) -> Shot:
    even = {"black": 0.0, "white": 255.0}.get(change.kind)

    def eased(share: float) -> float:
        share = min(max(share, 0.0), 1.0)
        return share * share * (3 - 2 * share) if change.eased else share

    def picture(time: float) -> Picture:
        if even is None:
            share = eased((time - start) / change.seconds)
            mixed = before(time) * np.float32(1 - share) + after(time) * np.float32(share)
            return np.round(mixed).astype(np.uint8)
        slope = (change.seconds - change.hold) / 2
        going = time - start < change.seconds / 2
        rest = slope - (time - start) if going else (time - start) - slope - change.hold
        share = eased(rest / slope)
        seen = before(time) if going else after(time)
        return np.round(seen * np.float32(share) + np.float32(even * (1 - share))).astype(np.uint8)

    return picture


def write(
    path: Path,
    picture: Callable[[float], Picture],
    times: Iterator[float] | Sequence[float],
    seed: int = 1,
    options: dict[str, str] | None = None,
) -> None:
    """Write a video of the pictures at `times`, seconds, in any container that keeps them.

    Args:
        path: File of the video.
        picture: Shot that is filmed.
        times: Times of the frames, ascending.
        seed: Seed of the noise.
        options: Options of x264.
    """
    chance = np.random.default_rng(seed)
    noise = [chance.normal(0, NOISE, (SIZE[1], SIZE[0], 3)).astype(np.float32) for _ in range(7)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"preset": "ultrafast", "crf": "24", **(options or {})}
        )
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 90000)
        for number, time in enumerate(times):
            seen = np.clip(picture(time) + noise[number % len(noise)], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="bgr24")
            frame.pts, frame.time_base = round(time * 90000), Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def steady(seconds: float, rate: float = 25.0) -> list[float]:
    """Return the times of frames at an even rate."""
    return [index / rate for index in range(int(seconds * rate))]
