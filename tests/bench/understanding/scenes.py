"""Shots, compared with PySceneDetect's command line, the corpus's truth and synthetic transitions; speed; chunks.

`measure` needs the development corpus. The search is that of the service, with the settings' defaults.
"""

import csv
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import msgspec
from clipmill.analyzer.scenes.detection import detect
from clipmill.analyzer.scenes.detection_request import Detected, DetectionRequest
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.operations.processors import processors
from figures import Figure
from scenedetect import AdaptiveDetector, SceneManager, open_video

from understanding import transitions

SETTINGS = AnalyzerSettings()
ROUNDS = 3
SPEED_SOURCE = "interview.mp4"
"""The corpus's video of 1920x1080."""

CHUNKS_AT_ONCE = 2
CHUNK_SECONDS = 20.0
"""Length of a chunk, shorter than the default, so that a video of two minutes is searched in chunks."""


def measure(corpus: Path, folder: Path) -> list[Figure]:
    """Return all figures of shots.

    Args:
        corpus: Development corpus.
        folder: Folder of the files.
    """
    readable = _readable(corpus)
    found = {source: search(source, seconds) for source, seconds in readable.items()}
    return [
        _against_command_line(found, folder),
        _against_truth(corpus, found),
        _false_alarms(corpus, found),
        *transitions.measure(corpus, folder, search),
        *_speed(corpus / SPEED_SOURCE),
    ]


def search(source: Path, seconds: float, processes: int = 1, chunk_seconds: float = 120.0) -> Detected:
    """Return the shots that the analyzer finds in a file.

    Args:
        source: File.
        seconds: Length of the file.
        processes: Number of processes that may decode at once.
        chunk_seconds: Least duration that each process decodes.
    """
    request = DetectionRequest(
        store_url=source.parent.resolve().as_uri(),
        key=source.name,
        duration=seconds,
        shortest=SETTINGS.shot_min_seconds,
        threshold=SETTINGS.cut_threshold,
        least_change=SETTINGS.cut_least_change,
        longest_side=SETTINGS.detection_pixels,
        processes=processes,
        chunk_seconds=chunk_seconds,
    )
    return detect(request, lambda _: None)


def f1(found: Sequence[float], wanted: Sequence[float], within: float) -> tuple[int, int, int]:
    """Return how many of `found` are right, how many there are, and how many were wanted, for an F1 over many files."""
    left = list(wanted)
    right = 0
    for each in found:
        nearest = min(left, key=lambda other: abs(other - each), default=None)
        if nearest is not None and abs(nearest - each) <= within:
            left.remove(nearest)
            right += 1
    return right, len(found), len(wanted)


def _score(counts: Sequence[tuple[int, int, int]]) -> float:
    right, found, wanted = (sum(column) for column in zip(*counts, strict=True))
    return 2 * right / (found + wanted) if found + wanted else 1.0


def _readable(corpus: Path) -> dict[Path, float]:
    """Return the corpus's files with pictures, and the length of each."""
    expected = msgspec.json.decode((corpus / "edge" / "expect.json").read_bytes())
    files = {
        corpus / "edge" / name: float(facts.get("video_duration", facts["duration"]))
        for name, facts in expected.items()
        if facts["readable"] and facts.get("has_video", True)
    }
    for truth in sorted(corpus.glob("*.truth.json")):
        video = corpus / truth.name.replace(".truth.json", ".mp4")
        files[video] = float(msgspec.json.decode(truth.read_bytes())["duration"])
    return files


def _against_command_line(found: dict[Path, Detected], folder: Path) -> Figure:
    counts, differing = [], []
    for source, detected in found.items():
        theirs = _command_line(source, folder)
        counts.append(f1(detected.cuts, theirs, 0.5 / detected.frame_rate))
        if counts[-1][0] * 2 != counts[-1][1] + counts[-1][2]:
            differing.append(f"{source.name}: {list(detected.cuts)}, not {theirs}")
    score = _score(counts)
    return Figure(
        f"cuts equal to `scenedetect detect-adaptive` of the same settings on {len(found)} files, F1 to the frame",
        f"{score:.3f}, {sum(count[2] for count in counts)} cuts" + (f" ({'; '.join(differing)})" if differing else ""),
        "≥ 0.99",
        score >= 0.99,
    )


