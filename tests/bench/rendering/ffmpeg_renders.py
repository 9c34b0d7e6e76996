"""Clips made by FFmpeg's command line, as other tools make them: in one command, and in four generations."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CANVAS = (1080, 1920)
HOOK_SECONDS = 3
GROUP_SECONDS = 2


@dataclass(frozen=True)
class Cut:
    """A part of a source.

    Attributes:
        source: File.
        start: Start of the part, in seconds.
        seconds: Length of the part.
        rate: Frames a second.
        size: Width and height of the picture, in pixels.
        middle: Middle of an upright crop of the picture's whole height, as a share of the picture's width.
    """

    source: Path
    start: float
    seconds: float
    rate: float
    size: tuple[int, int] = (1920, 1080)
    middle: float = 0.5

    @property
    def input(self) -> list[str]:
        """Return the part as FFmpeg's input."""
        return ["-ss", f"{self.start}", "-t", f"{self.seconds}", "-i", str(self.source)]

    @property
    def crop(self) -> tuple[int, int]:
        """Return the left edge and the width of the crop, on even pixels: FFmpeg's filter takes no others."""
        width, height = self.size
        upright = round(height * CANVAS[0] / CANVAS[1] / 2) * 2
        return round((width * self.middle - upright / 2) / 2) * 2, upright

    def filters(self, flags: str = "bicubic") -> str:
        """Return the crop, scaled to the canvas, as FFmpeg's filters."""
        left, width = self.crop
        return f"crop={width}:ih:{left}:0,scale={CANVAS[0]}:{CANVAS[1]}:flags={flags},setsar=1"


def single(cut: Cut, encoder: Mapping[str, str], threads: int, out: Path) -> None:
    """Decode, crop, scale and encode in one command.

    Args:
        cut: Part that becomes the clip.
        encoder: Options of libx264.
        threads: Number of threads of the decoder and of the encoder.
        out: File of the clip.
    """
    options = [each for name, value in encoder.items() for each in (f"-{name}", value)]
    ffmpeg(
        ["-threads", f"{threads}", *cut.input, "-vf", cut.filters(), "-pix_fmt", "yuv420p"],
        ["-c:v", "libx264", *options, "-threads", f"{threads}"],
        ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-movflags", "+faststart", str(out)],
    )


def four_generations(cut: Cut, captions: Path | None, hook: Path | None, folder: Path) -> Path:
    """Cut, reframe, burn captions and overlay a hook, each with an encode, and return the last file.

    The cut is encoded with CRF 18 and preset `fast`, the others with x264's own defaults (CRF 23, `medium`).

    Args:
        cut: Part that becomes the clip.
        captions: Subtitle file; None for a generation that draws nothing.
        hook: Picture of the canvas's size with transparency; None for a generation that draws nothing.
        folder: Folder of the files.
    """
    first, second, third, last = (folder / f"generation{number}.mp4" for number in range(1, 5))
    ffmpeg([*cut.input, "-c:v", "libx264", "-crf", "18", "-preset", "fast", "-c:a", "aac", str(first)])
    ffmpeg(["-i", str(first), "-vf", cut.filters(), "-c:v", "libx264", "-c:a", "copy", str(second)])
    drawn = ["-vf", f"ass={captions}"] if captions else ["-vf", "null"]
    ffmpeg(["-i", str(second), *drawn, "-c:v", "libx264", "-c:a", "copy", str(third)])
    if hook:
        laid = f"[0:v][1:v]overlay=enable='lt(t,{HOOK_SECONDS})'"
        ffmpeg(
            ["-i", str(third), "-i", str(hook), "-filter_complex", laid, "-c:v", "libx264"],
            ["-c:a", "copy", "-movflags", "+faststart", str(last)],
        )
    else:
        ffmpeg(["-i", str(third), "-vf", "null", "-c:v", "libx264", "-c:a", "copy", str(last)])
    return last


def lossless(cut: Cut, out: Path) -> None:
    """Render the cropped picture without loss, with a scaler that neither side uses (Lanczos, accurately rounded)."""
    ffmpeg(
        [
            *cut.input,
            "-vf",
            cut.filters("lanczos+accurate_rnd+full_chroma_int"),
            "-an",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-qp",
            "0",
            str(out),
        ]
    )


def ffmpeg(*arguments: Sequence[str]) -> None:
    """Run FFmpeg.

    Raises:
        subprocess.CalledProcessError: If it fails; the end of its output is printed.
    """
    flat = [each for part in arguments for each in part]
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *flat]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:])
        done.check_returncode()


def ass(words: Sequence[tuple[str, float, float]], out: Path) -> None:
    """Write words, with start and end in seconds, as an ASS file in heavy outlined letters, three words a line."""
    head = (
        "[Script Info]\nPlayResX: 1080\nPlayResY: 1920\n\n[V4+ Styles]\n"
        "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, Bold, Outline, Alignment, MarginV\n"
        "Style: Default,DejaVu Sans,96,&H00FFFFFF,&H00000000,1,6,2,560\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Text\n"
    )
    groups = [words[index : index + 3] for index in range(0, len(words), 3)]
    lines = [
        f"Dialogue: 0,{_clock(group[0][1])},{_clock(group[-1][2])},Default,{' '.join(word[0] for word in group)}"
        for group in groups
    ]
    out.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")


def _clock(seconds: float) -> str:
    hundredths = round(seconds * 100)
    return f"{hundredths // 360000}:{hundredths // 6000 % 60:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
