"""The quality of framing, measured on the corpus's truth: ours, a crop of the middle, and one that follows.

Run: `make bench-rendering`, or `.venv/bin/python tests/bench/framing.py`. The corpus is looked for in CLIPMILL_CORPUS,
then in `shared/corpus` beside the project. Each file is taken whole, as one clip, and in clips of 20 s at random. Clips
are surveyed and directed as they are for a render, with the truth's shots and words; nothing is drawn or encoded.
The results are written to RESULTS.md beside this file.

The script counts, on the frames for which the truth says where faces are:

- inside: share of the frames with a whole face in the picture in which the followed face is wholly shown; in a split,
  both faces must be. Any face counts where the whole picture is shown, and for the two other crops;
- off its place: horizontal distance from the middle of the face to the middle of its crop, in crop widths, wherever a
  crop follows somebody;
- reversals: changes of direction within a shot, across or down, per second. All clips together may have at most 0.1.
  For a single file the script only prints the fewest that a crop needs to keep the face inside without a cut, because
  the head in `moving_face` swings to and fro for most of the time;
- travel while still: distance that the middle of the crop moves at frames around which the face stays within
  STILL_SHARE of the picture's width for STILL_SECONDS before and after;
- layouts: shots of the whole files with the right layout. `split` is right for two people who each talk for at least a
  second and for a fifth of the speech in the shot; otherwise `track` is right for people and `fit` for slides;
- speaker: share of the frames with speech in which the followed face is that of the speaker, in shots of two people
  for which `track` is requested.

The crop that follows shows the middle of the largest face in the last detection frame, as many tools do.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from clipmill.contracts.options import LayoutChoice, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.directing.direction import direct
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.seeing.faces import Box
from figures import Figure, machine, write_section
from rendering.framing_clips import CORPUS, Clip, Seen, taken

NAMES = ("talk", "interview", "moving_face")
TITLE = "Framing: `.venv/bin/python tests/bench/framing.py`"
CANVAS = CANVASES[OutputFormat.VERTICAL]
ALL = "all"
"""Label of the figures of all clips together."""
STILL_SHARE = 0.01
STILL_SECONDS = 1.0
MOVED = 1e-6
"""Pixels from frame to frame that count as a movement."""


@dataclass
class Score:
    """The counts of one way to frame."""

    inside: int = 0
    in_shot: int = 0
    off: list[float] = field(default_factory=list)
    reversals: int = 0
    seconds: float = 0.0
    still_travel: float = 0.0
    still_frames: int = 0

    def add(self, other: "Score") -> None:
        """Add the counts of another clip."""
        for name in ("inside", "in_shot", "reversals", "seconds", "still_travel", "still_frames"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.off += other.off


def main() -> None:
    if not (CORPUS / "talk.truth.json").is_file():
        sys.exit("the development corpus is not here: set CLIPMILL_CORPUS to its folder")
    cv2.setNumThreads(1)
    clips = [clip for name in NAMES for clip in taken(name)]
    figures = compared(clips) + layouts(clips) + [speaker(clips)] + cost(clips)
    print(*figures, sep="\n")
    write_section(TITLE, f"{machine()}; {len(clips)} clips, vertical.", figures)


def compared(clips: Sequence[Clip]) -> list[Figure]:
    """Return the figures of our framing and of the two crops, whole files and parts together."""
    ways = {"ours": ours, "middle": in_the_middle, "following": following}
    figures = []
    for names, label in ((NAMES, ALL), *(((name,), name) for name in NAMES)):
        scores = {way: Score() for way in ways}
        for clip in clips:
            if clip.name in names:
                for way, framed in ways.items():
                    scores[way].add(scored(clip, framed(clip)))
        fewest = sum(fewest_reversals(clip) for clip in clips if clip.name in names)
        figures += rows_of(label, list(scores.values()), fewest)
    return figures


def ours(clip: Clip) -> list[Framing]:
    """Return our framings of a clip."""
    direction = direct(clip.survey, clip.voiced, CANVAS, LayoutChoice.AUTO)
    return [direction.framing(frame) for frame in range(clip.frames)]


def in_the_middle(clip: Clip) -> list[Framing]:
    """Return crops of the picture's middle."""
    return [cropped(clip, clip.width / 2)] * clip.frames


def following(clip: Clip) -> list[Framing]:
    """Return crops around the largest face in the last detection frame."""
    found: dict[int, list[Box]] = {}
    for shot in clip.survey.shots:
        for track in shot.tracks:
            for detection in track.detections:
                found.setdefault(detection.frame, []).append(detection.face.box)
    framings, centre = [], clip.width / 2
    for frame in range(clip.frames):
        if frame in found:
            centre = max(found[frame], key=lambda box: box.width).centre[0]
        framings.append(cropped(clip, centre))
    return framings