def _command_line(source: Path, folder: Path) -> list[float]:
    """Return the cuts that PySceneDetect's command line finds, in seconds from the first frame.

    Its backend is PySceneDetect's PyAV stream, which counts time from the first frame as we do. It shrinks pictures to
    256 pixels, as we do, and skips no frame.
    """
    table = folder / "scenes.csv"
    program = [str(Path(sys.executable).parent / "scenedetect"), "--quiet", "--input", str(source), "--backend", "pyav"]
    detector = [
        *("detect-adaptive", "--threshold", str(SETTINGS.cut_threshold)),
        *("--min-content-val", str(SETTINGS.cut_least_change), "--min-scene-len", f"{SETTINGS.shot_min_seconds}s"),
    ]
    listed = ["list-scenes", "--quiet", "--skip-cuts", "--output", str(folder), "--filename", table.name]
    table.unlink(missing_ok=True)
    subprocess.run([*program, *detector, *listed], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not table.exists():
        return []
    with table.open(newline="") as file:
        starts = [float(row["Start Time (seconds)"]) for row in csv.DictReader(file)]
    return [start - starts[0] for start in starts[1:]]


def _against_truth(corpus: Path, found: dict[Path, Detected]) -> Figure:
    expected = msgspec.json.decode((corpus / "edge" / "expect.json").read_bytes())
    counts = []
    for source, detected in found.items():
        if source.parent.name == "edge":
            wanted = expected[source.name].get("cuts")
        else:
            changes = msgspec.json.decode(source.with_suffix(".truth.json").read_bytes())["transitions"]
            wanted = [change["start"] for change in changes if change["type"] == "cut"]
        if wanted is not None:
            counts.append(f1(detected.cuts, wanted, 0.75 / detected.frame_rate))  # the truth is rounded
    score = _score(counts)
    return Figure(
        f"hard cuts of the truth, {len(counts)} files, F1 to the frame",
        f"{score:.3f}, {sum(count[2] for count in counts)} cuts",
        "≥ 0.97",
        score >= 0.97,
    )


def _false_alarms(corpus: Path, found: dict[Path, Detected]) -> Figure:
    """Return the gradual transitions that are found where there is none."""
    wrong, hours = [], 0.0
    for source, detected in found.items():
        truth = source.with_suffix(".truth.json")
        changes = msgspec.json.decode(truth.read_bytes())["transitions"] if truth.exists() else []
        blends = [(change["start"], change["end"]) for change in changes if change["type"] != "cut"]
        wrong += [
            f"{source.name} {each.boundary:.2f}"
            for each in detected.transitions
            if not any(start <= each.boundary <= end for start, end in blends)
        ]
        hours += detected.frames / detected.frame_rate / 3600
    return Figure(
        "gradual transitions found in the corpus where there is none",
        f"{len(wrong)} in {hours * 60:.0f} min" + (f" ({', '.join(wrong)})" if wrong else ""),
        "none",
        not wrong,
    )


def _speed(source: Path) -> list[Figure]:
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        frames, seconds = stream.frames, float(stream.duration * stream.time_base)
    results: dict[str, Detected] = {}

    def whole(name: str, processes: int) -> None:
        results[name] = search(source, seconds, processes, CHUNK_SECONDS)

    taken = _alternately(
        {
            "ours": lambda: _detected(_our_stream(source)),
            "opencv": lambda: _detected(open_video(str(source), backend="opencv")),
            "whole": lambda: whole("whole", 1),
            "parts": lambda: whole("parts", CHUNKS_AT_ONCE),
            "decode": lambda: _decode(source, deblocked=True),
            "decode less": lambda: _decode(source, deblocked=False),
        }
    )
    rate = {name: [frames / each for each in times] for name, times in taken.items()}
    stream_ratio, share = _ratio(rate, "ours", "opencv"), _ratio(rate, "whole", "decode")
    same = (results["whole"].cuts, results["whole"].transitions, results["whole"].frames) == (
        results["parts"].cuts,
        results["parts"].transitions,
        results["parts"].frames,
    )
    parts = f"{results['parts'].chunks} parts at once on {processors()} processors"
    return [
        Figure("1080p: our stream and PySceneDetect's adaptive detector", _frames(rate["ours"])),
        Figure("1080p: its own OpenCV stream and the same detector", _frames(rate["opencv"])),
        Figure("1080p: ours to its own, each round's", f"{stream_ratio:.2f} ×", "≥ 1.3 ×", stream_ratio >= 1.3),
        Figure("1080p: the whole, gradual transitions included", _frames(rate["whole"])),
        Figure("1080p: decoding alone, same threads", _frames(rate["decode"])),
        Figure("1080p: the whole to decoding alone", f"{share:.2f} ×", "≥ 0.55 ×", share >= 0.55),
        Figure(
            "1080p: the whole to decoding alone without the deblocking filter, as we decode",
            f"{_ratio(rate, 'whole', 'decode less'):.2f} ×",
        ),
        Figure(
            f"1080p: {parts}, same cuts, transitions and frames as in one pass", "yes" if same else "NO", "yes", same
        ),
        Figure(f"1080p: {parts} to one pass, processes started included", f"{_ratio(rate, 'parts', 'whole'):.2f} ×"),
    ]


def _alternately(ways: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Return the seconds that each way takes in each round, after one that warms the file cache."""
    ways["decode"]()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = time.monotonic()
            way()
            taken[name].append(time.monotonic() - begun)
    return taken


def _ratio(rate: dict[str, list[float]], one: str, other: str) -> float:
    return statistics.median(first / second for first, second in zip(rate[one], rate[other], strict=True))


def _frames(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):.0f} frames/s (rounds: {', '.join(f'{each:.0f}' for each in rates)})"


def _our_stream(source: Path) -> DetectionStream:
    return DetectionStream(source.open("rb"), SETTINGS.detection_pixels, lambda _: None)


def _detected(stream: object) -> None:
    manager = SceneManager()
    manager.auto_downscale = not isinstance(stream, DetectionStream)
    manager.add_detector(
        AdaptiveDetector(
            adaptive_threshold=SETTINGS.cut_threshold,
            min_scene_len=SETTINGS.shot_min_seconds,
            min_content_val=SETTINGS.cut_least_change,
        )
    )
    manager.detect_scenes(stream)


def _decode(source: Path, *, deblocked: bool) -> None:
    """Decode all pictures with as many threads as our stream takes."""
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = processors() + 1
        if not deblocked:
            stream.codec_context.options = {"skip_loop_filter": "all"}
        for _ in container.decode(stream):
            pass
