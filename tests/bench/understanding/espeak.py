"""Speech by espeak-ng, Debian's synthesiser of a hundred languages, and sounds to lay under it."""

import shutil
import subprocess
import wave
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples

PAUSES = (0.35, 0.55, 0.3, 0.8, 0.45)
"""Silences after the sentences, in turn, in seconds: those of a person who talks without haste."""

SPEEDS = (150, 160, 140, 155, 145)
"""Words a minute, a speed for each voice in turn; espeak-ng's default of 175 runs words into each other."""


def missing() -> bool:
    """Return whether espeak-ng is not installed."""
    return shutil.which("espeak-ng") is None


def speak(lines: Sequence[str], voice: str, speed: int, folder: Path) -> Samples:
    """Return sentences, spoken with pauses between them, as mono sound at `RATE`.

    Args:
        lines: Sentences.
        voice: Voice of espeak-ng with its variant, such as `de+f2`.
        speed: Speed, in words a minute.
        folder: Folder for temporary files.
    """
    sound = [silence(0.5)]
    for line, pause in zip(lines, cycle(PAUSES), strict=False):
        path = folder / "sentence.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", str(path), line], check=True)
        sound += [_trimmed(_read(path)), silence(pause)]
    return np.concatenate([*sound, silence(0.5)])


def silence(seconds: float) -> Samples:
    """Return silence."""
    return np.zeros(int(seconds * RATE), np.float32)


def pink_noise(seconds: float, seed: int) -> Samples:
    """Return noise whose power falls by 3 dB an octave, as that of rooms does, with a mean square of 1."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / np.sqrt(np.mean(np.square(noise))), np.float32)


def music(seconds: float) -> Samples:
    """Return chords of four sawtooth-like voices, a bar of two seconds each, with a mean square of 1."""
    bars = ((220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (196.0, 246.9, 293.7), (164.8, 207.7, 246.9))
    time = np.arange(int(seconds * RATE)) / RATE
    bar = (time // 2).astype(int) % len(bars)
    sound = np.zeros(len(time))
    for number, chord in enumerate(bars):
        within = bar == number
        fade = np.exp(-1.5 * (time[within] % 2))
        for root in chord:
            sound[within] += fade * sum(np.sin(2 * np.pi * root * k * time[within]) / k for k in range(1, 6))
    return np.asarray(sound / np.sqrt(np.mean(np.square(sound))), np.float32)


def under(speech: Samples, bed: Samples, decibels: float) -> Samples:
    """Return speech with a bed of sound under it.

    Args:
        speech: Speech.
        bed: Sound with a mean square of 1, of the same length.
        decibels: Level of the bed, relative to that of the speech without its pauses.
    """
    loud = speech[np.abs(speech) > 0.01 * np.abs(speech).max()]
    level = np.sqrt(np.mean(np.square(loud))) * 10 ** (decibels / 20)
    return np.asarray(speech + level * bed[: len(speech)], np.float32)


def write(path: Path, samples: Samples) -> None:
    """Write mono sound at `RATE` as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _read(path: Path) -> Samples:
    """Return a WAV file of espeak-ng at `RATE`, half as loud, because it fills the whole range."""
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 65536
        rate = file.getframerate()
    length = int(len(sound) * RATE / rate)
    spectrum = np.fft.rfft(sound)[: length // 2 + 1]
    return np.asarray(np.fft.irfft(spectrum, length) * length / len(sound), np.float32)


def _trimmed(sound: Samples) -> Samples:
    """Return sound without the silence at its ends."""
    heard = np.flatnonzero(np.abs(sound) > 0.003)
    return sound[heard[0] : heard[-1] + 1] if len(heard) else sound[:0]
