"""The time until `clipmill up` is ready, its memory when idle and at work, and the time from upload to last clip.

Run: `make bench`, or `.venv/bin/python tests/bench/end_to_end.py [VIDEO ...]`. Without a video the bundled sample is
taken, and the development corpus' `talk.mp4` where it is. The first video is processed twice, because the first job of
a fresh `up` also starts processes and loads models. Results are written to RESULTS.md beside this file.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, Self

import av
import psutil
from figures import Figure, machine, write_section

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
POLL_SECONDS = 0.1
MEMORY_SECONDS = 0.25
SERVICE = re.compile(r"-m clipmill\.(gateway|downloader|transcriber|analyzer|renderer)\b")
TITLE = "End to end: `.venv/bin/python tests/bench/end_to_end.py`"


def main() -> None:
    videos = [Path(argument) for argument in sys.argv[1:]] or _default_videos()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        begun = time.monotonic()
        log = (Path(folder) / "up.log").open("wb")
        environ = {"CLIPMILL_TRANSCRIBER_MODEL": "whisper-tiny.en", **os.environ}
        command = [BIN / "clipmill", "up", "--data", data, "--port", "0"]
        up = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        try:
            while not (data / "clipmill.json").exists():
                if up.poll() is not None:
                    sys.exit((Path(folder) / "up.log").read_text())
                time.sleep(0.02)
            rows = [Figure("`clipmill up` until ready for work", f"{time.monotonic() - begun:.1f} s", "< 10 s")]
            url = json.loads((data / "clipmill.json").read_text())["url"]
            rows.append(
                Figure(
                    "idle, all processes, sum of PSS", f"{sum(_memory(up.pid).values()) / 2**20:.0f} MiB", "< 1024 MiB"
                )
            )
            with _PeakMemory(up.pid) as peak:
                jobs = [_job(url, video) for video in [videos[0], *videos]]
            for job in jobs[1:]:
                rows += job.figures()
            rows += [
                Figure(
                    f"{videos[0].name}: first job of a fresh `up` to the second",
                    f"{jobs[0].wall / jobs[1].wall:.2f} × ({jobs[0].wall:.1f} s, {jobs[1].wall:.1f} s)",
                    "≤ 1.1 ×",
                ),
                Figure(
                    "peak at work, all processes, sum of PSS",
                    f"{peak.bytes / 1e9:.2f} GB ({peak.shares()})",
                    "≤ 1.3 GB",
                ),
            ]
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)
    print(*rows, sep="\n")
    write_section(TITLE, f"{machine()}; Whisper tiny.en on the CPU, captions on, default options.", rows)


def _default_videos() -> list[Path]:
    corpus = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
    talk = corpus / "talk.mp4"
    if not talk.exists():
        print("the development corpus is not here (CLIPMILL_CORPUS): only the bundled sample is measured")
    sample = Path(str(files("clipmill.cli") / "sample" / "sample.mp4"))
    return [sample, *([talk] if talk.exists() else [])]


class _Job(NamedTuple):
    """The figures of one job, with times in seconds from its submission."""

    video: str
    duration: float
    clips: int
    clip_seconds: float
    first_clip: float
    wall: float

    def figures(self) -> list[Figure]:
        """Return the figures as rows."""
        name = f"{self.video} ({self.duration:.0f} s; {self.clips} clips, {self.clip_seconds:.0f} s in all)"
        return [
            Figure(
                f"{name}: submitted until completed",
                f"{self.wall:.1f} s, {self.wall / self.duration:.2f} × its length",
                "< 1 ×",
            ),
            Figure(
                f"{self.video}: first clip",
                f"{self.first_clip:.1f} s, {self.first_clip / self.wall:.2f} of the wall time",
                "≤ 0.6",
            ),
        ]


def _job(url: str, video: Path) -> _Job:
    """Submit a video and wait for its clips."""
    with av.open(video) as container:
        duration = (container.duration or 0) / av.time_base
    begun = time.monotonic()
    submitted = subprocess.run(
        [BIN / "clipmill", "submit", video, "--clips", "3", "--json", "--server", url], capture_output=True, check=True
    )
    job = json.loads(submitted.stdout)["job_id"]
    first = 0.0
    while True:
        with urllib.request.urlopen(f"{url}/api/status/{job}") as answer:
            status = json.load(answer)
        if not first and status["result"]:
            first = time.monotonic() - begun
        if status["status"] in ("completed", "failed"):
            break
        time.sleep(POLL_SECONDS)
    wall = time.monotonic() - begun
    if status["status"] == "failed":
        sys.exit("\n".join(status["logs"]))
    clips = status["result"]["clips"]
    return _Job(video.name, duration, len(clips), sum(clip["end"] - clip["start"] for clip in clips), first, wall)


class _PeakMemory:
    """Measures the memory of a process and its descendants from time to time, and keeps the highest sum.

    Attributes:
        bytes: Highest sum of proportional set sizes.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._parts: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def shares(self) -> str:
        """Return what each service had at the peak, largest first."""
        parts = sorted(self._parts.items(), key=lambda part: -part[1])
        return ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in parts)

    def _watch(self) -> None:
        while not self._ended.wait(MEMORY_SECONDS):
            parts = _memory(self._pid)
            if (total := sum(parts.values())) > self.bytes:
                self.bytes, self._parts = total, parts


def _memory(pid: int) -> dict[str, int]:
    """Return the proportional set sizes of a process and its descendants, in bytes, by service."""
    services: dict[int, str] = {}
    sizes: dict[str, int] = defaultdict(int)
    process = psutil.Process(pid)
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            named = SERVICE.search(" ".join(each.cmdline()))
            services[each.pid] = named[1] if named else services.get(each.ppid(), each.name())
            sizes[services[each.pid]] += each.memory_full_info().pss
    return dict(sizes)


if __name__ == "__main__":
    main()
