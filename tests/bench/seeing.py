"""The quality of finding faces, following them and identifying the speaker, on the development corpus's truth.

Run: `.venv/bin/python tests/bench/seeing.py`. The corpus is looked for in CLIPMILL_CORPUS, then in `shared/corpus`
beside the project. Its files are surveyed whole. Then the interview is surveyed again in harder versions, which
Debian's ffmpeg makes in a temporary folder: small, at a low bitrate, shaken, nodding, zooming, with flickering grain.
Results are written to RESULTS.md beside this file.

- found: share of the truth's faces at detection frames that a track has;
- false: share of the detections that are on no face;
- tracks: whether each person has one track in a shot, and no track joins two people;
- speaker: share of the frames with speech, in shots of two people, that are in a turn of the right speaker;
- changes: distance from each change of speaker in a shot to the nearest change of turn, in seconds;
- cost: processor time of the survey for a second of the clip, all its sound included.

The numbers in `speaking` were chosen on this same footage, most of the harder kinds included: five two-shots of one man
in two recordings, with nine changes of speaker. They say little about other people.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from clipmill.renderer.seeing.speaking import turns
from clipmill.renderer.seeing.survey import SurveyedShot
from figures import Figure, machine, write_section
from rendering.framing_clips import CORPUS, Clip, surveyed

TITLE = "Seeing: `.venv/bin/python tests/bench/seeing.py`"
SAME_FACE_IOU = 0.25
NOD = "crop=480:500:{x}:'20+16*sin(2*PI*0.9*t)'"
HARDER = {
    "faces of 40 px, 60 kb/s": ("scale=352:198", "-b:v 60k"),
    "half size, 150 kb/s": ("scale=960:540", "-b:v 150k"),
    "half size, shaken": (
        "scale=1040:586,crop=960:540:x='40+25*sin(2*PI*1.3*t)+10*sin(2*PI*3.1*t)'"
        ":y='23+14*sin(2*PI*1.7*t+1)+6*sin(2*PI*4.3*t)'",
        "-crf 26",
    ),
    "half size, left one nods": (
        f"scale=960:540,split[a][b];[a]{NOD.format(x=0)}[l];[b]crop=480:500:480:20[r];[l][r]hstack",
        "-crf 26",
    ),
    "half size, right one nods": (
        f"scale=960:540,split[a][b];[a]crop=480:500:0:20[l];[b]{NOD.format(x=480)}[r];[l][r]hstack",
        "-crf 26",
    ),
    "half size, zooming": ("scale=w='960*(1.1+0.1*sin(2*PI*0.25*t))':h=-2:eval=frame,crop=960:540", "-crf 26"),
    "half size, flicker and grain": (
        "scale=960:540,eq=brightness='0.08*sin(2*PI*2*t)':contrast='1+0.2*sin(2*PI*0.7*t)':eval=frame,"
        "noise=alls=10:allf=t",
        "-crf 26",
    ),
    "half size, no B frames": ("scale=960:540", "-crf 26 -bf 0"),
    "60 frames a second": ("scale=960:540,fps=60", "-crf 26"),
}


@dataclass
class Score:
    """The counts of one file."""

    found: int = 0
    there: int = 0
    false: int = 0
    sighted: int = 0
    shots: int = 0
    pure: int = 0
    right: int = 0
    heard: int = 0
    late: list[float] = field(default_factory=list)


def main() -> int:
    """Measure, print and write the figures; return 1 if a requirement was not met."""
    figures = []
    for name in ("talk", "interview", "moving_face"):
        truth = json.loads((CORPUS / f"{name}.truth.json").read_text())
        clip, cost = survey_of(name, truth)
        score = Score()
        for shot in clip.survey.shots:
            faces(clip, shot, score)
            speaker(clip, shot, truth, score)
        figures += of_faces(name, score) + (of_speaker(name, score) if score.heard else [])
        figures.append(Figure(f"{name}: cost, s of processor time a second", f"{cost:.3f}"))
    truth = json.loads((CORPUS / "interview.truth.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        for what, (filters, options) in HARDER.items():
            path = Path(folder) / "harder.mp4"
            command = ["ffmpeg", "-v", "error", "-y", "-i", str(CORPUS / "interview.mp4"), "-filter_complex", filters]
            subprocess.run(
                [
                    *command,
                    "-c:a",
                    "copy",
                    "-threads",
                    "2",
                    "-c:v",
                    "libx264",
                    "-preset",
                    "ultrafast",
                    "-bf",
                    "2",
                    *options.split(),
                    str(path),
                ],
                check=True,
            )
            clip, _ = survey_of(str(path.with_suffix("")), truth)
            score = Score()
            for shot in clip.survey.shots:
                speaker(clip, shot, truth, score)
            figures += of_speaker(what, score)
    for figure in figures:
        print(figure)
    write_section(TITLE, f"{machine()}.", figures)
    return int(any(figure.met is False for figure in figures))


def survey_of(name: str, truth: dict) -> tuple[Clip, float]:
    """Return the survey of a whole file, and its processor time for a second of the file."""
    began = time.process_time()
    clip = surveyed(name, truth, 0.0, truth["duration"])
    return clip, (time.process_time() - began) / truth["duration"]


def faces(clip: Clip, shot: SurveyedShot, score: Score) -> None:
    """Count the faces that were found in a shot."""
    whose: dict[int, set[str]] = defaultdict(set)
    for frame in (frame for frame in shot.detection_frames if frame in clip.faces):
        seen = {
            track.number: detection.face.box
            for track in shot.tracks
            for detection in track.detections
            if detection.frame == frame
        }
        on_a_face = set()
        for face in clip.faces[frame]:
            best = max(seen, key=lambda number: seen[number].overlap(face.box), default=None)
            score.there += 1
            if best is not None and seen[best].overlap(face.box) > SAME_FACE_IOU:
                score.found += 1
                on_a_face.add(best)
                whose[best].add(face.person)
        score.sighted += len(seen)
        score.false += len(set(seen) - on_a_face)
    people = Counter(person for persons in whose.values() for person in persons)
    score.shots += 1
    score.pure += all(len(persons) == 1 for persons in whose.values()) and all(n == 1 for n in people.values())


def speaker(clip: Clip, shot: SurveyedShot, truth: dict, score: Score) -> None:
    """Count how often the speaker is identified in a two-shot."""
    place = next(each for each in truth["shots"] if round(each["start"] * clip.rate) == shot.span.first)
    if len(place["people"]) != 2:
        return
    middle = clip.survey.width / 2
    sides = {
        track.number: "left" if track.detections[0].face.box.centre[0] < middle else "right" for track in shot.tracks
    }
    said = turns(shot, shot.tracks, clip.voiced, clip.rate)
    changes: list[tuple[float, str]] = []
    for line in truth["sentences"]:
        first, after = round(line["start"] * clip.rate), round(line["end"] * clip.rate)
        for frame in range(max(shot.span.first, first), min(shot.span.last + 1, after)):
            score.heard += 1
            score.right += any(
                turn.first <= frame <= turn.last and sides[turn.track] == line["speaker"] for turn in said
            )
        if shot.span.first <= first <= shot.span.last and (not changes or changes[-1][1] != line["speaker"]):
            changes.append((line["start"], line["speaker"]))
    switches = [turn.first / clip.rate for turn in said[1:]]
    score.late += [
        min((abs(switch - change) for switch in switches), default=float("inf")) for change, _ in changes[1:]
    ]


def of_faces(name: str, score: Score) -> list[Figure]:
    """Return the figures of finding and following."""
    found, false = score.found / max(1, score.there), score.false / max(1, score.sighted)
    return [
        Figure(f"{name}: faces found", f"{found:.2%} of {score.there}", "≥ 97 %", found >= 0.97),
        Figure(f"{name}: false detections", f"{false:.2%} of {score.sighted}", "≤ 2 %", false <= 0.02),
        Figure(
            f"{name}: shots with one track a person",
            f"{score.pure} of {score.shots}",
            "all",
            score.pure == score.shots,
        ),
    ]


def of_speaker(name: str, score: Score) -> list[Figure]:
    """Return the figures of identifying the speaker."""
    right = score.right / max(1, score.heard)
    return [
        Figure(f"{name}: right speaker in two-shots", f"{right:.1%}", "≥ 90 %", right >= 0.9),
        Figure(f"{name}: changes of speaker met, median", f"{median(score.late):.2f} s of {len(score.late)}"),
    ]


if __name__ == "__main__":
    sys.exit(main())
