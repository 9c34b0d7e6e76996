"""The loudness of clips by FFmpeg's meter: of every file of the corpus, and of difficult sound.

Run: `.venv/bin/python tests/bench/sound.py`. Needs the development corpus (CLIPMILL_CORPUS names its folder) and
Debian's ffmpeg, which makes the files of difficult sound and measures every clip independently. Results are written to
RESULTS.md beside this file.
"""

import math
import os
import re
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import msgspec
import numpy as np
import numpy.typing as npt
from clipmill.contracts.failures import Permanent
from clipmill.contracts.options import CaptionStyle, JobOptions
from clipmill.renderer.audio import aac
from clipmill.renderer.audio.sound import Converter, Sound
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.quality import Quality, QualityLevel
from figures import Figure, load, machine, write_section
from rendering import our_renders
from rendering.ffmpeg_renders import Cut, ffmpeg

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
TITLE = "Sound: `.venv/bin/python tests/bench/sound.py`"
RATE = 48_000
LONGEST_SECONDS = 20.0
HARD_SECONDS = 10.0
LUFS, TOLERANCE_LU, PEAK_DBTP = -14.0, 0.5, -1.0
QUIET = {"digital silence", "the noise of a room (-69 dBFS)", "silence.mp4", "no_audio.mp4"}
"""Material without anything that could be made loud."""

Mono = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """The readings of FFmpeg's meter for a file; minus infinity for silence."""

    lufs: float
    peak_dbtp: float

    def __str__(self) -> str:
        return f"{self.lufs:.1f} LUFS, {self.peak_dbtp:.1f} dBTP"


def main() -> None:
    if not CORPUS.is_dir():
        sys.exit("The development corpus is not here; CLIPMILL_CORPUS may name its folder.")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = [*_speed(place), *_corpus(place), *_hard(place)]
    print(*rows, sep="\n")
    facts = (
        f"{machine()}; {load()}. Each clip is rendered as a service renders it (quality `draft`), then measured by "
        "`ffmpeg -i clip.mp4 -af ebur128=peak=true -f null -`, after AAC; *before* is what the same meter says of the "
        f"source's part. Parts of at most {LONGEST_SECONDS:g} s; hard material lasts {HARD_SECONDS:g} s and comes "
        "as 16-bit PCM."
    )
    write_section(TITLE, facts, rows)


def _speed(folder: Path) -> Iterator[Figure]:
    """Measure the time for a minute of decoded talk."""
    with av.open(CORPUS / "talk.mp4") as container:
        converter = Converter()
        pieces = [converter.convert(frame) for frame in container.decode(audio=0)]
    whole = np.concatenate(pieces, axis=1)[:, : 60 * RATE]
    begun = time.process_time()
    with Soundtrack(folder, whole.shape[1]) as soundtrack:
        for first in range(0, whole.shape[1], 1024):
            soundtrack.lay(Sound(whole[:, first : first + 1024], first / RATE))
        laid = time.process_time()
        soundtrack.finish()
        soundtrack.master()
        finished = time.process_time()
        samples = list(soundtrack.samples())
        begun_alone = time.process_time()
        aac.encode(samples, Quality().audio_bitrate)
        alone = time.process_time() - begun_alone
    own = finished - begun - alone
    yield Figure("a minute of talk: laying it, with loudness, peaks and levels noted", f"{laid - begun:.2f} s of CPU")
    yield Figure("the same: mastering, AAC, and hearing the AAC", f"{finished - laid:.2f} s of CPU")
    yield Figure("of both, what AAC alone takes", f"{alone:.2f} s of CPU")
    yield Figure("all but AAC", f"{own:.2f} s of CPU", "< 1 s", own < 1)


def _corpus(folder: Path) -> Iterator[Figure]:
    sources = [*sorted(CORPUS.glob("*.mp4")), *sorted((CORPUS / "edge").glob("*.*"))]
    for source in (source for source in sources if source.suffix != ".json"):
        seconds = _seconds(source)
        if seconds:
            start = min(20.0, max(0.0, seconds - LONGEST_SECONDS) / 2)
            cut = Cut(source, start, min(LONGEST_SECONDS, seconds), 25)
            if (figure := _figure(cut, source.name, folder)) is not None:
                yield figure


def _hard(folder: Path) -> Iterator[Figure]:
    for name, samples in _material().items():
        sound, source = folder / "hard.wav", folder / "hard.mkv"
        _write(sound, samples)
        picture = ["-f", "lavfi", "-i", f"color=gray:size=320x180:rate=25:duration={HARD_SECONDS}"]
        ffmpeg([*picture, "-i", str(sound), "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", str(source)])
        if (figure := _figure(Cut(source, 0.0, HARD_SECONDS, 25), name, folder)) is not None:
            yield figure


