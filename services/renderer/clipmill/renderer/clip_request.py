"""What the service asks of the process that renders a clip, and what it gets back."""

from clipmill.contracts.documents import Segment, Shot, ShotFacts
from clipmill.contracts.options import JobOptions
from clipmill.renderer.quality import Quality
from msgspec import Struct

RENDER_TARGET = "clipmill.renderer.clip:render"
"""The function that runs in the child process."""

CLIP_NAME, POSTER_NAME = "clip.mp4", "poster.jpg"
WEBVTT_NAME, SUBRIP_NAME = "captions.vtt", "captions.srt"


class RenderRequest(Struct, frozen=True, kw_only=True):
    """What to render, and where to.

    Attributes:
        store_url: of the artifact store.
        source_key: of the video in it.
        audio_index: the container's stream to take the sound from, None for the one that players choose.
        frame_rate: average frames a second of the source, for containers that do not tell; 0 if it is not known.
        start: seconds of the source.
        end: seconds of the source, later than `start`.
        shots: of the source.
        segments: of the transcript, at least those that touch the clip.
        title: of the clip.
        options: choices of the look that the submission made.
        directory: for the files, existing.
        models_dir: where fetched weights are.
        quality: of the encoding.
        faces_per_second: how often faces are looked for.
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
    title: str = ""
    options: JobOptions = JobOptions()
    quality: Quality = Quality()
    faces_per_second: float = 6.0


class Rendered(Struct, frozen=True, kw_only=True):
    """What was rendered.

    Attributes:
        duration: seconds.
        width: pixels.
        height: pixels.
        frames: written.
        shots: in order, with their layouts.
        encoder: of the video.
        loudness_lufs: of the sound as it is heard, None for silence.
        true_peak_dbtp: of the sound as it is heard, None for silence.
        missing_letters: of the words and the title, which no font has.
        sound_reduced: whether only one channel of the source's sound could be used, or none.
        unshaped: whether some are not joined as their script wants it, FriBidi not being there.
        seconds: the work took, wall time.
        survey_seconds: of which for deciding what to show.
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
