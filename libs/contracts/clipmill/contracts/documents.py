"""The documents that stages leave in the artifact store for one another. All times are seconds of the source.

Words, shots and clips count from the presentation of the first video frame. The remux gives this frame the time stamp
zero.
"""

from enum import StrEnum

from clipmill.contracts.options import CaptionStyle, JobOptions
from clipmill.contracts.sounds import Sounds
from msgspec import Struct


class Origin(StrEnum):
    """The origin of a source."""

    UPLOAD = "upload"
    URL = "url"
    YOUTUBE = "youtube"


class VideoFacts(Struct, frozen=True, kw_only=True):
    """The video stream of a source.

    Attributes:
        codec: FFmpeg's codec name, such as `h264`.
        width: Width of the upright picture, in square pixels.
        height: Height of the upright picture, in square pixels.
        rotation: Clockwise turn that a player gives the coded picture, in degrees: 0, 90, 180 or 270.
        frame_rate: Average number of frames per second.
        pixel_format: FFmpeg's name, such as `yuv420p`.
    """

    codec: str
    width: int
    height: int
    rotation: int = 0
    frame_rate: float = 0.0
    pixel_format: str = ""


class AudioFacts(Struct, frozen=True, kw_only=True):
    """The audio stream that players choose first.

    Attributes:
        codec: FFmpeg's codec name, such as `aac`.
        sample_rate: Sample rate, in Hz.
        channels: Number of channels.
        index: Index of the stream in the container.
    """

    codec: str
    sample_rate: int
    channels: int
    index: int = 1


class HeatPoint(Struct, frozen=True, kw_only=True):
    """A part of the curve that shows how often the parts of a video are replayed.

    Attributes:
        start: Start, in seconds.
        end: End, in seconds, later than `start`.
        value: Replays, from 0 to 1, compared with the most replayed part of the video.
    """

    start: float
    end: float
    value: float


class Chapter(Struct, frozen=True, kw_only=True):
    """A chapter that the owner of a video has marked.

    Attributes:
        start: Start, in seconds.
        end: End, in seconds, later than `start`.
        title: Title, unchanged but for its length and without control characters; anybody may have written it.
    """

    start: float
    end: float
    title: str = ""


class MediaFacts(Struct, frozen=True, kw_only=True):
    """`media.json`: the facts about the source that the downloader stored.

    Attributes:
        stem: Name of the source, reduced to ASCII letters, digits, `-` and `_`. Names of clip files start with it.
        title: Title that the owner gave the source, unchanged.
        container: Format of the artifact `source`: `mp4` or `mkv`.
        duration: Duration of the picture, in seconds.
        size_bytes: Size of the artifact `source`, in bytes.
        origin: Origin of the source.
        video: Video stream.
        audio: Audio stream, None if the source has none.
        heatmap: Curve of replays at the source's site, in order of time without overlap, at most 200 parts; empty if
            the site has none, for uploads, and in facts of older versions.
        chapters: Chapters in order of time without overlap, at most 500; empty if the source has none.
    """

    stem: str
    title: str
    container: str
    duration: float
    size_bytes: int
    origin: Origin
    video: VideoFacts
    audio: AudioFacts | None = None
    heatmap: tuple[HeatPoint, ...] = ()
    chapters: tuple[Chapter, ...] = ()


class Word(Struct, frozen=True, kw_only=True):
    """One spoken word.

    Attributes:
        text: Word as it is written, with punctuation and without surrounding blanks.
        start: Start, in seconds.
        end: End, in seconds, later than `start`.
        score: Confidence of the recogniser, from 0 to 1.
    """

    text: str
    start: float
    end: float
    score: float = 1.0


class Segment(Struct, frozen=True, kw_only=True):
    """A piece of speech, about as long as a sentence. Its words are inside it, in order, without overlap.

    Attributes:
        text: Text of all words.
        start: Start, in seconds.
        end: End, in seconds, later than `start`.
        words: Words of the segment; empty if only the times of the segment are known.
        speaker: Label of the speaker, such as `A`; empty if the speakers were not separated.
    """

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    speaker: str = ""


