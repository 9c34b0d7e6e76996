"""Which of the formats that a site offers is downloaded: the best picture that a clip can use, and its sound."""

from collections.abc import Mapping, Sequence

from clipmill.contracts.failures import ErrorCode, Permanent

Format = Mapping[str, object]

FORMAT_ORDER = ("hasvid", "res:1080", "hdr:sdr", "vcodec:h264", "acodec:aac")
"""yt-dlp's `format_sort`: the largest picture up to 1080p (a clip is 1080 wide), if there is none the next larger one,
then what every decoder and an MP4 take; yt-dlp's own order decides the rest."""


def best_formats(offered: Sequence[Format]) -> list[Format]:
    """Return the formats to download: one with picture and sound, or one of each where they come apart.

    Two files are put together by the remux, so that no ffmpeg is needed for what yt-dlp calls merging. A picture
    without sound is taken only where there is no sound to be had.

    Args:
        offered: as yt-dlp describes them, the best last.

    Raises:
        Permanent: with `no_video` if there is only sound.
    """
    pictures = [each for each in offered if each.get("vcodec") != "none"]
    if not pictures:
        raise Permanent(ErrorCode.NO_VIDEO, "This URL has only sound; give the address of a video.")
    best = pictures[-1]
    if best.get("acodec") != "none":
        return [best]
    sounds = [each for each in offered if each.get("vcodec") == "none" and each.get("acodec") != "none"]
    if sounds:
        return [best, sounds[-1]]
    sounding = [each for each in pictures if each.get("acodec") != "none"]
    return [sounding[-1] if sounding else best]
