"""The cost of a minute out of an hour: transcribed and searched for shots, against a file that is only that minute.

Run: `.venv/bin/python tests/bench/source_part.py`. The hour is the bundled sample, repeated without encoding it again.
Results are written to RESULTS.md beside this file.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import av
from clipmill.analyzer.scenes.detection import detect
from clipmill.analyzer.scenes.detection_request import DetectionRequest
from clipmill.analyzer.settings import AnalyzerSettings
from clipmill.transcriber.speech import transcribe
from clipmill.transcriber.speech_request import EngineRequest, SpeechRequest
from figures import Figure, load, machine, write_section
from msgspec.structs import replace

ROUNDS = 3
HOUR, MINUTE = 3600.0, 60.0
START = 23 * 76.84 + 5.02
"""Time just before a key frame in the middle of the hour: the sample lasts 76.84 s, and has one after 5.04 s."""

MOST = 1.25
"""Largest ratio: reading the index of an hour takes time, and the search begins with a keyframe before the part."""

TITLE = "A part of a source: `.venv/bin/python tests/bench/source_part.py`"


def main() -> None:
    began = load()
    os.environ["HF_HUB_OFFLINE"] = "1"  # before the model libraries are imported: nothing is fetched while we measure
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _repeat(Path(str(files("clipmill.cli") / "sample" / "sample.mp4")), folder / "hour.mp4", 0.0, HOUR)
        _repeat(folder / "hour.mp4", folder / "minute.mp4", START, START + MINUTE)
        rows = [*_rows("transcribing", _speech(folder)), *_rows("searching for shots", _shots(folder))]
    print(*rows, sep="\n")
    facts = (
        f"{machine()}; {began} at the start; medians of {ROUNDS} alternating rounds, after one to warm up; "
        f"tiny.en, int8; the part begins at {START:.0f} s."
    )
    write_section(TITLE, facts, rows)


def _repeat(path: Path, copy: Path, start: float, end: float) -> None:
    """Copy the packets of a file from a key frame at about `start`, again and again, until `end`, in seconds."""
    with av.open(str(path)) as container, av.open(str(copy), "w") as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in container.streams}
        length = float(container.duration or 0) / av.time_base
        written: dict[int, float] = {}
        offset = -start
        while offset < end - start:
            container.seek(int(max(start, 0.0) * av.time_base))
            for packet in container.demux():
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                index = packet.stream.index
                shift = round(offset / packet.time_base)
                moved = float((packet.dts + shift) * packet.time_base)
                if packet.pts + shift < 0 or moved <= written.get(index, -1.0):
                    continue
                if moved > end - start:
                    break
                written[index] = moved
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, copies[index]
                output.mux(packet)
            offset += length


def _speech(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    request = SpeechRequest(
        engine=EngineRequest(model="whisper-tiny.en", models_dir="models"),
        store_url=folder.as_uri(),
        key="minute.mp4",
        duration=MINUTE,
        end=MINUTE,
    )
    part = replace(request, key="hour.mp4", duration=HOUR, start=START, end=START + MINUTE)
    return lambda: transcribe(part, lambda _: None), lambda: transcribe(request, lambda _: None)


def _shots(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    settings = AnalyzerSettings()
    request = DetectionRequest(
        store_url=folder.as_uri(),
        key="minute.mp4",
        duration=MINUTE,
        shortest=settings.shot_min_seconds,
        threshold=settings.cut_threshold,
        least_change=settings.cut_least_change,
        longest_side=settings.detection_pixels,
    )
    part = replace(request, key="hour.mp4", duration=HOUR, start=START, end=START + MINUTE)
    return lambda: detect(part, lambda _: None), lambda: detect(request, lambda _: None)


def _rows(work: str, both: tuple[Callable[[], object], Callable[[], object]]) -> list[Figure]:
    for run in both:
        run()
    times = [[_seconds(run) for run in both] for _ in range(ROUNDS)]
    part, alone = (statistics.median(column) for column in zip(*times, strict=True))
    return [
        Figure(f"{work}: a minute of an hour", f"{part:.1f} s of CPU"),
        Figure(f"{work}: a file of that minute", f"{alone:.1f} s of CPU"),
        Figure(f"{work}: the first to the second", f"{part / alone:.2f} ×", f"≤ {MOST:g} ×", part / alone <= MOST),
    ]


def _seconds(run: Callable[[], object]) -> float:
    """Return the processor time of `run`, which other work on the machine hardly changes, in seconds."""
    began = time.process_time()
    run()
    return time.process_time() - began


if __name__ == "__main__":
    main()
