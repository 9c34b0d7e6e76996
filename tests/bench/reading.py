"""The cost of reading a clip: samples against every picture, tone mapping, and the bytes of a remote source.

Run: `.venv/bin/python tests/bench/reading.py`. Needs the development corpus (CLIPMILL_CORPUS names its folder) and
Debian's ffmpeg, which makes the sources. Results are written to RESULTS.md beside this file.
"""

import io
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from clipmill.artifacts.media import RangeReader
from clipmill.renderer.reading.conversion import Converter, Geometry
from clipmill.renderer.reading.orientation import Orientation
from clipmill.renderer.reading.source import Source
from figures import Figure, load, machine, write_section

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))

LOOPS, LOOP_SECONDS = 5, 4
SECONDS = LOOPS * LOOP_SECONDS
X265 = ["-c:v", "libx265", "-preset", "fast", "-crf", "22", "-x265-params", "log-level=none"]
VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "8M", "-row-mt", "1"]
ENCODERS = {
    "H.264": ("mp4", ["-c:v", "libx264", "-preset", "fast", "-crf", "20"]),
    "HEVC": ("mp4", X265),
    "HEVC 10 bit": ("mp4", [*X265, "-pix_fmt", "yuv420p10le"]),
    "VP9": ("webm", VP9),
}
SIZES = {"1080p": "1920:1080", "4K": "3840:2160"}


def main() -> None:
    began = load()
    rows: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for size, scale in SIZES.items():
            for codec, (container, options) in ENCODERS.items():
                path = Path(folder) / f"source.{container}"
                _make(path, scale, options)
                rows.append(_glances(f"{codec}, {size}", path))
            rows.append(_toning(size, *(int(side) for side in scale.split(":"))))
        rows += [_fetched(name, start, Path(folder)) for name, start in (("interview.mp4", 61.0), ("talk.mp4", 100.0))]
    print(*rows, sep="\n")
    about = f"{machine()}; {began} at the start; processor time of one clip of {SECONDS} s at 25 frames/s."
    write_section("Reading: `.venv/bin/python tests/bench/reading.py`", about, rows)


def _make(path: Path, scale: str, options: list[str]) -> None:
    """Encode a few seconds, and repeat the packets."""
    once = path.with_stem("once")
    command = ["ffmpeg", "-v", "error", "-y"]
    source = ["-ss", "20", "-t", str(LOOP_SECONDS), "-i", str(CORPUS / "interview.mp4")]
    subprocess.run([*command, *source, "-vf", f"scale={scale}", *options, str(once)], check=True)
    loop = ["-stream_loop", str(LOOPS - 1), "-i", str(once), "-c", "copy", str(path)]
    subprocess.run([*command, *loop], check=True)


def _glances(name: str, path: Path) -> Figure:
    with path.open("rb") as file, Source(file) as source:
        frames = round(SECONDS * source.rate)
        began = time.process_time()
        samples = sum(hasattr(item, "frame") for item in source.frame_samples(0.0, frames))
        sampled = time.process_time()
        pictures = sum(1 for _ in source.pictures(0.0, frames))
        done = time.process_time()
    cost, full = (sampled - began) / SECONDS, (done - sampled) / SECONDS
    sampling = f"{samples / SECONDS:.1f} samples/s and the sound {cost:.3f} s a second"
    return Figure(f"{name}", f"{sampling}, {pictures / SECONDS:.0f} pictures/s {full:.3f} s ({cost / full:.0%})", "")


def _toning(name: str, width: int, height: int) -> Figure:
    frame = av.VideoFrame(width, height, "yuv420p10le")
    for plane in frame.planes:
        samples = np.frombuffer(memoryview(plane), np.uint16)
        samples[:] = np.arange(samples.size) % 800 + 80
    frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries = 9, 1, 16, 9
    frame.time_base = Fraction(1, 25)
    form = Geometry(width, height, 1.0, Orientation())
    figures = []
    for geometry in (form, form.limited(1080)):
        converter = Converter(geometry)
        converter.convert(frame)
        began = time.process_time()
        for _ in range(5):
            converter.convert(frame)
        figures.append((time.process_time() - began) / 5 * 1000)
    return Figure(f"tone mapping, {name}", f"{figures[0]:.0f} ms a picture, {figures[1]:.0f} ms a sample", "")


def _fetched(name: str, start: float, folder: Path) -> Figure:
    data = (CORPUS / name).read_bytes()
    length = 30.0
    fetched = 0

    def read_range(begin: int, end: int) -> bytes:
        nonlocal fetched
        fetched += end - begin
        return data[begin:end]

    with io.BufferedReader(RangeReader(read_range, len(data), folder)) as file, Source(file, near=start) as source:
        frames = round(length * source.rate)
        reads = sum(1 for _ in source.frame_samples(start, frames)) + sum(1 for _ in source.pictures(start, frames))
    own = _own(CORPUS / name, start, start + length)
    seen = f"{fetched / 2**20:.2f} MiB for {own / 2**20:.2f} MiB of its own, in {reads} items"
    return Figure(f"fetched for 30 s of {name}", seen, f"≤ {(1.3 * own) / 2**20 + 4:.2f} MiB")


def _own(path: Path, start: float, end: float) -> int:
    """Return the bytes of the packets from the key frame at or before `start` to `end`."""
    with av.open(path) as container:
        key, sizes = 0.0, []
        for packet in container.demux():
            if packet.pts is None or packet.time_base is None:
                continue
            at = float(packet.pts * packet.time_base)
            if packet.stream.type == "video" and packet.is_keyframe and at <= start:
                key = at
            sizes.append((at, packet.size))
    return sum(size for at, size in sizes if key <= at < end)


if __name__ == "__main__":
    if not (CORPUS / "interview.mp4").is_file():
        sys.exit("The development corpus is not here; CLIPMILL_CORPUS may name its folder.")
    main()
