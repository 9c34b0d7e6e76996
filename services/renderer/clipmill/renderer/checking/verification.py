"""Checks that platforms take a rendered file and that it is as requested.

Nothing is assumed about the file: it is opened, played from start to end, and measured. Each limit names its source,
here and in `encoders`.
"""

from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from clipmill.artifacts.subtitles import Cue
from clipmill.contracts.options import OutputFormat
from clipmill.renderer.audio.levels import is_room
from clipmill.renderer.audio.sound import SAMPLE_RATE
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.checking.boxes import boxes
from clipmill.renderer.checking.playback import Playback, play
from clipmill.renderer.checking.sidecars import cues
from clipmill.renderer.reading.demuxing import decodable
from msgspec import Struct

LONGEST_OFFSET_SECONDS = 0.04
"""Longest time between the starts, and between the ends, of picture and sound."""

DURATION_TOLERANCE_SECONDS = 0.1

LONGEST_GROUP_SECONDS = 2.0
"""Longest time between two pictures from which a player can start."""

LONGEST_APART_SECONDS = 1.0
"""Longest time between a picture and the sound stored beside it: a player has to buffer that much."""

HIGHEST_RATE = 60
"""Highest number of frames per second that every platform plays."""

INTERVAL_TOLERANCE_SECONDS = 0.001

LOUDNESS_LUFS = -14.0
LOUDNESS_TOLERANCE_LU = 0.5

HIGHEST_PEAK_DBTP = -1.0
PEAK_TOLERANCE_DB = 0.05
"""Difference between two meters."""

HIGHEST_VIDEO_BITRATE = 25_000_000
HIGHEST_AUDIO_BITRATE = 128_000 * 1.1
"""Instagram's limits (Instagram API, Reels specifications); AAC keeps its rate only on average."""

MOST_DECIMALS = 9
"""Decimals of a finding at most: finer differences are errors of floating-point numbers."""

LEVELS = {40: (245_760, 25_000_000), 42: (522_240, 62_500_000)}
"""Macroblocks per second and, in High profile, bits per second that a level takes (ITU-T H.264, tables A-1 and A-2)."""

OWN_TAGS = {
    "title": None, "major_brand": None, "minor_version": None, "compatible_brands": None, "language": "und",
    "vendor_id": "[0][0][0][0]",
}  # fmt: skip
"""Tags that a clip may have: its title, and those of every MP4; each with its only allowed value, None for any."""

OWN_HANDLERS = {"VideoHandler", "SoundHandler"}

SIDECARS = (".vtt", ".srt")


class Expected(Struct, frozen=True, kw_only=True):
    """The requirements on a file beyond those on every clip.

    Attributes:
        seconds: Length; None for any.
        output_format: Shape; None for any.
        captions: True if valid caption files must be beside it.
    """

    seconds: float | None = None
    output_format: OutputFormat | None = None
    captions: bool = False


class Check(Struct, frozen=True):
    """The result of one check.

    Attributes:
        check: Short name of the check.
        ok: True if the check succeeded.
        sentence: The finding, and the expectation if it differs.
    """

    check: str
    ok: bool
    sentence: str


class Examined(Struct, frozen=True):
    """A file and its checks, as `verify --json` prints them.

    Attributes:
        file: Path of the file.
        ok: True if all checks succeeded.
        checks: Results of the checks.
    """

    file: str
    ok: bool
    checks: tuple[Check, ...]


def verify(path: Path, seconds: float | None = None) -> list[Check]:
    """Return the failed checks of a rendered file; see `examine`."""
    return [check for check in examine(path, Expected(seconds=seconds)) if not check.ok]


