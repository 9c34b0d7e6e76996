"""The time of a clip, against a single FFmpeg command and against four generations."""

import statistics
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

from clipmill.contracts.options import CaptionStyle, JobOptions
from clipmill.renderer.encoding import encoders
from clipmill.renderer.encoding.encoders import VideoFormat
from clipmill.renderer.quality import EncoderChoice
from clipmill.renderer.settings import RendererSettings
from figures import Figure
from PIL import Image, ImageDraw

from rendering import ffmpeg_renders, our_renders
from rendering.ffmpeg_renders import CANVAS, Cut

ROUNDS = 2


def single(cut: Cut, out: Path) -> None:
    """Make the picture and the sound by one FFmpeg command, with the x264 options of our clips."""
    quality = RendererSettings(slots=1).encoding()
    video_format = VideoFormat(*CANVAS, Fraction(cut.rate).limit_denominator(1001))
    ffmpeg_renders.single(cut, encoders.options(EncoderChoice.X264, video_format, quality), quality.threads, out)


def measure(cut: Cut, truth: Path, folder: Path) -> list[Figure]:
    """Return how long a clip of `cut` takes in each way, in alternating rounds.

    Args:
        cut: Part that becomes the clip.
        truth: Truth of the source.
        folder: Folder of the files.
    """
    known = our_renders.known(truth)
    outcomes: list[our_renders.Outcome] = []
    ass, hook = folder / "captions.ass", folder / "hook.png"
    words = [word for each in known.segments for word in each.words]
    inside = [(word.text, word.start - cut.start, word.end - cut.start) for word in words if _inside(word.start, cut)]
    ffmpeg_renders.ass(inside, ass)
    _hook(hook)

    def ours(captions: CaptionStyle) -> float:
        options = JobOptions(captions=captions)
        outcome = our_renders.render(our_renders.request(cut, folder / "ours", known, options))
        if captions is not CaptionStyle.OFF:
            outcomes.append(outcome)
        return outcome.seconds

    seconds = alternately(
        {
            "ours": lambda: ours(CaptionStyle.BOLD),
            "without captions": lambda: ours(CaptionStyle.OFF),
            "single": lambda: single(cut, folder / "single.mp4"),
            "chain": lambda: ffmpeg_renders.four_generations(cut, ass, hook, folder),
        }
    )
    return _figures(cut, seconds, outcomes)


def _figures(cut: Cut, seconds: Mapping[str, list[float]], outcomes: list[our_renders.Outcome]) -> list[Figure]:
    ours, bare, single, chain = (statistics.median(seconds[name]) for name in seconds)
    name = f"{cut.source.name}, {cut.seconds:g} s"
    survey = statistics.median(each.rendered.survey_seconds / each.seconds for each in outcomes)
    starting = statistics.median(each.starting_seconds for each in outcomes)
    captions = (ours - bare) / ours
    frames = outcomes[0].rendered.frames
    return [
        Figure(f"{name}: our clip", f"{ours:.2f} s, {frames / ours:.0f} frames/s (rounds: {_each(seconds['ours'])})"),
        Figure(f"{name}: one FFmpeg command", f"{single:.2f} s (rounds: {_each(seconds['single'])})"),
        Figure(f"{name}: four generations", f"{chain:.2f} s (rounds: {_each(seconds['chain'])})"),
        Figure(f"{name}: ours to one command", f"{ours / single:.2f} ×", "≤ 1.25 ×", ours / single <= 1.25),
        Figure(f"{name}: ours to four generations", f"{ours / chain:.2f} ×", "≤ 0.35 ×", ours / chain <= 0.35),
        Figure(f"{name}: captions' share of our time", f"{captions:.1%}", "< 10 %", captions < 0.1),
        Figure(f"{name}: the survey's share of our time", f"{survey:.1%}"),
        Figure(f"{name}: starting a child process, which one that waits spares a clip", f"{starting:.2f} s"),
    ]


def alternately(ways: Mapping[str, Callable[[], float | object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds of each way in each round, as the way itself reports them if it does; each round does all."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.monotonic()
            reported = way()
            seconds[name].append(reported if isinstance(reported, float) else time.monotonic() - begun)
    return seconds


def _inside(time: float, cut: Cut) -> bool:
    return cut.start <= time < cut.start + cut.seconds


def _each(seconds: list[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in seconds)


def _hook(path: Path) -> None:
    picture = Image.new("RGBA", CANVAS)
    ImageDraw.Draw(picture).rounded_rectangle((120, 300, 960, 460), 30, fill=(0, 0, 0, 200))
    picture.save(path)
