"""Learn laughter, applause and cheers from all classes of YAMNet, and write the data file that the transcriber reads.

Run: `.venv/bin/python tools/room/learn.py CORPUS`. CORPUS is the folder of the development corpus. README.md beside
this file says what is learned from, under which licences, and how good it is.

A class of YAMNet alone does not do: under speech, noise or music the class "Laughter" is about as likely for a laugh as
for some words. The other classes say which of the two it is, and a weight for each of them is all that is learned.
"""

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clipmill.transcriber.hearing import sound_model
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.hearing.log_mel import HOP_SAMPLES, PATCH_FRAMES, PATCH_HOP_SAMPLES, PatchStream
from clipmill.transcriber.hearing.sound_model import REACTIONS, SoundModel
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "bench"))

from understanding.room_mixing import ROOMS, Hand, Laid, Sound, performed, recorded
from understanding.room_real import LEARNING_OTHER, LEARNING_SPEECH, laid_into, real_sounds
from understanding.room_recordings import DEVELOPMENT, FOLDER, active_level, decoded, fetch, read
from understanding.room_talks import SPEECH_LEVEL, Mark, Talk, spoken

BUNDLED = Path(sound_model.__file__).with_name(REACTIONS)

TALKS = slice(4, 10)
"""Talks that are learned from; the bench measures with the first four."""

GAME = FOLDER / "usr/share/games/hedgewars/Data"
HAPPY = ("Laugh", "Hehe", "Victory")
"""Voices of the game that may laugh or cheer."""

STEP_PIECES = 3
"""Pieces of speech from one reaction to the next."""

KINDS = {"laughter": ("laughter",), "applause": ("applause", "cheering")}
"""Kinds of sound with weights, and the kinds of recordings that they are learned from. A hall cheers and applauds at
once, and the few recordings of cheers are not enough to learn them alone."""

INVERSE_PENALTY, ITERATIONS = 0.1, 100
"""scikit-learn's C, and its iterations. With recordings left out in turns, 0.1 found 55 % of the laughs at one false
one in ten minutes, 0.01 found 47 %, and 0.001 found 37 %."""

USUAL, SPREAD = -6.0, 3.0
"""Mean and spread of log-odds, about."""

PATCH_MINUTES = PATCH_HOP_SAMPLES / RATE / 60

SETTLED, NEAR = 0.3, 1.2
"""A patch has a reaction if its middle is this far inside, and none if it is this far outside, in seconds."""

FALSE_A_MINUTE = 0.04
"""False reactions a minute at `SCORE`, in what is learned from; other speech has about three times as many."""

SHIFTS = {"laughter": -0.5, "applause": 0.25}
"""Log-odds added to the constant of a kind, chosen on the judging recordings of `tests/bench/understanding.py room`:
real speech had 0.3 false laughs a minute without them and 0.1 with them, and as much applause is heard as can be at no
cost in false alarms."""

SCORE = -3.75
"""Log-odds of the byte 98, from which readers believe a reaction."""

Logits = npt.NDArray[np.float32]


class Example:
    """The classes heard in a piece of sound, patch by patch, and the reactions in it.

    Args:
        logits: Log-odds of shape (patches, classes).
        laid: Reactions.
    """

    def __init__(self, logits: Logits, laid: Sequence[Laid]) -> None:
        self.logits = logits
        self._laid = laid
        self._middles = (np.arange(len(logits)) * PATCH_HOP_SAMPLES + PATCH_FRAMES * HOP_SAMPLES / 2) / RATE

    def having(self, kind: str) -> npt.NDArray[np.bool_]:
        """Return whether each patch has a reaction of a kind."""
        return self._within(SETTLED, [one for one in self._laid if one.kind == kind])

    def lacking(self) -> npt.NDArray[np.bool_]:
        """Return whether each patch is far from any reaction."""
        return ~self._within(-NEAR, self._laid)

    def _within(self, margin: float, laid: Sequence[Laid]) -> npt.NDArray[np.bool_]:
        inside = np.zeros(len(self._middles), bool)
        for one in laid:
            inside |= (self._middles > one.start + margin) & (self._middles < one.end - margin)
        return inside