def examine(path: Path, expected: Expected) -> list[Check]:
    """Return the results of all checks of a rendered file.

    Args:
        path: Path of the file.
        expected: Requirements on the file.
    """
    try:
        with av.open(path, metadata_errors="replace") as container:
            checks = [_is("container", "mp4" in container.format.name, container.format.name, "MP4")]
            videos, audios = container.streams.video, container.streams.audio
            others = len(container.streams) - len(videos) - len(audios)
            found = f"{len(videos)} video, {len(audios)} audio and {others} other streams"
            single = (len(videos), len(audios), others) == (1, 1, 0)
            sentence = f"The file has {found}; it must have one video and one audio stream only."
            checks.append(Check("streams", single, found if single else sentence))
            checks += _tags(dict(container.metadata), [dict(stream.metadata) for stream in container.streams])
            container_seconds = float(container.duration or 0) / av.time_base
            unknown = [stream for stream in (*videos[:1], *audios[:1]) if not decodable(stream)]
            if unknown:
                kinds = " and ".join(stream.type for stream in unknown)
                checks.append(Check("decodes", False, f"The {kinds} cannot be decoded because the format is unknown."))
            elif videos and audios:
                checks += _codecs(videos[0], audios[0], expected)
                played = play(container, videos[0], audios[0])
                checks += _played(played, videos[0], container_seconds, expected)
    except (av.error.FFmpegError, OSError) as error:
        return [Check("readable", False, f"The file cannot be opened as a video: {error.strerror or error}.")]
    checks += _layout(path)
    if expected.captions:
        checks += _captions(path, expected.seconds or container_seconds)
    return checks


def _is(check: str, ok: bool, found: str, wanted: str) -> Check:
    return Check(check, ok, found if ok else f"{found}, not {wanted}")


def beyond(value: float, limit: float, decimals: int) -> str:
    """Return a number with as many decimals, and at least `decimals`, as show that it is above `limit` if it is."""
    while value > limit and round(value, decimals) <= limit and decimals < MOST_DECIMALS:
        decimals += 1
    return f"{value:.{decimals}f}"


def _codecs(video: VideoStream, audio: AudioStream, expected: Expected) -> Iterator[Check]:
    seen, heard = video.codec_context, audio.codec_context
    formats = [expected.output_format] if expected.output_format else list(OutputFormat)
    sizes = [f"{CANVASES[shape].width}x{CANVASES[shape].height}" for shape in formats]
    size = f"{seen.width}x{seen.height}"
    codes = int(seen.color_range), int(seen.colorspace), int(seen.color_primaries), int(seen.color_trc)
    colour = "range {}, matrix {}, primaries {}, transfer {}".format(*codes)
    yield _is("video codec", seen.name == "h264", seen.name, "h264")
    yield _is("profile", seen.profile == "High", str(seen.profile), "High")
    yield _is("pixel format", seen.pix_fmt == "yuv420p", str(seen.pix_fmt), "yuv420p")
    yield _is("size", size in sizes, size, " or ".join(sizes))
    yield _is("pixel aspect", (video.sample_aspect_ratio or 1) == 1, str(video.sample_aspect_ratio or 1), "1")
    bt709 = set(codes) == {1}
    sentence = f"The colour codes are {colour}; all must be 1, which is limited-range BT.709."
    yield Check("colour", bt709, "limited-range BT.709" if bt709 else sentence)
    yield _is("audio codec", (heard.name, heard.profile) == ("aac", "LC"), f"{heard.name} {heard.profile}", "aac LC")
    yield _is("sample rate", heard.sample_rate == SAMPLE_RATE, str(heard.sample_rate), str(SAMPLE_RATE))
    yield _is("channels", heard.layout.name == "stereo", heard.layout.name, "stereo")


def _played(played: Playback, video: VideoStream, container_seconds: float, expected: Expected) -> Iterator[Check]:
    if not played.pictures or played.sound_start is None:
        yield Check("decodes", False, "The picture, the sound or both cannot be decoded.")
        return
    whole = not played.damaged and len(played.pictures) == (video.frames or len(played.pictures))
    count, stated = len(played.pictures), f" of {video.frames}" if video.frames else ""
    sentence = f"Some frames cannot be decoded: {count}{stated} pictures were decoded, {played.damaged} are damaged."
    yield Check("decodes", whole, f"all {count} pictures" if whole else sentence)
    yield _upright(played)
    yield from _rates(played, video)
    group = played.longest_group
    fine = group <= LONGEST_GROUP_SECONDS + played.picture_seconds / 2
    yield Check(
        "key frames",
        fine,
        f"every {group:.2f} s"
        if fine
        else f"The longest time without a key frame is {group:.2f} s; it may be at most {LONGEST_GROUP_SECONDS:g} s.",
    )
    yield from _sync(played, played.sound_start)
    wanted = played.picture_end if expected.seconds is None else expected.seconds
    for name, seconds in (
        ("container", container_seconds),
        ("picture", played.picture_end),
        ("sound", played.sound_end),
    ):
        fine = abs(seconds - wanted) <= DURATION_TOLERANCE_SECONDS
        found = f"{name}: {seconds:.3f} s"
        yield Check("duration", fine, found if fine else f"The {name} lasts {seconds:.3f} s, not {wanted:.3f} s.")
    yield from _loudness(played)


