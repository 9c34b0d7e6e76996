"""The peak memory of a render, by the clip's length and the source's size."""

from pathlib import Path

from clipmill.contracts.options import JobOptions, LayoutChoice
from figures import Figure

from rendering import our_renders
from rendering.ffmpeg_renders import Cut, ffmpeg

LENGTHS = (15.0, 60.0, 180.0)
LARGE_SECONDS = 10.0


def measure(source: Path, folder: Path) -> list[Figure]:
    """Return the peaks for clips of several lengths of a 1080p `source`, and for generated sources of 4K.

    Args:
        source: Video that is repeated, because it is shorter than the longest clip.
        folder: Folder of the files.
    """
    long = folder / "long.mp4"
    ffmpeg(["-stream_loop", "2", "-i", str(source), "-c", "copy", str(long)])
    peaks = [_peak(Cut(long, 3.0, seconds, 25.0), folder) for seconds in LENGTHS]
    seen = ", ".join(f"{seconds:g} s: {peak:.0f} MB" for seconds, peak in zip(LENGTHS, peaks, strict=True))
    growth = peaks[-1] / peaks[0]
    figures = [
        Figure("peak memory at 1080p", seen, "≤ 600 MB", max(peaks) <= 600),
        Figure("peak memory of the longest clip to that of the shortest", f"{growth:.2f} ×", "≤ 1.1 ×", growth <= 1.1),
    ]
    long.unlink()
    for name, codec in (
        ("H.264", ["libx264", "-preset", "veryfast"]),
        ("HEVC, 10 bits", ["libx265", "-preset", "ultrafast"]),
    ):
        large = folder / "large.mp4"
        _generate(large, codec, "yuv420p10le" if "10" in name else "yuv420p")
        tracked = _peak(Cut(large, 0.0, LARGE_SECONDS, 30.0), folder)
        fitted = _peak(Cut(large, 0.0, LARGE_SECONDS, 30.0), folder, LayoutChoice.FIT)
        most = max(tracked, fitted)
        figures.append(Figure(f"peak memory at 3840x2160, {name}", f"{most:.0f} MB", "≤ 1500 MB", most <= 1500))
        large.unlink()
    return figures


def _peak(cut: Cut, folder: Path, layout: LayoutChoice = LayoutChoice.AUTO) -> float:
    """Return the peak memory of a render, in megabytes."""
    wanted = our_renders.request(cut, folder / "memory", our_renders.Known(), JobOptions(layout=layout))
    return our_renders.render(wanted).peak_bytes / 1e6


def _generate(path: Path, codec: list[str], pixels: str) -> None:
    picture = f"testsrc2=size=3840x2160:rate=30:duration={LARGE_SECONDS}"
    sound = f"sine=frequency=330:duration={LARGE_SECONDS}"
    ffmpeg(
        ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", *codec, "-pix_fmt", pixels],
        ["-x265-params", "log-level=error"] if "libx265" in codec else [],
        ["-c:a", "aac", str(path)],
    )
