"""The material that clips are picked from, read once from the documents of a job."""

import copy
import math

from clipmill.analyzer.talk.audience import Audience
from clipmill.analyzer.talk.boundaries import ADDED_SILENCE_MS, Boundaries
from clipmill.analyzer.talk.guesses import captions_for, certainty, mostly_guesses
from clipmill.analyzer.talk.sentences import reach_of, sentences_of, single_words, words_of
from clipmill.analyzer.talk.site_marks import chapters_in, replays_of
from clipmill.analyzer.talk.sound.delivery import speakers_of
from clipmill.analyzer.talk.sound.reactions import reactions_of
from clipmill.analyzer.talk.sound.songs import outside, songs_in
from clipmill.analyzer.talk.source_parts import cuts_in, transcript_part, whole_sentences
from clipmill.analyzer.talk.subject import Subject
from clipmill.analyzer.talk.titles import human_title, title_from
from clipmill.analyzer.talk.windows import Lengths
from clipmill.contracts.documents import MediaFacts, Scenes, Transcript
from clipmill.contracts.options import CLIPS_LIMIT, CaptionStyle, JobOptions
from clipmill.contracts.source_range import SourceRange, used_range

FEWEST_CLIPS = 2
"""Number of clips that a job which leaves the number open gets wherever so many fit."""

CLIPS_A_MINUTE = 2
"""Most clips for each minute of a source, if the job leaves the number open: half a minute each, without a gap."""


class Material:
    """The material that clips are picked from: a source, or the part of it that the job uses.

    All times count from the start of that part, `offset_ms` milliseconds after that of the source.

    Args:
        media: Facts about the source.
        transcript: Transcript of the source, or of the part alone, with the times of the source.
        scenes: Shots of the source.
        options: Options of the job.
        audience: Learned model of what audiences react to, None to do without.

    Raises:
        Permanent: with `bad_range` if the source lacks the part.
    """

    def __init__(
        self,
        media: MediaFacts,
        transcript: Transcript,
        scenes: Scenes,
        options: JobOptions,
        audience: Audience | None = None,
    ) -> None:
        self.audience = audience
        self.name = title_from(media.title) or media.stem
        self.title = title_from(human_title(media.title))
        part = used_range(options, media.duration)
        self.whole = part == SourceRange(0.0, media.duration)
        if options.end is None:
            part = SourceRange(part.start, reach_of(transcript, media.duration))
        self.offset_ms = part.start_ms
        self.duration_ms = int(part.end * 1000) if self.whole else part.end_ms - part.start_ms
        self.duration = part.end if self.whole else self.duration_ms / 1000
        self.unknown = bool(transcript.language) and not transcript.segments
        transcript = transcript if self.whole else transcript_part(transcript, part)
        self.unknown = self.unknown or (options.transcript and not transcript.segments)
        self.transcript = transcript
        self.language = transcript.language
        self.options = options
        self.subject = Subject.of(options)
        self.lengths = Lengths.of(options.clip_min_seconds, options.clip_max_seconds)
        self.cuts = [shot.start for shot in scenes.shots[1:]] if self.whole else cuts_in(scenes, part)
        self.levels = transcript.levels
        self.reactions = reactions_of(transcript.sounds)
        self.replays = replays_of(media.heatmap, part.start, self.duration)
        self.chapters = chapters_in(media.chapters, part.start, self.duration_ms)
        self.heard = words_of(transcript, self.duration)
        self.words = self.heard
        self.certainty = certainty(transcript, self.heard)
        self.captions = captions_for(options.captions, self.certainty, unknown=self.unknown)
        self.sentences = sentences_of(self.words, language=self.language)
        self.songs = songs_in(self.sentences, self.words, transcript.sounds)
        if self.songs:
            self.words = outside(self.words, self.songs)
            self.sentences = sentences_of(self.words, language=self.language)
        if self.sentences and not self.whole:
            self._leave_out_fragments(begun=part.start > 0, goes_on=part.end < media.duration)
        self.in_words = False
        self.boundaries = self._boundaries(ADDED_SILENCE_MS)
        self.windows = self.boundaries.windows()
        if self.words and not self.windows and not self.too_short:
            # Every sentence stands alone, far from the others. A clip with much silence is better than none.
            self.boundaries = self._boundaries(None)
            self.windows = self.boundaries.windows()
        if self.words and not self.windows and not self.too_short:
            # No run of whole sentences has an allowed length. A clip that begins in mid-sentence is better than none.
            self.in_words = True
            self.sentences = single_words(self.words)
            self.boundaries = self._boundaries(None)
            self.windows = self.boundaries.windows(most=1)
        self.speakers = speakers_of(transcript, self.sentences)

    @property
    def readable(self) -> bool:
        """True if there are whole sentences that are known, which a model can read and choose from."""
        return bool(self.windows) and not self.in_words and not self.guessed

    @property
    def guessed(self) -> bool:
        """True if most words are guesses and the job names no style that draws them, so no text is made of them."""
        return self.captions.style is CaptionStyle.OFF and mostly_guesses(self.certainty)

    @property
    def too_short(self) -> bool:
        """True if the source, or the part of it that the job uses, is shorter than the shortest clip."""
        return self.duration_ms < self.lengths.shortest_ms

    @property
    def most_clips(self) -> int:
        """Largest number of clips of the job: as many as it asked for, or two a minute if it leaves the number open."""
        open_number = max(FEWEST_CLIPS, math.ceil(self.duration / 60 * CLIPS_A_MINUTE))
        return self.options.target_clips or min(open_number, CLIPS_LIMIT)

    @property
    def speech_room(self) -> int:
        """Number of clips with speech that the job can have: `most_clips`, or as many as fit into the source."""
        ends = sorted(self.windows, key=lambda window: (window.end_ms, window.start_ms))
        room, reached = 0, 0
        for window in ends:
            if window.start_ms >= reached:
                room, reached = room + 1, window.end_ms
        return min(room, self.most_clips)

    def without_audience(self) -> "Material":
        """Return the same material without what is known of its audience: learned, heard, and replayed.

        Its windows stay as they are, with the reactions that they end with.
        """
        other = copy.copy(self)
        other.audience = other.replays = None
        other.reactions = []
        return other

    def text(self, first: int, last: int) -> str:
        """Return the text of the sentences from `first` to `last`."""
        return " ".join(sentence.text for sentence in self.sentences[first : last + 1])

    def _leave_out_fragments(self, *, begun: bool, goes_on: bool) -> None:
        kept = whole_sentences(self.sentences, self.duration, begun=begun, goes_on=goes_on)
        if len(kept) < len(self.sentences):
            self.words = [word for word in self.words if kept[0].start <= word.start and word.end <= kept[-1].end]
            self.sentences = sentences_of(self.words, language=self.language)

    def _boundaries(self, added_silence_ms: int | None) -> Boundaries:
        return Boundaries(
            self.sentences,
            self.cuts,
            self.duration,
            self.lengths,
            added_silence_ms,
            levels=self.levels,
            reactions=self.reactions,
            songs=self.songs,
        )