GIVEN = "given"
"""Name of the engine in a transcript that the submitter gave."""


class EngineFacts(Struct, frozen=True, kw_only=True):
    """The engine that produced a transcript.

    Attributes:
        name: Name of the engine, such as `faster-whisper`; `whisperx` if its alignment gave the times of the words; or
            `GIVEN`.
        model: Name of the model; empty if no speech was recognised.
        device: `cpu` or `cuda`; empty if no speech was recognised.
        compute_type: Number format of the computation, such as `int8` or `float16`.
        word_times: Source of the word times: `alignment`, `attention`, or, of a given transcript, `file` or
            `proportion`.
        certainty: Mean score that the recogniser gave the words before an alignment model gave them scores for their
            places, weighted by letters, with each repeated phrase counted once; None if the words have the recogniser's
            scores or none, and in transcripts of older versions.
    """

    name: str
    model: str
    device: str
    compute_type: str
    word_times: str
    certainty: float | None = None


class Transcript(Struct, frozen=True, kw_only=True):
    """`transcript.json`: the speech of the source with its times.

    Attributes:
        language: ISO 639-1 code, empty if nobody speaks or a given transcript does not name it.
        duration: Duration of the transcribed audio, in seconds.
        segments: Segments in order of time; empty if nobody speaks.
        engine: Engine that produced the transcript, None if there was no audio.
        levels: Mean power of each second from second 0 on, in whole dBFS, -90 for silence and before the part of the
            source that is used; empty if there was no audio or nobody measured it.
        sounds: Sounds of the room, None if there was no audio, no model to hear them, or in transcripts of older
            versions.
    """

    language: str
    duration: float
    segments: tuple[Segment, ...] = ()
    engine: EngineFacts | None = None
    levels: tuple[int, ...] = ()
    sounds: Sounds | None = None


class Shot(Struct, frozen=True, kw_only=True):
    """An uninterrupted take: from the time of its first frame to that of the next shot's first frame.

    Attributes:
        start: Start, in seconds: the middle of a dissolve from the shot before, or of the dark or white part of a fade.
        end: End, in seconds: the start of the next shot, or the end of the video.
        transition: Duration of the change from the shot before, in seconds, about half of it before `start`; 0 for a
            cut and for the first shot.
    """

    start: float
    end: float
    transition: float = 0.0


class Scenes(Struct, frozen=True, kw_only=True):
    """`scenes.json`: the shots of the source, in order, without gaps; a video without a cut is one shot.

    Attributes:
        shots: Shots of the source, at least one.
        detector: Name of the detector that found them.
        frame_rate: Average number of frames per second.
        note: Line about the search for the job's log, such as the reason why it took longer; empty for no line.
    """

    shots: tuple[Shot, ...]
    detector: str
    frame_rate: float
    note: str = ""


class ScorePart(Struct, frozen=True, kw_only=True):
    """One part of a clip's score.

    Attributes:
        name: Name of the evidence, for machines, such as `audience`; docs/scores.md explains each.
        points: Points that it adds to the score; negative if it speaks against the clip.
    """

    name: str
    points: int


