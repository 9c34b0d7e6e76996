"""The time until `clipmill up` is ready, its use of the machine when idle, and the time from upload to last clip.

Run: `make bench`, or `.venv/bin/python tests/bench/end_to_end.py [VIDEO ...]`. Without a video the development corpus'
`talk.mp4` is taken where it is, and the bundled sample. Results are written to RESULTS.md beside this file.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import av
import psutil
from figures import Figure, machine, write_section

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
POLL_SECONDS = 0.1
TITLE = "End to end: `.venv/bin/python tests/bench/end_to_end.py`"


def main() -> None:
    videos = [Path(argument) for argument in sys.argv[1:]] or _default_videos()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        begun = time.monotonic()
        log = (Path(folder) / "up.log").open("wb")
        up = subprocess.Popen([BIN / "clipmill", "up", "--data", data, "--port", "0"], stdout=log, stderr=log)
        try:
            while not (data / "clipmill.json").exists():
                if up.poll() is not None:
                    sys.exit((Path(folder) / "up.log").read_text())
                time.sleep(0.02)
            rows = [Figure("`clipmill up` until ready for work", f"{time.monotonic() - begun:.1f} s", "< 10 s")]
            url = json.loads((data / "clipmill.json").read_text())["url"]
            rows.append(
                Figure(
                    "idle, all processes, sum of PSS", f"{_proportional_bytes(up.pid) / 2**20:.0f} MiB", "< 1024 MiB"
                )
            )
            for video in videos:
                rows += _job(url, video)
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


def _job(url: str, video: Path) -> list[Figure]:
    """Submit a video and return the figures of its job."""
    with av.open(video) as container:
        duration = (container.duration or 0) / av.time_base
    begun = time.monotonic()
    submitted = subprocess.run(
        [BIN / "clipmill", "submit", video, "--clips", "3", "--json", "--server", url], capture_output=True, check=True
    )
    job = json.loads(submitted.stdout)["job_id"]
    first = None
    while True:
        with urllib.request.urlopen(f"{url}/api/status/{job}") as answer:
            status = json.load(answer)
        if first is None and status["result"]:
            first = time.monotonic() - begun
        if status["status"] in ("completed", "failed"):
            break
        time.sleep(POLL_SECONDS)
    wall = time.monotonic() - begun
    if status["status"] == "failed":
        sys.exit("\n".join(status["logs"]))
    clips = status["result"]["clips"]
    seconds = sum(clip["end"] - clip["start"] for clip in clips)
    name = f"{video.name} ({duration:.0f} s; {len(clips)} clips, {seconds:.0f} s in all)"
    return [
        Figure(f"{name}: submitted until completed", f"{wall:.1f} s, {wall / duration:.2f} × its length", "< 1 ×"),
        Figure(f"{video.name}: first clip", f"{first or 0:.1f} s, {(first or 0) / wall:.2f} of the wall time", "≤ 0.6"),
    ]


def _proportional_bytes(pid: int) -> int:
    """Return the proportional set size of a process, of its descendants and of those they hold by a lifeline."""
    process = psutil.Process(pid)
    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            total += each.memory_full_info().pss
    return total


if __name__ == "__main__":
    main()
