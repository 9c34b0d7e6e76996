"""The request to the process that renders a clip, and its answer."""

from clipmill.contracts.documents import Segment, Shot, ShotFacts
from clipmill.contracts.options import JobOptions
from clipmill.renderer.quality import Quality
from msgspec import Struct

RENDER_TARGET = "clipmill.renderer.clip:render"
"""The function that runs in the child process."""

CLIP_NAME, POSTER_NAME = "clip.mp4", "poster.jpg"
WEBVTT_NAME, SUBRIP_NAME = "captions.vtt", "captions.srt"


class RenderRequest(Struct, frozen=True, kw_only=True):
    """The clip to render, and the directory for its files.

    Attributes:
        store_url: Address of the artifact store.
        source_key: Key of the video in the store.
        audio_index: Number of the container's audio stream, None for the one that players choose.
        frame_rate: Average frames per second of the source, 0 if unknown; used where the container states none.
        start: Start of the clip, in seconds of the source.
        end: End of the clip, in seconds of the source, later than `start`.
        shots: Shots of the source.
        segments: Segments of the transcript, at least those that touch the clip.
        language: ISO 639-1 code of the speech; empty if unknown.
        title: Title of the clip.
        options: The submission's choices for the look.
        directory: Existing directory for the files.
        models_dir: Directory of the downloaded weights.
        quality: Quality of the encoding.
        faces_per_second: Face detections per second of video.
        fade_in: Time over which the sound comes up at the start, in seconds.
        fade_out: Time over which the sound dies away at the end, in seconds.
    """

    store_url: str
    source_key: str
    start: float
    end: float
    directory: str
    models_dir: str
    audio_index: int | None = None
    frame_rate: float = 0.0
    shots: tuple[Shot, ...] = ()
    segments: tuple[Segment, ...] = ()
    language: str = ""
    title: str = ""
    options: JobOptions = JobOptions()
    quality: Quality = Quality()
    faces_per_second: float = 6.0
    fade_in: float = 0.0
    fade_out: float = 0.0


class Rendered(Struct, frozen=True, kw_only=True):
    """The facts about a rendered clip.

    Attributes:
        duration: Length, in seconds.
        width: Width, in pixels.
        height: Height, in pixels.
        frames: Number of frames written.
        shots: Shots in order, with their layouts.
        encoder: Name of the video encoder.
        loudness_lufs: Integrated loudness of the encoded sound, None for silence.
        true_peak_dbtp: True peak of the encoded sound, None for silence.
        missing_letters: Letters of the words and the title that no font has.
        unshaped: True if letters are drawn unjoined or out of order because FriBidi is not installed.
        sound_reduced: True if only one channel of the source's sound could be used, or none.
        seconds: Wall-clock seconds of the whole work.
        survey_seconds: Wall-clock seconds until each frame's layout was decided.
    """

    duration: float
    width: int
    height: int
    frames: int
    shots: tuple[ShotFacts, ...]
    encoder: str
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    missing_letters: str
    unshaped: bool
    sound_reduced: bool
    seconds: float
    survey_seconds: float