def cropped(clip: Clip, centre: float) -> Framing:
    """Return the framing of a crop as high as the picture."""
    width = min(clip.width, clip.height * CANVAS.aspect)
    left = min(max(centre - width / 2, 0), clip.width - width)
    return Framing(Layout.TRACK, (Pane(Box(left, 0, width, clip.height), 0, 0, CANVAS.width, CANVAS.height),))


def scored(clip: Clip, framings: Sequence[Framing]) -> Score:
    """Return the counts that the module's description lists."""
    score = Score()
    picture = Box(0, 0, clip.width, clip.height)
    for frame, present in clip.faces.items():
        faces = [face for face in present if contains(picture, face.box)]
        if faces:
            score.in_shot += 1
            score.inside += shown(framings[frame], faces)
            score.off += away(framings[frame], faces)
    still = still_frames(clip)
    for shot in clip.survey.shots:
        part = framings[shot.span.first : shot.span.last + 1]
        score.seconds += len(part) / clip.rate
        for index in range(max(len(framing.panes) for framing in part)):
            count_moves(score, part, index, still[shot.span.first : shot.span.last + 1])
    score.still_frames += int(still.sum())
    return score


def shown(framing: Framing, faces: Sequence[Seen]) -> bool:
    """Return whether somebody is wholly in what is shown; in a split, a different person in each pane."""
    if framing.layout is Layout.SPLIT and len(faces) > 1:
        inside = [{face.person for face in faces if contains(pane.crop, face.box)} for pane in framing.panes]
        return all(inside) and len(set.union(*inside)) > 1
    return any(contains(pane.crop, face.box) for pane in framing.panes for face in faces)


def away(framing: Framing, faces: Sequence[Seen]) -> list[float]:
    """Return how far the faces are from the middle of the nearest crops."""
    if framing.layout is Layout.FIT:
        return []
    return [
        min(abs(face.box.centre[0] - pane.crop.centre[0]) / pane.crop.width for face in faces) for pane in framing.panes
    ]


def count_moves(score: Score, part: Sequence[Framing], index: int, still: np.ndarray) -> None:
    """Count one pane's reversals and travel; a change of layout or size, or a jump, is a cut."""
    heading = [0, 0]
    for place, (before, after) in enumerate(pairwise(part)):
        if min(len(before.panes), len(after.panes)) <= index:
            continue
        old, new = before.panes[index].crop, after.panes[index].crop
        if abs(old.width - new.width) > MOVED or abs(old.left - new.left) > CUT_SHARE * old.width:
            heading = [0, 0]
            continue
        for axis, step in enumerate((new.left - old.left, new.top - old.top)):
            if abs(step) > MOVED:
                way = 1 if step > 0 else -1
                score.reversals += heading[axis] == -way
                heading[axis] = way
                score.still_travel += abs(step) * bool(still[place] and still[place + 1])


CUT_SHARE = 0.5
"""Crop widths from one frame to the next that count as a cut; the crop that follows does not cut, it jumps."""


def fewest_reversals(clip: Clip) -> int:
    """Return how often any crop that never cuts must turn back, across, to keep single faces wholly inside."""
    width, reversals = min(clip.width, clip.height * CANVAS.aspect), 0
    for shot in clip.survey.shots:
        low, high, heading = 0.0, clip.width - width, 0
        for frame in range(shot.span.first, shot.span.last + 1):
            faces = [
                face.box for face in clip.faces.get(frame, []) if face.box.left >= 0 and face.box.right <= clip.width
            ]
            if len(faces) != 1 or faces[0].width > width:
                continue
            least, most = max(0.0, faces[0].right - width), min(clip.width - width, faces[0].left)
            way = (least > high) - (most < low)
            reversals += way != 0 and heading == -way
            heading = way or heading
            low, high = (least, least) if way > 0 else (most, most) if way < 0 else (max(low, least), min(high, most))
    return reversals


def still_frames(clip: Clip) -> np.ndarray:
    """Return for each frame whether all faces of the truth stay still around it."""
    still = np.zeros(clip.frames, bool)
    rows = sorted(clip.faces)
    for shot in clip.survey.shots:
        inside = [frame for frame in rows if shot.span.first <= frame <= shot.span.last]
        for frame in range(shot.span.first, shot.span.last + 1):
            reach = STILL_SECONDS * clip.rate
            if frame - reach < shot.span.first or frame + reach > shot.span.last:
                continue
            near = [clip.faces[other] for other in inside if abs(other - frame) <= reach]
            still[frame] = (
                bool(near)
                and all(len(faces) == len(near[0]) > 0 for faces in near)
                and all(
                    np.ptp(
                        [next(face.box.centre for face in faces if face.person == one.person) for faces in near], axis=0
                    ).max()
                    <= STILL_SHARE * clip.width
                    for one in near[0]
                )
            )
    return still


