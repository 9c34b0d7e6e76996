import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.downloader.formats import FORMAT_ORDER, best_formats
from yt_dlp import YoutubeDL


def video(name: str, height: int, codec: str, audio: str = "none", **more) -> dict[str, object]:
    shape = {"height": height, "width": height * 16 // 9, "vcodec": codec, "acodec": audio, "ext": "mp4"}
    return {"format_id": name, "url": f"https://example.org/{name}", "protocol": "https", **shape, **more}


def sound(name: str, codec: str, rate: int) -> dict[str, object]:
    kind = {"vcodec": "none", "acodec": codec, "abr": rate, "ext": "m4a"}
    return {"format_id": name, "url": f"https://example.org/{name}", "protocol": "https", **kind}


def chosen(*offered: dict[str, object]) -> list[object]:
    """Let yt-dlp sort the formats in `offered`, and return those that are downloaded."""
    ydl = YoutubeDL({"quiet": True, "format_sort": list(FORMAT_ORDER), "format": "all", "simulate": True})
    info = {"id": "x", "title": "x", "extractor": "x", "webpage_url": "https://example.org", "formats": list(offered)}
    return [each["format_id"] for each in best_formats(ydl.process_ie_result(info, download=False)["formats"])]


TALL = video("2160", 2160, "vp9")
HDR = video("1080hdr", 1080, "vp9.2", dynamic_range="HDR10")
VP9 = video("1080vp9", 1080, "vp9")
H264 = video("1080", 1080, "avc1.640028")
SMALL = video("720", 720, "avc1.64001f")
WITH_SOUND = video("360", 360, "avc1.42001E", "mp4a.40.2")
AAC, OPUS = sound("a128", "mp4a.40.2", 128), sound("o160", "opus", 160)


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ((WITH_SOUND, SMALL, VP9, H264, HDR, TALL, AAC, OPUS), ["1080", "a128"]),
        ((WITH_SOUND, SMALL, VP9, TALL, OPUS), ["1080vp9", "o160"]),
        ((TALL, OPUS), ["2160", "o160"]),
        ((WITH_SOUND,), ["360"]),
        ((WITH_SOUND, AAC), ["360"]),
        ((SMALL,), ["720"]),
        ((SMALL, WITH_SOUND), ["360"]),
    ],
)
def test_the_largest_picture_up_to_1080p_that_decodes_everywhere_is_taken_with_its_sound(offered, expected):
    assert chosen(*offered) == expected


def test_a_format_that_says_nothing_of_its_codecs_is_taken_as_it_is():
    assert chosen({"format_id": "0", "url": "https://example.org/v.mp4", "ext": "mp4"}) == ["0"]


def test_sound_alone_is_refused_before_it_is_downloaded():
    with pytest.raises(Permanent) as caught:
        chosen(AAC, OPUS)
    assert caught.value.code is ErrorCode.NO_VIDEO
