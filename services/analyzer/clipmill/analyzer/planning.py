"""From documents to a plan: what there is to pick from, what is picked locally, and how a plan is put together."""

from collections.abc import Sequence

from clipmill.analyzer.picking.local_picker import Evidence, LocalPicker, evidence_of
from clipmill.analyzer.picking.reasons import reason_of
from clipmill.analyzer.picking.wordless import Wordless
from clipmill.analyzer.talk.boundaries import STRETCH_MS, Boundaries, Lengths, Window, milliseconds
from clipmill.analyzer.talk.sentences import sentences_of, single_words, words_of
from clipmill.analyzer.talk.sound_features import speakers_of
from clipmill.analyzer.talk.titles import Hashtags, caption_of, title_from
from clipmill.contracts.documents import MediaFacts, PlannedClip, Scenes, Transcript
from clipmill.contracts.options import JobOptions
from msgspec import Struct
from msgspec.structs import replace

MIDDLE_SCORE = 50
SCORE_PER_DEVIATION = 14
"""A local score says by how many standard deviations a window stands above all windows of its talk: 50 is the mean,
the best of a talk come to 75 to 95."""

HIGHEST_LOCAL_SCORE = 98

WORDLESS_SCORE = 30
"""Score of a clip without speech that is like the rest of its source; speech says more."""

WORDLESS_SCORE_PER_VALUE = 15
WORDLESS_SCORE_LIMIT = 60


class Moment(Struct, frozen=True, kw_only=True):
    """A clip that may become part of a plan."""

    window: Window
    title: str
    tiktok: str
    instagram: str
    youtube: str
    score: int
    reason: str = ""


class Material:
    """What there is to pick from.

    Args:
        media: facts of the source.
        transcript: what is said in it.
        scenes: its shots.
        options: what the job asked for.
    """

    def __init__(self, media: MediaFacts, transcript: Transcript, scenes: Scenes, options: JobOptions) -> None:
        self.name = title_from(media.title) or media.stem
        self.language = transcript.language
        self.options = options
        self.lengths = Lengths.of(options.clip_min_seconds, options.clip_max_seconds)
        self.duration = media.duration
        self.duration_ms = int(media.duration * 1000)
        self.cuts = [shot.start for shot in scenes.shots[1:]]
        self.levels = transcript.levels
        self.words = words_of(transcript, media.duration)
        self.sentences = sentences_of(self.words)
        self.in_words = False
        self.boundaries = self._boundaries(STRETCH_MS)
        self.windows = self.boundaries.windows()
        if self.words and not self.windows and not self.too_short:
            # Only single remarks, far apart: rather a clip with much silence than none.
            self.boundaries = self._boundaries(None)
            self.windows = self.boundaries.windows()
        if self.words and not self.windows and not self.too_short:
            # No run of whole sentences has a length in the range: rather a clip between words than none.
            self.in_words = True
            self.sentences = single_words(self.words)
            self.boundaries = self._boundaries(None)
            self.windows = self.boundaries.windows(most=1)
        self.speakers = speakers_of(transcript, self.sentences)

    @property
    def readable(self) -> bool:
        """Whether there are whole sentences to choose among, for a model that reads."""
        return bool(self.windows) and not self.in_words

    @property
    def too_short(self) -> bool:
        """Whether the whole source is shorter than a clip may be."""
        return self.duration_ms < self.lengths.shortest_ms

    @property
    def speech_room(self) -> int:
        """How many clips with speech the job can have: what it asked for, or as many as there is room for."""
        ends = sorted(self.windows, key=lambda window: (window.end_ms, window.start_ms))
        room, reached = 0, 0
        for window in ends:
            if window.start_ms >= reached:
                room, reached = room + 1, window.end_ms
        return min(room, self.options.target_clips)

    def text(self, first: int, last: int) -> str:
        """Return what the sentences from `first` to `last` say."""
        return " ".join(sentence.text for sentence in self.sentences[first : last + 1])

    def titled(self, text: str) -> str:
        """Return `text`, which somebody says, as a title; the source's own where nothing is left of it."""
        return title_from(text, spoken_in=self.language) or self.name

    def _boundaries(self, stretch_ms: int | None) -> Boundaries:
        return Boundaries(self.sentences, self.cuts, self.duration, self.lengths, stretch_ms)


def pick_locally(material: Material, taken: Sequence[Moment] = ()) -> list[Moment]:
    """Return the moments that a job still needs, without asking any model; never overlapping, never none.

    Args:
        material: what to pick from.
        taken: moments that the plan has already; the new ones keep clear of them and score below them.
    """
    wanted = material.options.target_clips - len(taken)
    if material.too_short:
        return [] if taken else [_whole(material)]
    busy = [moment.window for moment in taken]
    moments = _spoken(material, wanted, busy)
    busy += [moment.window for moment in moments]
    moments += _wordless(material, wanted - len(moments), busy)
    if not moments and not taken:
        # Speech without a gap, whose words fit no allowed length: the length is what was asked for, so it decides.
        moments = _wordless(material, wanted, busy, over_speech=True)
    return _graded(moments, min((moment.score for moment in taken), default=101))