def main() -> None:
    """Learn from the corpus that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="Folder of the development corpus.")
    parser.add_argument("--output", type=Path, default=BUNDLED, help="Data file to write.")
    options = parser.parse_args()
    reason = fetch(learning=True)
    if reason:
        sys.exit(reason)
    model = SoundModel(Path("models"))
    examples = [Example(logits_of(model, samples), laid) for samples, laid in material(options.corpus)]
    ears = [learned(examples, kinds) for kinds in KINDS.values()]
    np.savez(
        options.output,
        kinds=np.array(list(KINDS)),
        weights=np.stack([weights for weights, _ in ears], axis=1),
        constants=np.array(
            [constant + SHIFTS[kind] for kind, (_, constant) in zip(KINDS, ears, strict=True)], np.float32
        ),
    )
    minutes = sum(len(one.logits) for one in examples) * PATCH_MINUTES
    sys.stdout.write(f"{options.output}: learned from {minutes:.0f} minutes\n")


def learned(examples: Sequence[Example], kinds: Sequence[str]) -> tuple[Logits, float]:
    """Return the weights of all classes for reactions of some kinds, and the constant.

    Args:
        examples: Sound with reactions and without.
        kinds: Kinds of reactions.
    """
    having = [np.any([one.having(kind) for kind in kinds], axis=0) for one in examples]
    used = [has | one.lacking() for one, has in zip(examples, having, strict=True)]
    logits = np.concatenate([one.logits[use] for one, use in zip(examples, used, strict=True)])
    reacted = np.concatenate([has[use] for has, use in zip(having, used, strict=True)])
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS)
    with warnings.catch_warnings():  # it stops early on purpose
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((logits - USUAL) / SPREAD, reacted)
    weights = (model.coef_[0] / SPREAD).astype(np.float32)
    scores = [np.where(one.lacking(), one.logits @ weights, -np.inf) for one in examples]
    return weights, SCORE - _threshold(scores)


def _threshold(scores: Sequence[Logits]) -> float:
    """Return the score that gives `FALSE_A_MINUTE`."""
    minutes = sum(map(len, scores)) * PATCH_MINUTES
    flat = np.concatenate(scores)
    low, high = float(np.quantile(flat, 0.9)), float(flat.max())
    for _ in range(20):
        middle = (low + high) / 2
        false = sum(np.count_nonzero(np.diff((one >= middle).astype(np.int8), prepend=0) > 0) for one in scores)
        low, high = (low, middle) if false / minutes <= FALSE_A_MINUTE else (middle, high)
    return high


def logits_of(model: SoundModel, samples: Samples) -> Logits:
    """Return the log-odds of all classes in each patch of mono sound at `RATE`."""
    stream = PatchStream()
    return np.concatenate([model.logits(patches) for patches in (*stream.add(samples), *stream.finish())])


def material(corpus: Path) -> Iterator[tuple[Samples, Sequence[Laid]]]:
    """Yield all sound that is learned from, mono at `RATE`, with the reactions in it."""
    hand = Hand([Sound(one.kind, one.name, read(one)) for one in DEVELOPMENT])
    talks = [_marked(talk) for talk in spoken(corpus / "reactions", "talks", TALKS.stop)[TALKS]]
    voices = np.concatenate([sound for talk in talks for sound in talk.sounds])
    tunes = _tunes()
    for number, talk in enumerate(talks):
        for place, room in enumerate(ROOMS):
            performance = performed(talk, hand)
            seed = 1000 + number * len(ROOMS) + place
            sound = recorded(performance, room, voices, tunes[number % len(tunes)], seed)
            yield sound, performance.laid
    with tempfile.TemporaryDirectory() as folder:
        real = real_sounds(corpus, Path(folder))
    for _ in range(2):
        for name in LEARNING_SPEECH:
            if name in real:
                yield laid_into(real[name], hand)
    for name in LEARNING_OTHER:
        if name in real:
            yield real[name], ()
    yield from ((np.float32(SPEECH_LEVEL) * sound, ()) for sound in (*tunes, *_games()))


def _marked(talk: Talk) -> Talk:
    """Return a talk with marks after every few pieces of speech."""
    marks = [
        Mark(piece.first, ("laughter", "applause")[number // STEP_PIECES % 2])
        for number, piece in enumerate(talk.pieces)
        if number and number % STEP_PIECES == 0
    ]
    return talk._replace(marks=marks)


def _tunes() -> list[Samples]:
    """Return the first minute of some of a game's music, with an active level of 1."""
    paths = sorted((GAME / "Music").glob("*.ogg"))[::3]
    pieces = [decoded(path)[: 60 * RATE] for path in paths]
    return [(piece / active_level(piece)).astype(np.float32) for piece in pieces]


def _games() -> Iterator[Samples]:
    """Yield voices and noises of a game, with an active level of 1, in pieces of several sounds."""
    paths = [path for path in sorted((GAME / "Sounds").rglob("*.ogg")) if path.stem not in HAPPY]
    for some in (paths[start : start + 60] for start in range(0, len(paths), 60)):
        pieces = []
        for samples in map(decoded, some):
            if len(samples) > RATE / 5 and np.abs(samples).max() > 1e-3:
                pieces += [samples / active_level(samples), np.zeros(RATE // 2, np.float32)]
        yield np.concatenate(pieces).astype(np.float32)


if __name__ == "__main__":
    main()
