"""The quality of pictures after one encode and after four, against a lossless render of the same crop."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
from clipmill.contracts.options import Background, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.drawing.reframing import Reframer
from clipmill.renderer.encoding.encoder import Encoder
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.quality import EncoderChoice, Quality
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.faces import Box
from figures import Figure

from rendering import ffmpeg_renders
from rendering.ffmpeg_renders import Cut

VMAF_FFMPEG = os.environ.get("CLIPMILL_VMAF_FFMPEG", "")
"""Path of an FFmpeg with libvmaf: Debian's lacks it, the one in the wheel of imageio-ffmpeg has it."""

RATE_FACTORS = (16.0, 32.0)
"""Range of x264's constant rate factors in which the search finds a file just as small as that of four generations."""

RATE_FACTOR_STEP = 0.25


def measure(cut: Cut, folder: Path) -> list[Figure]:
    """Return the similarity to a lossless render, with no more bits for ours than for four generations.

    All three crop the middle and draw nothing on it; each scales as it always does, the lossless one by Lanczos.
    """
    reference, ours, default = folder / "lossless.mp4", folder / "middle.mp4", folder / "default.mp4"
    ffmpeg_renders.lossless(cut, reference)
    chain = ffmpeg_renders.four_generations(cut, None, None, folder)
    allowed = _bits(chain)
    _render(cut, Quality(encoder=EncoderChoice.X264), default)
    crf = _rate_factor(cut, allowed, ours)
    name = f"{cut.source.name}, {cut.seconds:g} s"
    rates = {path: _bits(path) / cut.seconds / 1e6 for path in (chain, ours, default)}
    figures = []
    for measure_name, measured in _measures():
        four, one, usual = (measured(path, reference) for path in (chain, ours, default))
        figures.append(
            Figure(
                f"{name}: {measure_name} at no more bits",
                f"{one:.4f} in {rates[ours]:.2f} Mbit/s (CRF {crf:g}), after four generations {four:.4f} in"
                f" {rates[chain]:.2f}; at our default {usual:.4f} in {rates[default]:.2f}",
                "above that of four generations",
                one > four and rates[ours] <= rates[chain],
            )
        )
    return figures


def _measures() -> list[tuple[str, Callable[[Path, Path], float]]]:
    vmaf = [("VMAF", _vmaf)] if shutil.which(VMAF_FFMPEG) else []
    return [("SSIM", _ssim), *vmaf]


def _rate_factor(cut: Cut, allowed: int, out: Path) -> float:
    """Render with the lowest rate factor that gives no more bits than `allowed`, and return it."""
    low, high = RATE_FACTORS
    while high - low > RATE_FACTOR_STEP:
        middle = (low + high) / 2
        _render(cut, Quality(encoder=EncoderChoice.X264, crf=middle), out)
        if _bits(out) <= allowed:
            high = middle
        else:
            low = middle
    _render(cut, Quality(encoder=EncoderChoice.X264, crf=high), out)
    return high


def _render(cut: Cut, quality: Quality, out: Path) -> None:
    """Draw the middle of each picture as the renderer does, and nothing on it."""
    canvas = CANVASES[OutputFormat.VERTICAL]
    with cut.source.open("rb") as file, Source(file) as source:
        start, frames = source.snapped(cut.start), round(cut.seconds * source.rate)
        left, width = cut.crop
        crop = Box(left, 0, width, cut.size[1])
        framing = Framing(Layout.TRACK, (Pane(crop, 0, 0, canvas.width, canvas.height),))
        reframer = Reframer()
        with Encoder(out, Fraction(source.rate), canvas, quality) as encoder:
            for picture in source.pictures(start, frames):
                frame, target = encoder.canvas()
                reframer.draw(picture, framing, target, Background.BLUR)
                encoder.picture(frame)


def _bits(path: Path) -> int:
    """Return the size of a file's picture stream, in bits."""
    with av.open(path) as container:
        return sum(packet.size * 8 for packet in container.demux(video=0))


def _ssim(path: Path, reference: Path) -> float:
    return float(_told(["ffmpeg"], path, reference, "ssim", r"All:([0-9.]+)"))


def _vmaf(path: Path, reference: Path) -> float:
    graph = f"libvmaf=n_threads={os.cpu_count() or 1}:n_subsample=2"
    return float(_told([VMAF_FFMPEG], path, reference, graph, r"VMAF score: ([0-9.]+)"))


def _told(ffmpeg: list[str], path: Path, reference: Path, graph: str, pattern: str) -> str:
    inputs = ["-i", str(path), "-i", str(reference)]
    same = "[0:v]setpts=N,settb=1[a];[1:v]setpts=N,settb=1[b];[a][b]"
    command = [*ffmpeg, "-hide_banner", "-nostdin", *inputs, "-lavfi", same + graph, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.findall(pattern, done.stderr)
    if not found:
        raise ValueError(f"{command[0]} said nothing of {pattern}: {done.stderr[-500:]}")
    return str(found[-1])
