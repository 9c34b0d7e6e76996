"""The material: what there is to pick clips from, read once from the documents of a job."""

from clipmill.analyzer.talk.boundaries import ADDED_SILENCE_MS, Boundaries
from clipmill.analyzer.talk.sentences import sentences_of, single_words, words_of
from clipmill.analyzer.talk.sound_features import speakers_of
from clipmill.analyzer.talk.titles import title_from
from clipmill.analyzer.talk.windows import Lengths
from clipmill.contracts.documents import MediaFacts, Scenes, Transcript
from clipmill.contracts.options import JobOptions


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
        self.transcript = transcript
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
        self.boundaries = self._boundaries(ADDED_SILENCE_MS)
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

    def _boundaries(self, added_silence_ms: int | None) -> Boundaries:
        return Boundaries(self.sentences, self.cuts, self.duration, self.lengths, added_silence_ms)
