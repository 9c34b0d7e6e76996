"""The turns of speakers: the person whose mouth moves while speech is heard is the one who speaks.

**Evidence.** At each sample, every person's mouth has a speed. A person's evidence is the logarithm of their speed less
the mean of everybody's logarithms. If speeds were log-normal and larger in those who speak, this would be proportional
to the log-likelihood ratio. The evidence is divided by its root mean square over the shot, so its scale stays the same
although grain, blocks and shaking make all speeds more alike. It is clipped, because one laugh is no speech. It is
weighted by the time since the sample before, and counts only while somebody is heard. A person who is out of sight gets
negative evidence.

**Turns.** Each sample is assigned to one person. The assignment maximises the sum of their evidence less a price for
each switch, and every turn holds at least a second of speech. This is a segmentation with minimum durations, which
dynamic programming over the samples of the whole shot solves exactly. The best sum that ends at sample t with person i
comes either from staying with i since t-1, or from switching to i at a sample s such that a second of speech has passed
from s to t. The price keeps chance evidence from causing a switch there and back. The method is the Viterbi algorithm
for a hidden semi-Markov model with minimum durations (Rabiner, 1989, section IV.D), with the evidence in place of
log-likelihoods.

**Pauses.** Nobody is heard between two words, and switching costs the same anywhere in the pause: the switch is moved
to just before the next word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from clipmill.contracts.documents import Word
from clipmill.renderer.seeing.survey import SurveyedShot
from clipmill.renderer.seeing.tracking import Track

LEVELS_PER_SECOND = 100
"""Levels of the sound per second."""

WORD_PAUSE_SECONDS = 0.25
"""Longest gap between words that does not count as a pause: the times of words are only this exact."""

LEAST_VOICE_DB = -50.0
"""Lowest level of a voice, in dBFS, however low the noise is."""

VOICE_ABOVE_NOISE = 0.5
"""Threshold of voice, as a share of the range in dB from the noise (10th percentile of levels) to the loud (95th)."""

LEAST_VOICE_RANGE_DB = 6.0
"""Range of levels below which a sound is one steady noise or tone, and no speech."""

LEAST_TURN_SECONDS = 1.0
"""Speech that a turn must hold before the next one may begin."""

SWITCH_PRICE = 0.27
"""Price of a switch: evidence of 0.27 for one second. A listener who yawns for a second does not get the picture."""

LEAST_EVIDENCE = 0.13
"""Mean evidence of the chosen people, while somebody is heard, below which nobody stands out.

In the five two-shots of the development corpus' interview it was 0.29 to 0.38, in grain and flicker down to 0.14.
Two listeners put side by side had 0.06 to 0.11 (median, by length; at most 0.17). Two speakers side by side had
0.17 to 0.19 (at most 0.28) by the choice alone: people who talk at once mostly do get turns, because no bound of
this measure separates them from one speaker in grain."""

MOST_EVIDENCE = 0.65
"""Largest evidence of a sample, for or against a person."""

USUAL_EVIDENCE = 0.5
"""Root mean square to which the evidence is scaled."""

LEAST_DIFFERENCE = 0.1
"""Root mean square of the logarithms below which mouths move alike and give no evidence."""

STILL = 0.01
"""Face widths per second added to all speeds, which makes smaller differences count little."""

OUT_OF_SIGHT_SECONDS = 1.0
"""Time for which a mouth that was not measured counts neither for nor against a person."""

LEAD_SECONDS = 0.12
"""Time from a switch in a pause to the next word: the eye is there when the mouth opens."""

Floats = npt.NDArray[np.float64]
Frames = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Turn:
    """A time in which one person speaks, with the pauses until the next turn.

    Attributes:
        first: First frame, counted from the clip's start.
        last: Last frame, counted the same way and included.
        track: Number of the person's track within the shot.
    """

    first: int
    last: int
    track: int


def voiced(words: Sequence[Word], levels_db: Floats, rate: float, frames: int) -> Frames:
    """Return for each frame whether somebody is heard to speak, by the words or, without words, by the sound.

    Args:
        words: Words, with times in seconds of the clip.
        levels_db: Levels of the clip's sound, RMS of every 10 ms, in dBFS.
        rate: Frames per second.
        frames: Number of the clip's frames.
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
    """Return the turns of the speakers, which cover the shot without gaps; none where no speaker stands out.

    Args:
        shot: Shot that the people are in.
        people: People who may be speaking.
        voiced: True for each frame of the clip at which somebody is heard.
        rate: Frames per second.
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
    """Return how long each person was heard to speak, in seconds, by the number of the track.

    A person alone in the shot is taken for the speaker. Where no mouth stands out, nobody has spoken.

    Args:
        shot: Shot that the people are in.
        people: People who may be speaking.
        voiced: True for each frame of the clip at which somebody is heard.
        rate: Frames per second.
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
    """Return the samples' frames, their evidence (samples by people) and the speech heard at each, both in seconds."""
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
    """Return the evidence (samples by people) in mouths' speeds, NaN where unknown, 0 without others to compare."""
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
        evidence: Evidence, samples by people.
        heard: Speech at each sample, in seconds.
    """
    count, people = evidence.shape
    sums = np.concatenate([np.zeros((1, people)), np.cumsum(evidence, axis=0)])
    clock = np.concatenate([[0.0], np.cumsum(heard)])
    # enters[t]: the latest first sample of a turn whose last sample is t; -1 for none
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
    """Return the first frame of a turn that begins between two samples: near the end of the pause there, if any."""
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
