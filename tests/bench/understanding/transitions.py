"""Gradual transitions: the share of synthetic ones that is found, and the false alarms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import msgspec
import numpy as np
from clipmill.analyzer.scenes.detection_request import Detected
from figures import Figure

from understanding import moving_pictures as made

Search = Callable[[Path, float], Detected]

LENGTHS = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
VIDEOS = 3
RATES = (25.0, 29.97, 50.0)
STEADY_SECONDS = 9.0
"""Duration of each of the pictures in which nothing may be found."""

FOOTAGE_SECONDS = 3.0


@dataclass
class Tally:
    """The counts of transitions that were there and that were found."""

    wanted: int = 0
    found: int = 0
    missed: list[str] | None = None
    false: int = 0

    def add(self, detected: Detected, truths: Sequence[made.Truth]) -> None:
        """Count one video."""
        boundaries = [each.boundary for each in detected.transitions]
        frame = 1 / detected.frame_rate
        for truth in truths:
            inside = [
                each for each in (*boundaries, *detected.cuts) if truth.start - frame <= each <= truth.end + frame
            ]
            self.wanted += 1
            self.found += len(inside) == 1
            if len(inside) != 1:
                self.missed = [*(self.missed or []), f"{truth.kind} {truth.end - truth.start:.2f} s ({len(inside)})"]
        self.false += sum(
            not any(truth.start - frame <= each <= truth.end + frame for truth in truths) for each in boundaries
        )


def measure(corpus: Path, folder: Path, search: Search) -> list[Figure]:
    """Return how well gradual transitions are found.

    Args:
        corpus: Development corpus, whose footage is also mixed.
        folder: Folder of the files.
        search: Function that finds the shots of a file of so many seconds.
    """
    figures = []
    for kind, name in (("dissolve", "cross-dissolves"), ("black", "fades through black"), ("white", "through white")):
        tally = Tally()
        for number in range(VIDEOS):
            _programme(kind, number, folder, search, tally)
        figures += _figures(f"{name} of 0.3 s to 3 s between made-up shots", tally)
    tally = Tally()
    _mixed_footage(corpus, folder, search, tally)
    figures += _figures("dissolves and fades between shots of the corpus", tally)
    return [*figures, _nothing(folder, search)]


def _figures(what: str, tally: Tally) -> list[Figure]:
    recall = tally.found / tally.wanted
    missed = f"; missed {', '.join(tally.missed)}" if tally.missed else ""
    seen = f"{recall:.2f} of {tally.wanted}, {tally.false} found elsewhere{missed}"
    return [Figure(f"{what}, each found once", seen, "≥ 0.90, none elsewhere", recall >= 0.9 and not tally.false)]


def _programme(kind: str, number: int, folder: Path, search: Search, tally: Tally) -> None:
    chance = np.random.default_rng(hash_of(kind, number))
    changes = [
        made.Change(
            kind,
            length,
            hold=float(chance.choice([0.0, 0.25])) * length if kind != "dissolve" else 0.0,
            eased=bool(chance.random() < 0.3),
        )
        for length in chance.permutation(LENGTHS).tolist()
    ]
    shots = [made.SHOTS[int(chance.integers(len(made.SHOTS)))](chance) for _ in range(len(changes) + 1)]
    picture, truths, seconds = made.edited(shots, changes, chance.uniform(1.5, 3.5, len(shots)).tolist())
    video = folder / "programme.mp4"
    made.write(video, picture, made.steady(seconds, RATES[number % len(RATES)]))
    tally.add(search(video, seconds), truths)


def hash_of(kind: str, number: int) -> int:
    """Return a seed that does not change between runs."""
    return 1000 * number + sum(kind.encode())


def _mixed_footage(corpus: Path, folder: Path, search: Search, tally: Tally) -> None:
    """Return shots of the corpus, dissolved and faded into each other."""
    shots = [
        *_footage(corpus, "talk.mp4", 5),
        *_footage(corpus, "interview.mp4", 5),
        *_footage(corpus, "moving_face.mp4", 1),
    ]
    chance = np.random.default_rng(5)
    kinds = ["dissolve"] * 6 + ["black", "white", "dissolve", "black"]
    lengths = chance.permutation(LENGTHS)[: len(kinds)].tolist()
    changes = [made.Change(kind, length) for kind, length in zip(kinds, lengths, strict=True)]
    order = [shots[index] for index in chance.permutation(len(shots))]
    picture, truths, seconds = made.edited(order, changes, [FOOTAGE_SECONDS] * len(order))
    video = folder / "footage.mp4"
    made.write(video, picture, made.steady(seconds))
    tally.add(search(video, seconds), truths)


def _footage(corpus: Path, name: str, count: int) -> list[made.Shot]:
    """Return the first few shots of a video that are long enough, played forth and back."""
    facts = msgspec.json.decode((corpus / name).with_suffix(".truth.json").read_bytes())
    found: list[made.Shot] = []
    with av.open(str(corpus / name)) as container:
        stream = container.streams.video[0]
        for shot in facts["shots"]:
            if len(found) == count or shot["end"] - shot["start"] < FOOTAGE_SECONDS + 0.5:
                continue
            container.seek(int(shot["start"] / stream.time_base), stream=stream)
            frames: list[made.Picture] = []
            for frame in container.decode(stream):
                if frame.time is None or frame.time < shot["start"] - 0.001:
                    continue
                frames.append(frame.to_ndarray(width=made.SIZE[0], height=made.SIZE[1], format="bgr24"))
                if len(frames) > FOOTAGE_SECONDS * facts["fps"]:
                    break
            found.append(_played(frames, facts["fps"]))
    return found


def _played(frames: list[made.Picture], rate: float) -> made.Shot:
    def picture(time: float) -> made.Picture:
        place = abs(int(time * rate)) % (2 * len(frames) - 2)
        return frames[min(place, 2 * len(frames) - 2 - place)]

    return picture


def _nothing(folder: Path, search: Search) -> Figure:
    """Count what is found in pictures that move and change without any transition, joined by cuts."""
    wrong, seconds = [], 0.0
    for number, (name, shots) in enumerate(_restless().items()):
        picture, _, length = made.edited(shots, [made.Change("cut")] * (len(shots) - 1), [STEADY_SECONDS] * len(shots))
        video = folder / "restless.mp4"
        made.write(video, picture, made.steady(length), seed=number)
        detected = search(video, length)
        wrong += [f"{name} {each.boundary:.1f} s" for each in detected.transitions]
        seconds += length
    return Figure(
        "gradual transitions found in pans, zooms, drifts, shaking, moving heads, light, flashes and slides",
        f"{len(wrong)} in {seconds / 60:.0f} min" + (f" ({', '.join(wrong)})" if wrong else ""),
        "none",
        not wrong,
    )


def _restless() -> dict[str, list[made.Shot]]:
    chance = np.random.default_rng(77)
    return {
        "pan": [made.pan(chance, speed) for speed in (25.0, 60.0, 120.0, 250.0)],
        "zoom": [made.zoom(chance, rate) for rate in (0.05, 0.12, 0.3, -0.1)],
        "shake": [made.shaking(chance, reach) for reach in (4.0, 10.0, 30.0)],
        "heads": [made.talking(chance, reach) for reach in (10.0, 40.0, 120.0, 180.0)],
        "light": [
            made.lit(made.talking(chance), lambda t: 0.7 + 0.4 * np.sin(1.3 * t)),
            made.lit(made.still(chance), lambda t: 1.0 if t < 4 else max(0.25, 1 - (t - 4) * 0.5)),
            made.lit(made.shaking(chance), lambda _: 1.0, lambda t: 120 * np.sin(0.8 * t) ** 2),
        ],
        "flashes": [
            made.lit(made.talking(chance), lambda _: 1.0, lambda t: 255 * np.exp(-((t % 2.1) * 12)) * (t > 1)),
            made.lit(made.pan(chance), lambda _: 1.0, lambda t: 230.0 if int(t * 25) % 40 == 20 else 0.0),
            made.lit(made.still(chance), lambda t: 0.75 + 0.25 * np.sin(55 * t)),
        ],
        "slides": [
            made.slide(chance),
            made.slide(chance, build=0.4),
            made.slide(chance, dark=True, build=0.6),
            made.slide(chance, build=0.8, pictures=True),
            made.slide(chance, dark=True, build=0.5, pictures=True),
        ],
    }