def _rates(played: Playback, video: VideoStream) -> Iterator[Check]:
    codec, seconds = video.codec_context, played.picture_end - played.pictures[0]
    intervals = played.intervals or [played.picture_seconds]
    rate = len(intervals) / sum(intervals) if sum(intervals) else 0.0
    steady = max(intervals) - min(intervals) <= INTERVAL_TOLERANCE_SECONDS
    yield rate_check(rate, steady=steady)
    picture_rate = played.picture_bytes * 8 / seconds if seconds else 0.0
    sound_rate = played.sound_bytes * 8 / seconds if seconds else 0.0
    macroblocks = -(-codec.width // 16) * -(-codec.height // 16) * rate
    yield level_check(int(codec.level or 0), macroblocks, picture_rate)
    megabits = beyond(picture_rate / 1e6, HIGHEST_VIDEO_BITRATE / 1e6, 2)
    yield _is("video bit rate", picture_rate <= HIGHEST_VIDEO_BITRATE, f"{megabits} Mbit/s", "at most 25 Mbit/s")
    yield _is(
        "audio bit rate", sound_rate <= HIGHEST_AUDIO_BITRATE, f"{sound_rate / 1e3:.0f} kbit/s", "at most 128 kbit/s"
    )


def _upright(played: Playback) -> Check:
    if not played.rotation and not played.mirrored:
        return Check("upright", True, "as it is stored")
    changes = [f"turn the picture by {played.rotation} degrees"] if played.rotation else []
    changes += ["mirror the picture"] if played.mirrored else []
    return Check("upright", False, f"Players {' and '.join(changes)}; store it upright.")


def rate_check(rate: float, *, steady: bool) -> Check:
    """Return the check of the frame rate.

    Args:
        rate: Frames per second, on average.
        steady: True if all pictures are shown for the same time.
    """
    if not steady:
        return Check("frame rate", False, f"The frame rate varies ({rate:.3f} on average); it must be constant.")
    if rate > HIGHEST_RATE + 0.01:
        return Check("frame rate", False, f"The frame rate is {rate:.3f}; it must be at most {HIGHEST_RATE}.")
    return Check("frame rate", True, f"{rate:.3f}")


def level_check(level: int, macroblocks: float, bits: float) -> Check:
    """Return the check of the H.264 level.

    Args:
        level: Level of the stream, times ten.
        macroblocks: Macroblocks per second.
        bits: Bits per second.
    """
    if level not in LEVELS:
        return Check("level", False, f"The level is {level / 10}; it must be 4.0 or 4.2.")
    most_macroblocks, most_bits = LEVELS[level]
    if macroblocks <= most_macroblocks + 1 and bits <= most_bits:
        return Check("level", True, f"{level / 10}")
    remedy = "reduce them" if level == max(LEVELS) else "reduce them, or use level 4.2"
    sentence = f"Level {level / 10} does not allow this file's frame size, frame rate or bit rate; {remedy}."
    return Check("level", False, sentence)


def _sync(played: Playback, sound_start: float) -> Iterator[Check]:
    for name, picture, sound in (
        ("start", played.pictures[0], sound_start),
        ("end", played.picture_end, played.sound_end),
    ):
        fine = abs(picture - sound) <= LONGEST_OFFSET_SECONDS
        found = f"{name}: {1000 * (sound - picture):.0f} ms"
        yield Check(
            "sync",
            fine,
            found if fine else f"The picture's {name} is at {picture:.3f} s, the sound's at {sound:.3f} s.",
        )
    fine = played.max_interleave_gap <= LONGEST_APART_SECONDS
    apart = beyond(played.max_interleave_gap, LONGEST_APART_SECONDS, 2)
    found = f"at most {apart} s"
    sentence = (
        f"One track of the file is up to {apart} s ahead of the other; it may be at most "
        f"{LONGEST_APART_SECONDS:g} s ahead."
    )
    yield Check(
        "interleaving",
        fine,
        found if fine else sentence,
    )


def _loudness(played: Playback) -> Iterator[Check]:
    """Check the peaks, and the loudness, which silence and the noise of a room alone need not reach."""
    lufs, peak = played.loudness.lufs, played.loudness.true_peak_dbtp
    if lufs is None:
        yield Check("loudness", True, "silence")
    else:
        off = lufs - LOUDNESS_LUFS
        quiet = off < 0 and is_room(played.levels)
        fine = abs(off) <= LOUDNESS_TOLERANCE_LU
        found = f"{lufs:.2f} LUFS" + ("" if fine or not quiet else ", the noise of a room")
        yield _is("loudness", fine or quiet, found, f"{LOUDNESS_LUFS:g} LUFS")
    fine = peak is None or peak <= HIGHEST_PEAK_DBTP + PEAK_TOLERANCE_DB
    yield _is("true peak", fine, "silence" if peak is None else f"{peak:.2f} dBTP", "at most -1 dBTP")


def _tags(container: dict[str, str], streams: list[dict[str, str]]) -> Iterator[Check]:
    """Check that no tag but the title reveals the clip's origin, and none when or with what the clip was made."""
    strange = [
        f"{name}={value}"
        for tags in (container, *streams)
        for name, value in tags.items()
        if not (name == "handler_name" and value in OWN_HANDLERS)
        and not (name in OWN_TAGS and OWN_TAGS[name] in {None, value})
    ]
    title = container.get("title", "")
    yield Check(
        "metadata",
        not strange,
        f"title {title!r}" if not strange else f"The file has tags that a clip must not have: {', '.join(strange)}.",
    )


def _layout(path: Path) -> Iterator[Check]:
    names = list(boxes(path))
    fast = b"moov" in names and b"mdat" in names and names.index(b"moov") < names.index(b"mdat")
    sentence = "The index (moov) must come before the media (mdat) for players to start at once."
    yield Check("faststart", fast, "index first" if fast else sentence)
    edited = b"elst" in names
    sentence = "The file has an edit list, which editors and uploaders treat differently."
    yield Check("edit list", not edited, sentence if edited else "none")


def _captions(path: Path, seconds: float) -> Iterator[Check]:
    """Check the caption files that have the clip's name, or the renderer's names for them."""
    for suffix in SIDECARS:
        names = path.with_suffix(suffix), path.with_name(f"captions{suffix}")
        file = next((name for name in names if name.exists()), None)
        if file is None:
            yield Check("captions", False, f"The file {names[0].name} is missing.")
            continue
        try:
            found = cues(file)
        except ValueError as error:
            yield Check("captions", False, f"{file.name} cannot be read: {error}.")
            continue
        fault = "there are no cues" if not found else next(_faults(found, seconds), None)
        yield Check("captions", not fault, f"In {file.name} {fault}." if fault else f"{file.name}: {len(found)} cues")


def _faults(found: list[Cue], seconds: float) -> Iterator[str]:
    until = 0.0
    for cue in found:
        if not cue.text.strip():
            yield f"the cue at {cue.start:.3f} s has no words"
        if cue.end <= cue.start:
            yield f"the cue at {cue.start:.3f} s ends before it begins"
        if cue.start < until:
            yield f"the cue at {cue.start:.3f} s begins before the previous cue has ended"
        if cue.end > seconds + DURATION_TOLERANCE_SECONDS:
            yield f"the cue at {cue.start:.3f} s ends after the clip"
        until = cue.end
