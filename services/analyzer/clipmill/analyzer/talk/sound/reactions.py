"""The audience as it is heard: where people laugh or applaud, and which sentence they react to.

Laughter, applause and cheers are reactions. Shouts are not, because the speaker may be the one who shouts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.windows import milliseconds
from clipmill.contracts.sounds import SOUND_SECONDS, Sounds
from msgspec import Struct
from msgspec.structs import replace

AUDIBLE = 98
"""Score from which a half second is a reaction. In speech it finds 93 % of laughs with 0.01 false ones a minute, and
67 % of applause and cheers with 0.04 (docs/decisions/0011-hear-the-room-with-yamnet.md)."""

FADING = 92
"""Score down to which a reaction goes on before and after a half second of `AUDIBLE`. By itself it would give four
times as many false ones in the 15.6 minutes of speech, film and music of `FIRM_HALF_SECONDS`."""

FIRM_HALF_SECONDS = 2
"""Half seconds in a row that are `AUDIBLE` only if there is a reaction: 15.6 minutes of speech, film and music of games
without reactions have six that are `AUDIBLE`, but no two in a row."""

FIRM_SCORE = 110
"""Score that a half second has only if there is a reaction: the 15.6 minutes above reach 105, and of the laughs that
are `AUDIBLE` three of five have it."""

BRIEF_WEIGHT = 0.5
"""Weight of a reaction of a single half second: as many of them are false as there are real ones in a talk with a
laugh in five minutes."""

COURTESY_LOSS = 0.75
"""Share of the weight of applause that it loses where people applaud for thanks, a greeting or a name. Some is left,
because a lexicon decides what these are."""

EDGE_SECONDS = 0.25
"""Time by which a reaction begins after the start of its first half second, and stops before the end of its last one,
on average, in seconds."""

BREATH_SECONDS = 0.5
"""Longest pause in one reaction, in seconds: a half second in which people draw breath, or a word is louder."""

QUIET_SECONDS = 1.5
"""Time that a sentence must have been spoken for before a reaction is one to it, in seconds; a reaction that comes
sooner is one to the sentence before. A reaction under speech is often heard a second late."""

LATE_SECONDS = 2.5
"""Time after a sentence up to which a reaction can belong to a clip that ends with it, and up to which such a clip can
go on for the reaction, in seconds."""

WORD_ROOM_MS = 150
"""Room that a clip which goes on for a reaction leaves before the next word, in milliseconds, because recognisers often
place words late."""

LATEST_SECONDS = 4.0
"""Time after a sentence up to which a reaction is one to it at all, in seconds."""


class Reaction(Struct, frozen=True, kw_only=True):
    """One reaction of the audience.

    Attributes:
        start: Start, in seconds, to a half second.
        end: End, in seconds, to a half second.
        applause: True for applause and cheers, False for what begins with laughter.
        weight: Weight as evidence, from 0 to 1.
    """

    start: float
    end: float
    applause: bool
    weight: float = 1.0

    @property
    def onset(self) -> float:
        """Likeliest time at which people began to react, in seconds."""
        return self.start + EDGE_SECONDS

    @property
    def offset(self) -> float:
        """Likeliest time at which people had stopped, in seconds."""
        return max(self.end - EDGE_SECONDS, self.onset)


class Heard(Struct, frozen=True, kw_only=True):
    """The reactions to the sentences of a talk, by the index of the sentence.

    Attributes:
        prompt: Weight of the reactions that a clip has if it ends with the sentence, or later.
        late: Weight of the reactions to the sentence before, so late that a clip has them only if it goes on.
        laughs: Number of laughs among all these reactions.
        applauses: Number of times that people applaud or cheer among them.
        interrupted: True if people still react to the sentence before when this one begins.
    """

    prompt: Sequence[float]
    late: Sequence[float]
    laughs: Sequence[int]
    applauses: Sequence[int]
    interrupted: Sequence[bool]


class NoisyPause(Struct, frozen=True, kw_only=True):
    """The reactions in the pause before a sentence, or after the last one, as far as they matter to clips.

    Attributes:
        kept_ms: Time up to which a clip that ends before the pause goes on for its reaction, in milliseconds; 0 for
            none.
        quiet_ms: Time from which a clip that starts after the pause has no reaction to something else, but no later
            than its first word, in milliseconds; 0 if the pause has no reaction.
        interrupts: True if people still react when that word begins.
    """

    kept_ms: int = 0
    quiet_ms: int = 0
    interrupts: bool = False


def reactions_of(sounds: Sounds | None) -> list[Reaction]:
    """Return the reactions in a source, in order of time; none unless at least one of them is beyond doubt.

    Where nobody is heard to react clearly or for long, what sounds like a reaction once is a false alarm.

    Args:
        sounds: Sounds of the room, None if they are not known.
    """
    if sounds is None:
        return []
    cheers = sounds.cheering.ljust(len(sounds.applause), b"\0")
    applause = bytes(map(max, sounds.applause.ljust(len(cheers), b"\0"), cheers))
    found = [
        Reaction(
            start=first * SOUND_SECONDS,
            end=last * SOUND_SECONDS,
            applause=is_applause,
            weight=1.0 if firm else BRIEF_WEIGHT,
        )
        for is_applause, scores in ((False, sounds.laughter), (True, applause))
        for first, last, firm in _runs(scores)
    ]
    if all(reaction.weight < 1.0 for reaction in found):
        return []
    return _joined(sorted(found, key=lambda reaction: (reaction.start, reaction.end, reaction.applause)))


def _joined(reactions: Sequence[Reaction]) -> list[Reaction]:
    """Return `reactions` with those as one that overlap or nearly meet: people laugh, draw breath, and applaud."""
    joined: list[Reaction] = []
    for one in reactions:
        if joined and one.start - joined[-1].end <= BREATH_SECONDS:
            last = joined.pop()
            joined.append(replace(last, end=max(last.end, one.end), weight=max(last.weight, one.weight)))
        else:
            joined.append(one)
    return joined


def _runs(scores: bytes) -> list[tuple[int, int, bool]]:
    """Return the first half second of each reaction, the one after its last, and whether it is beyond doubt."""
    runs: list[tuple[int, int, bool]] = []
    place = 0
    while place < len(scores):
        first = place
        while place < len(scores) and scores[place] >= FADING:
            place += 1
        audible = [score >= AUDIBLE for score in scores[first:place]]
        if any(audible):
            in_a_row = (audible[at : at + FIRM_HALF_SECONDS] for at in range(len(audible) - FIRM_HALF_SECONDS + 1))
            firm = max(scores[first:place]) >= FIRM_SCORE or any(map(all, in_a_row))
            runs.append((first, place, firm))
        place += 1
    return runs


def heard_in(
    sentences: Sequence[Sentence], reactions: Sequence[Reaction], courtesy: Sequence[float] = ()
) -> Heard | None:
    """Return the reactions to each of `sentences`, None if nobody is heard to react to any.

    Args:
        sentences: Sentences of the talk.
        reactions: Reactions, in order of time.
        courtesy: Share of each sentence that greets, thanks and introduces, from 0 to 1, so that applause for it counts
            less; nothing if it is not known.
    """
    count = len(sentences)
    prompt, late = [0.0] * count, [0.0] * count
    laughs, applauses = [0] * count, [0] * count
    for reaction in reactions:
        to = answered(sentences, reaction)
        if to is None:
            continue
        kind = applauses if reaction.applause else laughs
        weight = reaction.weight
        if reaction.applause and courtesy:
            weight *= 1 - COURTESY_LOSS * min(max(courtesy[to], 0.0), 1.0)
        if reaction.onset - sentences[to].end <= LATE_SECONDS:
            prompt[to] += weight
            kind[to] += 1
        elif to + 1 < count:
            late[to + 1] += weight
            kind[to + 1] += 1
    if not any(laughs) and not any(applauses):
        return None
    interrupted = [pause.interrupts for pause in pauses_between(sentences, reactions, 0)[: len(sentences)]]
    return Heard(prompt=prompt, late=late, laughs=laughs, applauses=applauses, interrupted=interrupted)


def answered(sentences: Sequence[Sentence], reaction: Reaction) -> int | None:
    """Return the index of the sentence that people react to: the last one with enough said; None if it is too old."""
    to = bisect_left(sentences, reaction.onset - QUIET_SECONDS, key=lambda sentence: sentence.start) - 1
    return to if to >= 0 and reaction.onset - sentences[to].end <= LATEST_SECONDS else None


def pauses_between(sentences: Sequence[Sentence], reactions: Sequence[Reaction], duration_ms: int) -> list[NoisyPause]:
    """Return the pause before each of `sentences` and the one after the last.

    Args:
        sentences: Sentences of the talk.
        reactions: Reactions, in order of time.
        duration_ms: Length of the source, in milliseconds.
    """
    starts = [milliseconds(sentence.start) for sentence in sentences]
    ends = [0, *(milliseconds(sentence.end) for sentence in sentences)]
    pauses = [NoisyPause()] * len(ends)
    for reaction in reactions:
        onset, offset, end = (milliseconds(time) for time in (reaction.onset, reaction.offset, reaction.end))
        index = bisect_right(starts, onset)
        while index < len(ends) and end > ends[index]:
            speech_end, before = ends[index], pauses[index]
            start = starts[index] if index < len(starts) else duration_ms
            latest = min(end, speech_end + milliseconds(LATE_SECONDS), start - WORD_ROOM_MS * (index < len(starts)))
            earned = index > 0 and onset - speech_end <= milliseconds(LATE_SECONDS) and latest > speech_end
            pauses[index] = NoisyPause(
                kept_ms=max(before.kept_ms, latest) if earned else before.kept_ms,
                quiet_ms=max(before.quiet_ms, min(offset, start)),
                interrupts=before.interrupts or offset > start,
            )
            index += 1
    return pauses
