"""Who speaks when: mouths that move while speech is heard.

**Evidence.** At each sample, every person's mouth has a speed. A person's evidence is the logarithm of their speed,
less the mean of the logarithms of all: were speeds log-normal, larger in those who speak, this would be the log-
likelihood ratio but for a factor. So it is divided by its root mean square through the shot, which makes grain, blocks
and shaking, which bring speeds nearer to each other, cost certainty alone; and it is clipped, for one laugh is no
speech. It counts for as long as the time since the sample before lasts, and only while somebody is heard. Whoever is
out of sight has evidence against them.

**Turns.** One person is chosen for each sample, so that the sum of their evidence, less a price for each switch, is
the greatest, under the constraint that nobody is left before they were heard for a second. That is a segmentation with
minimum durations, and dynamic programming over the samples solves it exactly, knowing the whole shot: the best sum
that ends at sample t with person i is the greatest of staying with i from t-1, and switching to i at an s from which
to t there is just a second of speech. The price makes evidence that came by chance not worth going there and back. It
is the Viterbi algorithm for a hidden semi-Markov model with minimum durations (Rabiner, 1989, section IV.D), the
evidence in place of its log-likelihoods.

**Between two words** nobody is heard, so switching costs the same anywhere in a pause: it is moved to just before the
next word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from clipmill.contracts.documents import Word
from clipmill.renderer.seeing.survey import SurveyedShot
from clipmill.renderer.seeing.tracking import Track

LEVELS_PER_SECOND = 100
"""Of the sound's levels."""

WORD_PAUSE_SECONDS = 0.25
"""A gap between words that is no pause: word times are as exact as that."""

LEAST_VOICE_DB = -50.0
"""Full scale. Nobody speaks below, after noise has been told from signal."""

VOICE_ABOVE_NOISE = 0.5
"""Where between the noise (10th percentile of levels) and the loud (95th) voice begins, both in dB."""

LEAST_VOICE_RANGE_DB = 6.0
"""Sound that changes less than this is one steady noise or tone, and no speech."""

LEAST_TURN_SECONDS = 1.0
"""Speech somebody must be heard with before the next turn."""

SWITCH_PRICE = 0.27
"""Of a switch: evidence of 0.27 for one second. A listener who yawns for a second does not get the picture."""

LEAST_EVIDENCE = 0.13
"""Mean evidence of those chosen, while somebody is heard, below which nobody stands out.

In the five two-shots of the development corpus' interview it was 0.29 to 0.38, in grain and flicker down to 0.14.
Two listeners put side by side had 0.06 to 0.11 (median, by length; at most 0.17). Two speakers side by side had
0.17 to 0.19 (at most 0.28) by the choice alone, so people who talk at once mostly do get turns: a bound that tells
them from one speaker in grain does not exist in this measure."""

MOST_EVIDENCE = 0.65
"""Of a sample, either way."""

USUAL_EVIDENCE = 0.5
"""What the root mean square of the evidence is made."""

LEAST_DIFFERENCE = 0.1
"""Root mean square of the logarithms below which mouths move alike, and nothing is made of it."""

STILL = 0.01
"""Face widths a second, added to all speeds: what differs by less is the same."""

OUT_OF_SIGHT_SECONDS = 1.0
"""For how long a mouth that was not measured counts neither for nor against a person."""

LEAD_SECONDS = 0.12
"""How long before the next word a switch in a pause lies: the eye is there when the mouth opens."""

Floats = npt.NDArray[np.float64]
Frames = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Turn:
    """A time in which one person speaks (or is still looked at, nobody else speaking).

    Attributes:
        first: frame of the clip.
        last: frame of the clip, included.
        track: number of the person's track within the shot.
    """

    first: int
    last: int
    track: int