def _figure(cut: Cut, name: str, folder: Path) -> Figure | None:
    """Render a part and compare before and after; None if there is nothing to render."""
    wanted = our_renders.request(cut, folder / "out", our_renders.Known(), JobOptions(captions=CaptionStyle.OFF))
    wanted = msgspec.structs.replace(wanted, quality=Quality(level=QualityLevel.DRAFT))
    try:
        clip = our_renders.render(wanted).clip
    except Permanent:
        return None
    before, after = _heard(cut.source, cut), _heard(clip)
    right = name in QUIET or abs(after.lufs - LUFS) <= TOLERANCE_LU
    aim = "not lifted, ≤ -1 dBTP" if name in QUIET else "-14 ± 0.5 LUFS, ≤ -1 dBTP"
    return Figure(f"{name}: {before} before", str(after), aim, right and after.peak_dbtp <= PEAK_DBTP)


def _heard(path: Path, cut: Cut | None = None) -> Heard:
    source = cut.input if cut else ["-i", str(path)]
    command = ["ffmpeg", "-hide_banner", "-nostdin", *source, "-map", "0:a:0?", "-af", "ebur128=peak=true"]
    report = subprocess.run([*command, "-f", "null", "-"], capture_output=True, text=True, check=False).stderr
    summary = report[report.rfind("Summary:") :]
    values = [re.search(rf"{name}:\s+(\S+) {unit}", summary) for name, unit in (("I", "LUFS"), ("Peak", "dBFS"))]
    lufs, peak = (float(value.group(1)) if value else -math.inf for value in values)
    return Heard(lufs if lufs > -70 else -math.inf, peak)


def _seconds(path: Path) -> float:
    try:
        with av.open(path) as container:
            return float(container.duration or 0) / av.time_base
    except av.error.FFmpegError:
        return 0.0


def _write(path: Path, samples: Mono) -> None:
    stereo = samples if samples.ndim == 2 else np.stack([samples] * 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(stereo, -1, 1).T * 32767).round().astype("<i2").tobytes())


def _material() -> dict[str, Mono]:
    times = np.arange(round(HARD_SECONDS * RATE)) / RATE
    noise = np.random.default_rng(0).normal(size=(4, len(times)))
    talk = _talk(len(times))
    burst = np.where((times >= 5) & (times < 5.05), np.exp(-(times - 5) * 120) * noise[0], 0.0)
    hits = np.sin(2 * np.pi * 60 * times) * np.exp(-12 * (times % 0.5)) + noise[1] * np.exp(
        -30 * ((times + 0.25) % 0.5)
    )
    pink = np.fft.irfft(np.fft.rfft(noise[2]) / np.sqrt(np.arange(len(times) // 2 + 1) + 1), len(times))
    room = 10 ** (-69 / 20) * noise[3]
    claps = np.clip(noise[0], -1, 1) * np.exp(-120 * (times % 0.5)) * (times % 0.5 < 0.05)
    snare = np.sign(noise[1]) * np.exp(-32 * (times % 0.42)) * (times % 0.42 < 0.17)
    word = 0.15 * np.sin(2 * np.pi * 300 * times) * ((times >= 5) & (times < 5.4))
    return {
        "quiet speech, -20 dB": talk * 0.1,
        "quiet speech, -30 dB": talk * 10**-1.5,
        "quiet speech, -40 dB": talk * 0.01,
        "a tone of 0.4 s in silence": word,
        "a snare, 2.4 times a second": snare,
        "quiet speech, -20 dB, with a loud clap every 0.5 s": np.clip(talk * 0.1 + claps, -1, 1),
        "one loud clap in quiet speech": talk * 0.1 + burst,
        "a whisper (-30 dB), then speech": np.where(times < 5, 10**-1.5, 1) * talk,
        "speech on one side only": np.stack([talk, 0 * talk]),
        "speech with an offset of 0.3": 0.5 * talk + 0.3,
        "speech, 20 dB too loud, clipped": talk * 10,
        "drums and a saw, clipped": np.clip(2 * hits + 0.5 * np.sign(np.sin(2 * np.pi * 220 * times)), -1, 1),
        "drums with peaks 14 dB over their body": 0.3 * hits,
        "white noise, full scale": noise[0] / 3,
        "pink noise": 0.9 * pink / np.abs(pink).max(),
        "a square wave of 100 Hz": np.sign(np.sin(2 * np.pi * 100 * times)),
        "a sine of 997 Hz at -40 dBFS": 0.01 * np.sin(2 * np.pi * 997 * times),
        "a sweep, 20 Hz to 20 kHz": 0.9 * np.sin(2 * np.pi * np.cumsum(20 * 1000 ** (times / HARD_SECONDS)) / RATE),
        "the noise of a room (-69 dBFS)": room,
        "digital silence": 0 * times,
    }


def _talk(count: int) -> Mono:
    with av.open(CORPUS / "talk.mp4") as container:
        converter = Converter()
        pieces = [converter.convert(frame)[0] for frame in container.decode(audio=0)]
    return np.asarray(np.concatenate(pieces)[:count], np.float64)


if __name__ == "__main__":
    main()
