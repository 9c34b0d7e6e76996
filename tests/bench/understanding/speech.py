"""The quality and speed of speech recognition, against plain faster-whisper with the same weights."""

import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from clipmill.contracts.documents import Word
from clipmill.operations.models import locate
from clipmill.operations.processors import processors
from clipmill.transcriber.hearing.audio import BLOCK_SECONDS, RATE, Samples, read_sound
from clipmill.transcriber.models.weights import find_weights
from clipmill.transcriber.speech_request import EngineRequest
from figures import Figure, quantile

MODEL = "whisper-tiny.en"
BEAM = 5
ROUNDS = 2
TALKS = ("talk", "interview")
LEAST_SECONDS = 600.0
"""Least duration of the speech whose recognition is timed: the talks, repeated one after the other."""

MEDIAN_SECONDS, P95_SECONDS = 0.12, 0.3
LEAST_SPEED = 2.0


Recognise = Callable[[Samples], list[Word]]


class Truth(NamedTuple):
    """A sentence as it was said."""

    start: float
    end: float
    text: str


def measure(corpus: Path, _folder: Path) -> list[Figure]:
    """Transcribe the talks of the corpus by our engine and by faster-whisper, in one process, in turns."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # before the model libraries are imported: nothing is fetched while we measure
    from clipmill.transcriber.recognising.engine import Engine
    from faster_whisper import WhisperModel

    models_dir = Path("models")
    request = EngineRequest(model=MODEL, models_dir=str(models_dir), beam_size=BEAM)
    engine = Engine(find_weights(MODEL, models_dir), request)
    plain = WhisperModel(str(locate(MODEL, models_dir)), device="cpu", compute_type="int8", cpu_threads=processors())

    def ours(samples: Samples) -> list[Word]:
        block = BLOCK_SECONDS * RATE
        blocks = (samples[start : start + block] for start in range(0, len(samples), block))
        result = engine.transcribe(blocks, None, len(samples) / RATE, lambda _share: None)
        return [word for segment in result.transcript.segments for word in segment.words]

    def theirs(samples: Samples) -> list[Word]:
        segments, _ = plain.transcribe(samples, language="en", beam_size=BEAM, vad_filter=True, word_timestamps=True)
        return [
            Word(text=word.word.strip(), start=float(word.start), end=float(word.end))
            for segment in segments
            for word in segment.words or ()
        ]

    sounds = {name: _sound(corpus / f"{name}.mp4") for name in TALKS}
    truths = {name: _truth(corpus / f"{name}.truth.json") for name in TALKS}
    rows = [*_accuracy(sounds, truths, ours, theirs)]
    both = np.concatenate(list(sounds.values()))
    return [*rows, *_speed(np.tile(both, int(LEAST_SECONDS / (len(both) / RATE)) + 1), ours, theirs)]


def _sound(path: Path) -> Samples:
    with path.open("rb") as file:
        return np.concatenate(list(read_sound(file)))


def _truth(path: Path) -> list[Truth]:
    sentences = msgspec.json.decode(path.read_bytes())["sentences"]
    return [Truth(float(each["start"]), float(each["end"]), str(each["text"])) for each in sentences]


def _accuracy(
    sounds: Mapping[str, Samples], truths: Mapping[str, Sequence[Truth]], ours: Recognise, theirs: Recognise
) -> Iterator[Figure]:
    begins: list[float] = []
    ends: list[float] = []
    their_edges: list[float] = []
    for name, samples in sounds.items():
        said = [(_plain(word), number) for number, each in enumerate(truths[name]) for word in each.text.split()]
        words, their_words = ours(samples), theirs(samples)
        errors, pairs = aligned([text for text, _ in said], [_plain(word.text) for word in words])
        their_errors, their_pairs = aligned([text for text, _ in said], [_plain(word.text) for word in their_words])
        rate, their_rate = errors / len(said), their_errors / len(said)
        yield Figure(
            f"{name}: word error rate", f"{rate:.1%}", f"≤ {their_rate:.1%}, plain faster-whisper's", rate <= their_rate
        )
        mine = _edges(truths[name], [number for _, number in said], pairs, words)
        begins += mine[0]
        ends += mine[1]
        their_edges += [
            error for part in _edges(truths[name], [n for _, n in said], their_pairs, their_words) for error in part
        ]
    for what, errors_here in (("starts", begins), ("ends", ends)):
        median, p95 = statistics.median(errors_here), quantile(errors_here, 0.95)
        seen = f"{median * 1000:.0f} ms, {p95 * 1000:.0f} ms of {len(errors_here)}"
        yield Figure(
            f"sentence {what} off, median and 95th percentile",
            seen,
            f"≤ {MEDIAN_SECONDS * 1000:.0f} ms, ≤ {P95_SECONDS * 1000:.0f} ms",
            median <= MEDIAN_SECONDS and p95 <= P95_SECONDS,
        )
    median, p95 = statistics.median(their_edges), quantile(their_edges, 0.95)
    yield Figure("the same of plain faster-whisper, both", f"{median * 1000:.0f} ms, {p95 * 1000:.0f} ms")


def _speed(samples: Samples, ours: Recognise, theirs: Recognise) -> Iterator[Figure]:
    seconds = len(samples) / RATE
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        for name, recognise in (("ours", ours), ("theirs", theirs)):
            begun = time.perf_counter()
            recognise(samples)
            took[name].append(time.perf_counter() - begun)
    mine, other = statistics.median(took["ours"]), statistics.median(took["theirs"])
    rounds = {name: ", ".join(f"{each:.1f}" for each in times) for name, times in took.items()}
    yield Figure(
        f"{seconds / 60:.1f} min of talk, beam {BEAM}, voices and word times: ours", f"{mine:.1f} s ({rounds['ours']})"
    )
    yield Figure("the same by plain sequential faster-whisper", f"{other:.1f} s ({rounds['theirs']})")
    yield Figure("faster than it", f"{other / mine:.2f} ×", f"≥ {LEAST_SPEED:g} ×", other / mine >= LEAST_SPEED)


def _plain(text: str) -> str:
    return re.sub(r"[^\w']", "", text).lower()


def aligned(truth: Sequence[str], heard: Sequence[str]) -> tuple[int, dict[int, int]]:
    """Return the least number of words to insert, delete and replace, and the pairs of words that match.

    Levenshtein's distance with its path.
    """
    rows = [list(range(len(heard) + 1))]
    for number, word in enumerate(truth, 1):
        row, above = [number], rows[-1]
        for other, said in enumerate(heard, 1):
            row.append(min(above[other] + 1, row[-1] + 1, above[other - 1] + (word != said)))
        rows.append(row)
    pairs: dict[int, int] = {}
    one, other = len(truth), len(heard)
    while one and other:
        if rows[one][other] == rows[one - 1][other - 1] + (truth[one - 1] != heard[other - 1]):
            one, other = one - 1, other - 1
            pairs[one] = other
        elif rows[one][other] == rows[one - 1][other] + 1:
            one -= 1
        else:
            other -= 1
    return rows[-1][-1], pairs


def _edges(
    truth: Sequence[Truth], numbers: Sequence[int], pairs: Mapping[int, int], words: Sequence[Word]
) -> tuple[list[float], list[float]]:
    """Return how far the begins and ends of sentences are from the truth, in seconds.

    Args:
        truth: Sentences.
        numbers: Number of the sentence to which each word of the truth belongs.
        pairs: Pairs of a word of the truth and the one of `words` that was heard for it.
        words: Words that were heard.
    """
    begins: list[float] = []
    ends: list[float] = []
    for number, sentence in enumerate(truth):
        places = [place for place, which in enumerate(numbers) if which == number]
        if places[0] in pairs:
            begins.append(abs(words[pairs[places[0]]].start - sentence.start))
        if places[-1] in pairs:
            ends.append(abs(words[pairs[places[-1]]].end - sentence.end))
    return begins, ends