class PlannedClip(Struct, frozen=True, kw_only=True):
    """One clip to render, with everything that is published about it.

    Attributes:
        number: Rank of the clip from 1, the best score first; it is part of the file name.
        start: Start in the source, in seconds.
        end: End in the source, in seconds, later than `start`.
        title: Title of the clip.
        tiktok: Caption for TikTok with hashtags, at most 2,200 characters.
        instagram: Caption for Instagram with at most 5 hashtags, at most 2,200 characters.
        youtube: Title for YouTube Shorts, at most 100 characters.
        score: Virality, from 0 to 100.
        reason: Reason for the choice, for people who read the plan.
        quote: Sentence that says most about the clip, as it is said; empty if nobody speaks.
        parts: Parts that sum to the score; empty in plans of older versions.
        fade_in: Time over which the sound comes up, in seconds, because people still laugh or applaud under the first
            word; 0 for none.
        fade_out: Time at the end over which the sound of a laugh or applause dies away, in seconds; 0 for none.
    """

    number: int
    start: float
    end: float
    title: str
    tiktok: str
    instagram: str
    youtube: str
    score: int
    reason: str = ""
    quote: str = ""
    parts: tuple[ScorePart, ...] = ()
    fade_in: float = 0.0
    fade_out: float = 0.0


class Cost(Struct, frozen=True, kw_only=True):
    """The cost of choosing the moments.

    Attributes:
        total_usd: Total, in US dollars.
        provider_calls: Number of requests to a paid model.
        estimated: True if the price is a guess because the model is not in the price table.
    """

    total_usd: float = 0.0
    provider_calls: int = 0
    estimated: bool = False


class CaptionDecision(Struct, frozen=True, kw_only=True):
    """The captions that a job's clips get.

    Attributes:
        style: Style that is drawn, or `off`; never `auto`.
        reason: Reason for people, with the remedy if there is one; empty if the job names the style.
    """

    style: CaptionStyle
    reason: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """`plan.json`: the clips of a job, best score first, never overlapping; empty only if none is about the subject.

    Attributes:
        clips: Clips in the order in which they are rendered.
        reserve: Further moments, best first, whose numbers continue those of the clips; they are rendered on demand.
        picker: Name of the model that chose the clips, or `local`.
        cost: Cost of the choice.
        options: Options of the job.
        note: Line about the choice for the job's log, such as the reason why it was made locally; empty for no line.
        good: Number of good moments, those above the bar or about the job's subject, which are the first of clips and
            reserve; None in plans of older versions.
        captions: Captions of the clips and of the reserve; None in plans of older versions, which always draw the
            job's style.
    """

    clips: tuple[PlannedClip, ...]
    picker: str
    cost: Cost = Cost()
    options: JobOptions = JobOptions()
    note: str = ""
    reserve: tuple[PlannedClip, ...] = ()
    good: int | None = None
    captions: CaptionDecision | None = None


class ShotFacts(Struct, frozen=True, kw_only=True):
    """The layout of one shot of a clip.

    Attributes:
        start: Start of the shot, in seconds from the clip's start.
        end: End of the shot, in seconds from the clip's start.
        layout: `track`, `split` or `fit`.
        reason: Evidence for the layout, in words.
    """

    start: float
    end: float
    layout: str
    reason: str = ""


class ClipFacts(Struct, frozen=True, kw_only=True):
    """`clips/<n>/clip.json`: the facts about a rendered clip, stored after the files that they describe.

    Attributes:
        number: Rank of the clip.
        duration: Duration of the rendered file, in seconds.
        width: Width, in pixels.
        height: Height, in pixels.
        frames: Number of video frames.
        size_bytes: Size of `clip.mp4`, in bytes.
        shots: Shots of the clip in order, with their layouts.
        encoder: Name of the video encoder.
        loudness_lufs: Integrated loudness of the decoded AAC sound, in LUFS (EBU R 128); None for silence.
        true_peak_dbtp: True peak of the decoded AAC sound, in dBTP; None for silence.
        missing_letters: Letters of the words and the title that no font has; the picture does not show them.
        unshaped: True if letters are not joined or ordered as their script requires because FriBidi is missing.
        sound_reduced: True if only one channel of the source's sound could be used, or none.
    """

    number: int
    duration: float
    width: int
    height: int
    frames: int
    size_bytes: int
    shots: tuple[ShotFacts, ...] = ()
    encoder: str = ""
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    missing_letters: str = ""
    unshaped: bool = False
    sound_reduced: bool = False
