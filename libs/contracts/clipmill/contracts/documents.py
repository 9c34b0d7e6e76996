"""The documents that stages leave in the artifact store for one another. All times are seconds of the source.

Time zero is the first video frame's presentation, whatever time stamp the container gives it (the remux makes the two
the same): a word, a shot and a clip all count from there.
"""

from enum import StrEnum

from clipmill.contracts.options import JobOptions
from msgspec import Struct


class Origin(StrEnum):
    """Where a source came from."""

    UPLOAD = "upload"
    URL = "url"
    YOUTUBE = "youtube"


class VideoFacts(Struct, frozen=True, kw_only=True):
    """The video stream of a source.

    Attributes:
        codec: FFmpeg's codec name, such as `h264`.
        width: of the upright picture as shown with square pixels, pixels.
        height: likewise.
        rotation: degrees by which a player turns the coded picture clockwise: 0, 90, 180 or 270.
        frame_rate: average frames a second.
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
        sample_rate: Hz.
        channels: count.
        index: its index among the container's streams.
    """

    codec: str
    sample_rate: int
    channels: int
    index: int = 1


class MediaFacts(Struct, frozen=True, kw_only=True):
    """`media.json`: what the downloader found out about the source it stored.

    Attributes:
        stem: what the source is called, reduced to ASCII letters, digits, `-` and `_`; clip file names start with it.
        title: what its owner calls it, as found.
        container: `mp4` or `mkv`: what the artifact `source` is.
        duration: seconds of picture.
        size_bytes: of the artifact `source`.
        origin: where it came from.
        video: its video stream.
        audio: its audio stream, None if there is none.
    """

    stem: str
    title: str
    container: str
    duration: float
    size_bytes: int
    origin: Origin
    video: VideoFacts
    audio: AudioFacts | None = None


class Word(Struct, frozen=True, kw_only=True):
    """One spoken word as it is written, punctuation included, without surrounding blanks.

    Attributes:
        text: the word.
        start: seconds.
        end: seconds, later than `start`.
        score: how sure the recogniser is, 0 to 1.
    """

    text: str
    start: float
    end: float
    score: float = 1.0


class Segment(Struct, frozen=True, kw_only=True):
    """A stretch of speech, about a sentence; its words lie inside it, in order, without overlap.

    Attributes:
        text: all of its words.
        start: seconds.
        end: seconds, later than `start`.
        words: what it is made of; empty where only the segment's times are known.
        speaker: who says all of it, such as `A`; empty where speakers were not told apart.
    """

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()
    speaker: str = ""


class EngineFacts(Struct, frozen=True, kw_only=True):
    """What produced a transcript.

    Attributes:
        name: the engine, such as `whisperx`.
        model: the model's name.
        device: `cpu` or `cuda`.
        compute_type: such as `int8` or `float16`.
        word_times: where the word times came from: `alignment` or `attention`.
    """

    name: str
    model: str
    device: str
    compute_type: str
    word_times: str


class Transcript(Struct, frozen=True, kw_only=True):
    """`transcript.json`: what is said, and when.

    Attributes:
        language: ISO 639-1 code, empty where nothing is said.
        duration: seconds of audio transcribed.
        segments: in order of time; empty where nothing is said.
        engine: what produced it; None where there was no audio to transcribe.
        levels: how loud each second is from second 0 on, mean power in whole dBFS, -90 for silence; empty where there
            was no audio or nobody measured it.
    """

    language: str
    duration: float
    segments: tuple[Segment, ...] = ()
    engine: EngineFacts | None = None
    levels: tuple[int, ...] = ()


class Shot(Struct, frozen=True, kw_only=True):
    """An uninterrupted take: from the time of its first frame to that of the next shot's first frame.

    Attributes:
        start: seconds; in the midst of a dissolve from the shot before, or of a fade's dark or white part.
        end: likewise.
        transition: how long the change from the shot before takes, seconds, about half of it before `start`; 0 for a
            cut and for the first shot.
    """

    start: float
    end: float
    transition: float = 0.0


class Scenes(Struct, frozen=True, kw_only=True):
    """`scenes.json`: the shots of the source, in order, without gaps; a video without a cut is one shot.

    Attributes:
        shots: at least one.
        detector: what found them.
        frame_rate: average frames a second.
        note: what the job's log says about the search, such as why it took longer; empty for nothing.
    """

    shots: tuple[Shot, ...]
    detector: str
    frame_rate: float
    note: str = ""


class PlannedClip(Struct, frozen=True, kw_only=True):
    """One clip to render, with all that is published about it.

    Attributes:
        number: its rank from 1, the best score first; stands in its file name.
        start: seconds of the source.
        end: seconds of the source, later than `start`.
        title: what it is called.
        tiktok: caption for TikTok with hashtags, at most 2,200 characters.
        instagram: caption for Instagram with at most 5 hashtags, at most 2,200 characters.
        youtube: title for YouTube Shorts, at most 100 characters.
        score: virality, 0 to 100.
        reason: why it was picked, for people who look into the plan.
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


class Cost(Struct, frozen=True, kw_only=True):
    """What the picking of moments cost.

    Attributes:
        total_usd: US dollars.
        provider_calls: requests made to a paid model.
        estimated: whether the price is a guess because the model is not in the price table.
    """

    total_usd: float = 0.0
    provider_calls: int = 0
    estimated: bool = False


class Plan(Struct, frozen=True, kw_only=True):
    """`plan.json`: the clips of a job, best score first, never empty, never overlapping.

    Attributes:
        clips: in the order in which they are rendered.
        picker: who chose them: `local`, or the model's name.
        cost: what choosing them cost.
        options: what the job asked for.
        note: what the job's log says about the choice, such as why it was made locally; empty for nothing.
    """

    clips: tuple[PlannedClip, ...]
    picker: str
    cost: Cost = Cost()
    options: JobOptions = JobOptions()
    note: str = ""


class ShotFacts(Struct, frozen=True, kw_only=True):
    """How one shot of a clip was laid out.

    Attributes:
        start: of the shot, seconds from the clip's start.
        end: likewise.
        layout: `track`, `split` or `fit`.
        reason: the evidence for it, in words, such as `one person in 96 % of 48 looks`.
    """

    start: float
    end: float
    layout: str
    reason: str = ""


class ClipFacts(Struct, frozen=True, kw_only=True):
    """`clips/<n>/clip.json`: what was rendered, stored after the files it speaks of.

    Attributes:
        number: the clip's rank.
        duration: seconds of the rendered file.
        width: pixels.
        height: pixels.
        frames: video frames written.
        size_bytes: of `clip.mp4`.
        shots: the clip's shots in order, with their layouts.
        encoder: the video encoder used.
        loudness_lufs: integrated loudness of the sound as it is heard, after AAC (EBU R 128); None for silence.
        true_peak_dbtp: likewise its true peak, dB; None for silence.
        missing_letters: of its words and its title, which no font has and which are therefore not in the picture.
        unshaped: whether letters are not joined or ordered as their script wants it, for want of FriBidi.
        sound_reduced: whether only one channel of the source's sound could be used, or none.
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
