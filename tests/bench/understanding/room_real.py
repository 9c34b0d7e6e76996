"""The real sound of the corpus: speech into which reactions are laid, and sound in which nobody reacts."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples, read_sound

from understanding.room_mixing import Hand, Laid
from understanding.room_recordings import active_level

SPEECH = (
    "talk.mp4",
    "interview.mp4",
    "vv_interview.mp4",
    "taokai_obama.mp4",
    "avi_testhyland.mp4",
    "avi_testvideo.mp4",
    "realtjr_vlog.mp4",
)
"""Files with speech and without an audience, that judge the hearing."""

OTHER = ("bbb.webm", "gradio_world.mp4")
"""Files with music and nature, and without speech, that judge it."""

LEARNING_SPEECH = (
    "german20.mp4",
    "latentsync2.mp4",
    "avi_billhyland.mp4",
    "avi_avenger2.mp4",
    "raj_presentation.mp4",
    "remotion_tiktok.mp4",
)
LEARNING_OTHER = ("googlework_short.mp4", "csci_traffic.mp4")
"""Files that the hearing is learned from. `openface_meeting.mp4` is a comedy and `csci_sports.mp4` has a crowd, so they
are in neither group: nobody knows what is right there."""

FIRST_SECONDS, STEP_SECONDS, LAST_SECONDS = 3.0, 12.0, 7.0
"""Time before the first reaction, between two, and before the end of a file, in seconds."""

SEARCH_SECONDS, PAUSE_SECONDS = 4.0, 0.3
"""A reaction begins in the quietest pause of the next seconds."""


def real_sounds(corpus: Path, folder: Path) -> dict[str, Samples]:
    """Return the sound of each file that is here, mono at `RATE`.

    The corpus itself has some of them. MIRROR names the folder of repositories from which its `take.sh` gets the rest.

    Args:
        corpus: Folder of the corpus.
        folder: Folder for the files.
    """
    subprocess.run([corpus / "real" / "take.sh", folder], env={"MIRROR": "/nonexistent", **os.environ}, check=False)
    found: dict[str, Samples] = {}
    for name in (*SPEECH, *OTHER, *LEARNING_SPEECH, *LEARNING_OTHER):
        path = next((path for path in (folder / name, corpus / name) if path.is_file()), None)
        if path:
            with path.open("rb") as file:
                found[name] = np.concatenate(list(read_sound(file)))
    return found


def laid_into(samples: Samples, hand: Hand) -> tuple[Samples, Sequence[Laid]]:
    """Return speech with reactions in some of its pauses, over which it goes on, and their places.

    Args:
        samples: Speech, mono at `RATE`.
        hand: Hand that deals the reactions.
    """
    mixed, laid = samples.copy(), []
    level = active_level(samples)
    at = FIRST_SECONDS
    while at < len(samples) / RATE - LAST_SECONDS:
        start = _quietest(samples, at)
        one, decibels, _ = hand.deal(("laughter", "applause")[len(laid) % 2])
        first = round(start * RATE)
        room = mixed[first : first + len(one.samples)]
        room += one.samples[: len(room)] * (level * 10 ** (decibels / 20))
        laid.append(Laid(one.kind, one.name, decibels, False, start, start + len(room) / RATE))
        at += STEP_SECONDS
    return np.clip(mixed, -1.0, 1.0), laid


def _quietest(samples: Samples, at: float) -> float:
    """Return the start of the quietest `PAUSE_SECONDS` from `at` on, in seconds."""
    piece = samples[round(at * RATE) : round((at + SEARCH_SECONDS) * RATE)].astype(np.float64)
    energies = np.cumsum(np.concatenate(([0.0], piece**2)))
    length = round(PAUSE_SECONDS * RATE)
    return at + float(np.argmin(energies[length:] - energies[:-length])) / RATE
