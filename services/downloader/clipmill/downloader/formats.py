"""The choice among the formats that a site offers: the best picture that a clip can use, and its sound."""

from collections.abc import Mapping, Sequence

from clipmill.contracts.failures import ErrorCode, Permanent

Format = Mapping[str, object]

FORMAT_ORDER = ("hasvid", "res:1080", "hdr:sdr", "vcodec:h264", "acodec:aac")
"""yt-dlp's `format_sort`: the largest picture up to 1080p (a clip is 1080 wide), or else the next larger one; then the
codecs that every decoder and MP4 support; then yt-dlp's own order."""


def best_formats(offered: Sequence[Format]) -> list[Format]:
    """Return the formats to download: one with picture and sound, or one of each if the site separates them.

    The remux joins two files, so yt-dlp needs no ffmpeg to merge them. A picture without sound is taken only if no
    format has sound.

    Args:
        offered: Formats as yt-dlp describes them, the best last.

    Raises:
        Permanent: with `no_video` if no format has a picture.
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