def voiced(words: Sequence[Word], levels_db: Floats, rate: float, frames: int) -> Frames:
    """Return for each frame whether somebody is heard to speak: by the words, or without any, by the sound.

    Args:
        words: in seconds of the clip.
        levels_db: of the clip's sound, RMS of every 10 ms, dBFS.
        rate: frames a second.
        frames: of the clip.
    """
    heard = np.zeros(frames, np.bool_)
    if words:
        end = -WORD_PAUSE_SECONDS
        for word in sorted(words, key=lambda word: word.start):
            begin = end if word.start - end < WORD_PAUSE_SECONDS else word.start
            heard[max(0, round(begin * rate)) : max(0, round(word.end * rate))] = True
            end = max(end, word.end)
        return heard
    if not len(levels_db):
        return heard
    noise, loud = np.percentile(np.maximum(levels_db, 2 * LEAST_VOICE_DB), (10, 95))
    if loud - noise < LEAST_VOICE_RANGE_DB:
        return heard
    threshold = max(LEAST_VOICE_DB, noise + VOICE_ABOVE_NOISE * (loud - noise))
    for frame in range(frames):
        during = levels_db[int(frame / rate * LEVELS_PER_SECOND) : int((frame + 1) / rate * LEVELS_PER_SECOND) + 1]
        heard[frame] = bool(len(during)) and float(np.max(during)) >= threshold
    return _bridged(heard, round(WORD_PAUSE_SECONDS * rate))


def turns(shot: SurveyedShot, people: Sequence[Track], voiced: Frames, rate: float) -> list[Turn]:
    """Return who speaks when, which covers the shot without gaps; nothing where that cannot be told.

    Args:
        shot: that the people are in.
        people: who may be speaking.
        voiced: whether somebody is heard, for each frame of the clip.
        rate: frames a second.
    """
    if len(people) < 2:
        return []
    samples, evidence, heard = _evidence(shot, people, voiced, rate)
    if heard.sum() < LEAST_TURN_SECONDS:
        return []
    chosen = _segmented(evidence, heard)
    if sum(evidence[np.arange(len(chosen)), chosen]) < LEAST_EVIDENCE * heard.sum():
        return []
    starts = [0, *(int(place) for place in np.flatnonzero(np.diff(chosen)) + 1)]
    settled = (_settled(int(samples[start - 1]), int(samples[start]), voiced, rate) for start in starts[1:])
    firsts = [shot.span.first, *settled]
    lasts = [first - 1 for first in firsts[1:]] + [shot.span.last]
    return [
        Turn(first, last, people[chosen[start]].number)
        for first, last, start in zip(firsts, lasts, starts, strict=True)
        if last >= first
    ]


def talk(shot: SurveyedShot, people: Sequence[Track], voiced: Frames, rate: float) -> dict[int, float]:
    """Return for each track's number how long that person was heard to speak, seconds.

    Whoever is alone in the shot is taken to be the one who is heard. Where no mouth stands out, nobody has spoken.

    Args:
        shot: that the people are in.
        people: who may be speaking.
        voiced: whether somebody is heard, for each frame of the clip.
        rate: frames a second.
    """
    spoken = {track.number: 0.0 for track in people}
    if len(people) == 1:
        whole = Turn(shot.span.first, shot.span.last, people[0].number)
        said = [whole]
    else:
        said = turns(shot, people, voiced, rate)
    for turn in said:
        spoken[turn.track] += float(np.count_nonzero(voiced[turn.first : turn.last + 1])) / rate
    return spoken


