"""The speed, quality and memory of rendering, and a render of every file of the corpus.

Run: `make bench-rendering`, or `.venv/bin/python tests/bench/rendering.py [speed] [quality] [memory] [corpus]` for some
of it. Needs the development corpus (CLIPMILL_CORPUS names its folder) and Debian's ffmpeg; CLIPMILL_VMAF_FFMPEG may
name an FFmpeg with libvmaf. Results are written to RESULTS.md beside this file.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import av
from figures import Figure, load, machine, write_section
from rendering import corpus, memory, quality, speed
from rendering.ffmpeg_renders import Cut

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
CUTS = (("interview.mp4", 31.0, 20.0, 0.3), ("talk.mp4", 20.0, 20.0, 0.5))
"""Sources of clips, the start and length of each clip in seconds, and where in the picture people sit."""

PARTS = ("speed", "quality", "memory", "corpus")
TITLE = "Rendering: `.venv/bin/python tests/bench/rendering.py"


def main() -> None:
    if not (CORPUS / "interview.mp4").is_file():
        sys.exit("The development corpus is not here; CLIPMILL_CORPUS may name its folder.")
    if not shutil.which("ffmpeg"):
        sys.exit("FFmpeg's command line, which is measured against, is not here.")
    parts = [part for part in PARTS if part in sys.argv[1:]] or list(PARTS)
    for part in parts:
        began = load()
        with tempfile.TemporaryDirectory() as folder:
            rows = _measured(part, Path(folder))
        print(*rows, sep="\n", flush=True)
        write_section(f"{TITLE} {part}`", f"{machine()}; {began} at the start; {FACTS[part]}", rows)


FACTS = {
    "speed": "default quality, captions and loudness on, in a child process that waits as a service's; medians of "
    f"{speed.ROUNDS} alternating rounds.",
    "quality": "the middle of the picture at 1080x1920, nothing drawn on it, compared with a lossless render.",
    "memory": "most resident memory (VmHWM) of the child process that renders.",
    "corpus": "every file of the development corpus, 1 s to 6 s of each, as a service renders it.",
}


def _measured(part: str, folder: Path) -> list[Figure]:
    if part == "memory":
        return memory.measure(CORPUS / "interview.mp4", folder)
    if part == "corpus":
        return corpus.measure(CORPUS, folder)
    figures: list[Figure] = []
    for name, start, seconds, middle in CUTS:
        source = CORPUS / name
        with av.open(source) as container:
            video = container.streams.video[0]
            cut = Cut(source, start, seconds, float(video.average_rate or 25), (video.width, video.height), middle)
        if part == "speed":
            figures += speed.measure(cut, source.with_suffix(".truth.json"), folder)
        else:
            figures += quality.measure(cut, folder)
    return figures


if __name__ == "__main__":
    main()