def contains(crop: Box, face: Box) -> bool:
    """Return whether a face is wholly in a crop."""
    return crop.left <= face.left and face.right <= crop.right and crop.top <= face.top and face.bottom <= crop.bottom


def rows_of(label: str, scores: list[Score], fewest: int) -> list[Figure]:
    """Return the figures of one group of clips: ours, the middle, following."""

    def figure(what: str, values: list[float], shape: str, wanted: str, met: bool | None) -> Figure:
        texts = [shape.format(value) for value in values]
        return Figure(f"{label}: {what}", f"{texts[0]}; {texts[1]}; {texts[2]}", wanted, met)

    inside = [score.inside / max(1, score.in_shot) for score in scores]
    off = [median(score.off) for score in scores]
    turns = [score.reversals / score.seconds for score in scores]
    least = f"without cuts at least {fewest / scores[0].seconds:.3f}"
    calm = turns[0] <= 0.1 if label == ALL else None
    travel = [score.still_travel for score in scores]
    still = f"{scores[0].still_frames} frames"
    return [
        figure("face wholly inside: ours; middle; following", inside, "{:.2%}", "≥ 99 %", inside[0] >= 0.99),
        figure("face off its place, median, crop widths", off, "{:.3f}", "≤ 0.12", off[0] <= 0.12),
        figure(f"reversals a second within shots ({least})", turns, "{:.3f}", "" if calm is None else "≤ 0.1", calm),
        figure(f"travel while still ({still}), pixels", travel, "{:.1f}", "0", travel[0] == 0),
    ]


def layouts(clips: Sequence[Clip]) -> list[Figure]:
    """Return how many shots of the whole files have the right layout."""
    right, wrong = 0, []
    for clip in (clip for clip in clips if clip.whole):
        facts = direct(clip.survey, clip.voiced, CANVAS, LayoutChoice.AUTO).shots
        for shot, kind in zip(clip.survey.shots, clip.kinds, strict=True):
            begin, end = shot.span.first / clip.rate, (shot.span.last + 1) / clip.rate
            main = max(facts, key=lambda fact: min(fact.end, end) - max(fact.start, begin))
            if main.layout == expected(clip, shot.span.first, shot.span.last, kind):
                right += 1
            else:
                wrong.append(f"{clip.name} {begin:.1f} s is {main.layout} ({main.reason})")
    share = right / (right + len(wrong))
    seen = f"{share:.0%} of {right + len(wrong)}" + (f": {'; '.join(wrong)}" if wrong else "")
    return [Figure("right layout, of the whole files' shots", seen, "≥ 95 %", share >= 0.95)]


def expected(clip: Clip, first: int, last: int, kind: str) -> Layout:
    """Return the layout that a shot should have."""
    if kind == "slide":
        return Layout.FIT
    if kind != "two_shot":
        return Layout.TRACK
    rows = [faces for frame, faces in clip.faces.items() if first <= frame <= last]
    every = (last - first + 1) / clip.rate / max(1, len(rows))
    said: dict[str, float] = {}
    for faces in rows:
        for face in faces:
            said[face.person] = said.get(face.person, 0.0) + every * face.speaking
    least = max(1.0, 0.2 * sum(said.values()))
    return Layout.SPLIT if len(said) == 2 and min(said.values()) >= least else Layout.TRACK


def speaker(clips: Sequence[Clip]) -> Figure:
    """Return how often the speaker is followed in two-shots when `track` is requested."""
    right = total = 0
    for clip in clips:
        direction = direct(clip.survey, clip.voiced, CANVAS, LayoutChoice.TRACK)
        for frame, faces in clip.faces.items():
            speaking = [face for face in faces if face.speaking]
            if len(faces) == 2 and len(speaking) == 1:
                crop = direction.framing(frame).panes[0].crop
                nearest = min(faces, key=lambda face: abs(face.box.centre[0] - crop.centre[0]))
                total += 1
                right += nearest is speaking[0]
    share = right / max(1, total)
    return Figure("right speaker followed in two-shots, of voiced time", f"{share:.1%}", "≥ 90 %", share >= 0.9)


def cost(clips: Sequence[Clip]) -> list[Figure]:
    """Return the time that survey and direction take."""
    length = sum(clip.frames / clip.rate for clip in clips)
    began = time.monotonic()
    for clip in clips:
        direct(clip.survey, clip.voiced, CANVAS, LayoutChoice.AUTO)
    directed = time.monotonic() - began
    surveyed_in = sum(clip.survey_seconds for clip in clips)
    return [
        Figure("survey, of the clips' length", f"{surveyed_in / length:.3f}"),
        Figure("direction, of the clips' length", f"{directed / length:.5f}"),
    ]


if __name__ == "__main__":
    main()