def _graded(moments: Sequence[Moment], ceiling: int) -> list[Moment]:
    """Return `moments` with scores below `ceiling`, no two of them equal while there is room above 0."""
    ranked = sorted(moments, key=lambda moment: (-moment.score, moment.window.start_ms))
    graded: list[Moment] = []
    for place, moment in enumerate(ranked):
        below = len(ranked) - 1 - place
        score = max(min(max(moment.score, below), ceiling - 1), 0)
        graded.append(replace(moment, score=score))
        ceiling = score
    return graded


def planned(moments: Sequence[Moment]) -> tuple[PlannedClip, ...]:
    """Return `moments` as the clips of a plan, the best score first, the earlier first among equals."""
    ranked = sorted(moments, key=lambda moment: (-moment.score, moment.window.start_ms))
    return tuple(
        PlannedClip(
            number=number,
            start=moment.window.start_ms / 1000,
            end=moment.window.end_ms / 1000,
            title=moment.title,
            tiktok=moment.tiktok,
            instagram=moment.instagram,
            youtube=moment.youtube,
            score=moment.score,
            reason=moment.reason,
        )
        for number, moment in enumerate(ranked, 1)
    )


def overlap(one: Window, other: Window) -> bool:
    """Tell whether two windows share any of the source."""
    return one.start_ms < other.end_ms and other.start_ms < one.end_ms


def _spoken(material: Material, wanted: int, busy: Sequence[Window]) -> list[Moment]:
    windows = material.windows
    if not windows or wanted < 1:
        return []
    picker = LocalPicker(evidence_for(material))
    values = picker.valued(windows)
    free = [index for index, window in enumerate(windows) if not any(overlap(window, other) for other in busy)]
    chosen = picker.best([windows[index] for index in free], [values[index] for index in free], wanted)
    mean = sum(values) / len(values)
    deviation = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5 or 1.0
    hashtags = Hashtags([sentence.text for sentence in material.sentences])
    moments: list[Moment] = []
    for index in (free[place] for place in chosen):
        window = windows[index]
        score = round(MIDDLE_SCORE + SCORE_PER_DEVIATION * (values[index] - mean) / deviation)
        strongest = material.sentences[picker.strongest(window)].text
        tags = hashtags.of(window.first, window.last)
        opening = material.sentences[window.first].text
        moments.append(
            Moment(
                window=window,
                title=material.titled(strongest),
                tiktok=caption_of(strongest, tags),
                instagram=caption_of(opening if opening == strongest else f"{opening} {strongest}", tags),
                youtube=material.titled(strongest),
                score=max(0, min(score, HIGHEST_LOCAL_SCORE)),
                reason=reason_of(picker.evidence, window),
            )
        )
    return moments


def evidence_for(material: Material) -> Evidence:
    """Return what the local picker can know about `material`."""
    return evidence_of(
        material.sentences,
        language=material.language,
        cuts=material.cuts,
        levels=material.levels,
        speakers=material.speakers,
    )


def _wordless(material: Material, wanted: int, busy: Sequence[Window], *, over_speech: bool = False) -> list[Moment]:
    """Return moments where nothing is said, chosen by sound and shots."""
    speech = [] if over_speech else [(milliseconds(word.start), milliseconds(word.end)) for word in material.words]
    blocked = sorted([*speech, *((window.start_ms, window.end_ms) for window in busy)])
    free = _gaps(blocked, material.duration_ms, material.lengths.shortest_ms)
    cuts = [milliseconds(cut) for cut in material.cuts]
    stretches = Wordless(material.levels, cuts, material.duration_ms).best(free, material.lengths, wanted)
    moments: list[Moment] = []
    for stretch in stretches:
        score = round(WORDLESS_SCORE + WORDLESS_SCORE_PER_VALUE * stretch.value)
        title = title_from(f"{material.name[:80]}, {_clock(stretch.window.start_ms)}")
        moments.append(
            Moment(
                window=stretch.window,
                title=title,
                tiktok=title,
                instagram=title,
                youtube=title,
                score=max(0, min(score, WORDLESS_SCORE_LIMIT)),
                reason=stretch.reason,
            )
        )
    return moments


def _whole(material: Material) -> Moment:
    """Return the whole source as one moment, for a source that is shorter than a clip should be."""
    title, tags = material.name, list[str]()
    if material.sentences:
        picker = LocalPicker(evidence_for(material))
        everything = Window(first=0, last=len(material.sentences) - 1, start_ms=0, end_ms=material.duration_ms)
        title = material.titled(material.sentences[picker.strongest(everything)].text)
        tags = Hashtags([sentence.text for sentence in material.sentences]).of(0, everything.last)
    return Moment(
        window=Window(first=0, last=len(material.sentences) - 1, start_ms=0, end_ms=material.duration_ms),
        title=title,
        tiktok=caption_of(title, tags),
        instagram=caption_of(title, tags),
        youtube=title,
        score=MIDDLE_SCORE,
        reason="The whole source: it is shorter than a clip should be.",
    )


def _gaps(blocked: Sequence[tuple[int, int]], duration: int, shortest: int) -> list[tuple[int, int]]:
    """Return the stretches of at least `shortest` that no interval of `blocked` (sorted) touches."""
    gaps: list[tuple[int, int]] = []
    reached = 0
    for start, end in [*blocked, (duration, duration)]:
        if start - reached >= shortest:
            gaps.append((reached, start))
        reached = max(reached, end)
    return gaps


def _clock(time_ms: int) -> str:
    minutes, seconds = divmod(time_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