def _evidence(
    shot: SurveyedShot, people: Sequence[Track], voiced: Frames, rate: float
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return samples by frame, their evidence (samples by people, seconds), and how long was heard at each, seconds."""
    samples = np.array(sorted({frame for track in people for frame, _ in track.motion}), np.int64)
    if not len(samples):
        return samples, np.zeros((0, len(people))), np.zeros(0)
    speeds = np.full((len(samples), len(people)), np.nan)
    away = np.ones_like(speeds, np.bool_)
    for column, track in enumerate(people):
        frames = np.array([frame for frame, _ in track.motion], np.int64)
        speeds[np.searchsorted(samples, frames), column] = [speed for _, speed in track.motion]
        seen = np.array([detection.frame for detection in track.detections])
        nearest = np.min(np.abs(samples[:, np.newaxis] - seen[np.newaxis, :]), axis=1)
        away[:, column] = nearest > OUT_OF_SIGHT_SECONDS * rate
    befores = np.concatenate([[max(shot.span.first - 1, int(samples[0] - rate))], samples[:-1]])
    heard = np.array(
        [
            np.count_nonzero(voiced[before + 1 : sample + 1])
            for before, sample in zip(befores.tolist(), samples.tolist(), strict=True)
        ]
    )
    shares = _compared(speeds, heard > 0)
    shares[away] = -1.0
    seconds = heard / rate
    return samples, shares * seconds[:, np.newaxis], seconds


def _compared(speeds: Floats, heard: Frames) -> Floats:
    """Return the evidence (samples by people) in mouths' speeds, NaN where unknown; 0 without anybody to compare."""
    known = ~np.isnan(speeds)
    logs = np.log(np.where(known, speeds, 0) + STILL)
    counts = np.sum(known, axis=1, keepdims=True)
    means = np.sum(np.where(known, logs, 0), axis=1, keepdims=True) / np.maximum(counts, 1)
    compared = np.where(known & (counts > 1), logs - means, 0.0)
    known_differences = compared[heard[:, np.newaxis] & known & (counts > 1)]
    difference = float(np.sqrt(np.mean(known_differences**2))) if len(known_differences) else 0.0
    if difference < LEAST_DIFFERENCE:
        return np.zeros_like(compared)
    return np.clip(compared * USUAL_EVIDENCE / difference, -MOST_EVIDENCE, MOST_EVIDENCE)


def _segmented(evidence: Floats, heard: Floats) -> npt.NDArray[np.int64]:
    """Return the person chosen at each sample.

    Args:
        evidence: samples by people.
        heard: seconds at each sample.
    """
    count, people = evidence.shape
    sums = np.concatenate([np.zeros((1, people)), np.cumsum(evidence, axis=0)])
    clock = np.concatenate([[0.0], np.cumsum(heard)])
    # enters[t]: the latest sample at which a turn may begin that ends with t, both included; -1 for none
    enters = np.searchsorted(clock, clock[1:] - LEAST_TURN_SECONDS + 1e-9, side="right") - 1
    best = np.full((count, people), -np.inf)
    begun = np.zeros((count, people), np.int64)
    came_from = np.zeros((count, people), np.int64)
    entered = 0
    for t in range(count):
        if t:
            best[t], begun[t], came_from[t] = best[t - 1] + evidence[t], begun[t - 1], came_from[t - 1]
        for s in range(entered, int(enters[t]) + 1):  # the turns that have become long enough to end with t
            for person in range(people):
                others = np.where(np.arange(people) == person, -np.inf, best[s - 1]) if s else np.zeros(people)
                other = int(np.argmax(others))
                gained = float(others[other]) + sums[t + 1, person] - sums[s, person] - (SWITCH_PRICE if s else 0)
                if gained > best[t, person]:
                    best[t, person], begun[t, person], came_from[t, person] = gained, s, other
        entered = max(entered, int(enters[t]) + 1)
    chosen = np.zeros(count, np.int64)
    t, person = count - 1, int(np.argmax(best[-1]))
    while t >= 0:
        start, other = int(begun[t, person]), int(came_from[t, person])
        chosen[start : t + 1] = person
        t, person = start - 1, other
    return chosen


def _settled(before: int, at: int, voiced: Frames, rate: float) -> int:
    """Return the first frame of a turn that begins between two samples: just before the pause there, if any, ends."""
    pauses = [frame for frame in range(before + 1, at + 1) if not voiced[frame]]
    if not pauses:
        return (before + at + 1) // 2
    first = last = pauses[-1]
    while last + 1 < len(voiced) and not voiced[last + 1]:
        last += 1
    while first > 0 and not voiced[first - 1]:
        first -= 1
    return max(first, last + 1 - round(LEAD_SECONDS * rate))


def _bridged(heard: Frames, longest: int) -> Frames:
    """Return `heard` with gaps of `longest` frames or fewer filled."""
    bridged = heard.copy()
    places = np.flatnonzero(heard)
    for one, other in zip(places[:-1].tolist(), places[1:].tolist(), strict=True):
        if other - one - 1 <= longest:
            bridged[one:other] = True
    return bridged
