"""Lays passages out as talks with times, loudness and cuts; the same seed gives the same talk.

A talk is an opening, four highlights with filler before, between and after them, and a closing, as in the development
corpus: 18 s to 30 s a highlight, two to three minutes in all. Picture and sound give only weak hints at the highlights:
speakers raise their voice at half of the highlights and at some of the filler. Half of the talks are a single shot, the
others are cut at half of the boundaries between passages and now and then elsewhere. Half of the talks pause longer
between passages, the others nowhere.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clipmill.contracts.documents import MediaFacts, Origin, Scenes, Segment, Shot, Transcript, VideoFacts, Word

from talks.passages import OTHERS, Group, Passage, groups

HIGHLIGHTS = 4
TALKS_A_GROUP = 4
FILLERS_BETWEEN = (1, 1, 1, 2, 3, 4)
ROOM_TONE_DBFS = -62.0
LETTERS_A_WORD = 5.0
FRAMES_A_SECOND = 25


@dataclass(frozen=True)
class Planted:
    """A highlight in a talk, with its times in seconds."""

    start: float
    end: float
    form: str = ""


@dataclass(frozen=True)
class Talk:
    """A talk as the documents of a job, and the highlights planted in it."""

    name: str
    group: str
    media: MediaFacts
    transcript: Transcript
    scenes: Scenes
    planted: tuple[Planted, ...]


def talks(rounds: int = TALKS_A_GROUP) -> list[Talk]:
    """Return `rounds` talks of each group."""
    return [talk(group, number) for group in groups() for number in range(rounds)]


def numbered_talk(number: int) -> Talk:
    """Return a talk by its number, which goes round the groups."""
    return talk(groups()[number % len(groups())], number // len(groups()))


def talk(group: Group, number: int) -> Talk:
    """Return one talk of `group`; two in a row share no highlight where the group has enough."""
    deal = random.Random(f"{group.name} {number // 2}")
    dealt = deal.sample(group.highlights, len(group.highlights))
    half = number % 2 * HIGHLIGHTS
    chance = random.Random(f"{group.name} {number} laid out")
    return _laid_out(
        f"{group.name}-{number}", group.name, _ordered(group, dealt[half : half + HIGHLIGHTS], chance), chance
    )


def _ordered(group: Group, highlights: Sequence[Passage], chance: random.Random) -> list[Passage]:
    fillers = chance.sample(group.of("filler"), len(group.of("filler")))
    hard = chance.sample(group.of("hard"), len(group.of("hard")))
    order = [chance.choice(group.of("opening"))]
    for highlight in [*highlights, None]:
        # The number of fillers varies, so a picker gains nothing from even spacing.
        between = [fillers.pop() for _ in range(chance.choice(FILLERS_BETWEEN)) if fillers]
        if hard and chance.random() < 0.5:
            between.insert(chance.randint(0, len(between)), hard.pop())
        order += between
        if highlight is not None:
            order.append(highlight)
    return [*order, chance.choice(group.of("closing"))]


def _laid_out(name: str, group: str, order: Sequence[Passage], chance: random.Random) -> Talk:
    words_a_second = chance.uniform(2.5, 3.0)
    pauses_between, single_shot = chance.random() < 0.5, chance.random() < 0.5
    base = {speaker: chance.uniform(-26.0, -18.0) for speaker in ("", "A", "B")}
    segments: list[Segment] = []
    loudness: list[float] = []
    planted: list[Planted] = []
    cuts: list[float] = []
    time = chance.uniform(0.3, 1.0)
    for passage in order:
        highlight = passage.kind not in OTHERS
        raised = chance.gauss(3.0, 1.5) if chance.random() < (0.5 if highlight else 0.2) else 0.0
        if segments:
            longer = chance.uniform(0.2, 0.9) if pauses_between else 0.0
            gap = chance.uniform(0.25, 0.5) + longer
            if not single_shot and chance.random() < 0.5:
                cuts.append(time + gap * chance.uniform(0.2, 0.8))
            time += gap
        first = len(segments)
        for said in passage.sentences:
            if len(segments) > first:
                time += chance.uniform(0.25, 0.5)
            segments.append(_spoken(said.text, said.speaker, time, words_a_second * chance.uniform(0.92, 1.08)))
            loudness.append(base[said.speaker] + raised + chance.gauss(0.0, 1.2))
            if not single_shot and chance.random() < 0.08:
                cuts.append(chance.uniform(time, segments[-1].end))
            time = segments[-1].end
        if highlight:
            planted.append(Planted(segments[first].start, time, passage.kind))
    duration = round(time + chance.uniform(0.5, 1.5), 3)
    edges = [0.0, *(round(cut * FRAMES_A_SECOND) / FRAMES_A_SECOND for cut in cuts), duration]
    return Talk(
        name=name,
        group=group,
        media=MediaFacts(
            stem=name, title=name, container="mp4", duration=duration, size_bytes=1, origin=Origin.UPLOAD,
            video=VideoFacts(codec="h264", width=1280, height=720),
        ),
        transcript=Transcript(
            language="en", duration=duration, segments=tuple(segments), levels=_levels(segments, loudness, duration)
        ),
        scenes=Scenes(
            shots=tuple(Shot(start=one, end=other) for one, other in pairwise(edges)),
            detector="none", frame_rate=FRAMES_A_SECOND,
        ),
        planted=tuple(planted),
    )  # fmt: skip


def _spoken(text: str, speaker: str, start: float, words_a_second: float) -> Segment:
    words: list[Word] = []
    time = start
    for word in text.split():
        end = time + max(len(word), 2) / LETTERS_A_WORD / words_a_second
        words.append(Word(text=word, start=round(time, 3), end=round(end, 3)))
        time = end
    return Segment(text=text, start=words[0].start, end=words[-1].end, words=tuple(words), speaker=speaker)


def _levels(segments: Sequence[Segment], loudness: Sequence[float], duration: float) -> tuple[int, ...]:
    """Return the mean power of the speech and the room tone in each second, in whole dBFS."""
    powers = [10 ** (ROOM_TONE_DBFS / 10)] * (int(duration) + 1)
    for segment, level in zip(segments, loudness, strict=True):
        for second in range(int(segment.start), int(segment.end) + 1):
            shared = min(segment.end, second + 1) - max(segment.start, second)
            powers[second] += max(shared, 0.0) * 10 ** (level / 10)
    return tuple(round(10 * math.log10(power)) for power in powers)
