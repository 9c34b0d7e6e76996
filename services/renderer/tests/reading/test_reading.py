"""Every picture of a clip, from files of all kinds."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.reading.source import Source

pytestmark = pytest.mark.media


def clip(path, start, frames):
    with path.open("rb") as file, Source(file, near=start) as source:
        return list(source.pictures(start, frames))


def lights(pictures):
    """Return the light in the middle of each picture."""
    return np.array([float(np.median(picture.luma[::4, ::4])) for picture in pictures])


def counted(time, rate=25):
    """Return a light that identifies the frame."""
    return 30 + round(time * rate)


def written(*facts, **more):
    """Write a file of even pictures with the given luma, in any form.

    Written in a thread of its own: SVT-AV1, run by root, raises the thread that opens it to real time.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_write, *facts, **more).result()


def _write(path, codec, pixel_format, lights, *, rate=25, size=(320, 180), options=None, start=0):
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        stream.codec_context.gop_size = 30
        rgb = stream.codec_context.format.is_rgb
        for index, light in enumerate(lights):
            planes = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
            planes[: size[1]] = light
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame = frame.reformat(format=pixel_format, dst_color_range=2 if rgb or "j" in pixel_format else 1)
            frame.pts = start + index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", {"bf": "3", "b-pyramid": "normal"}),
        ("a.mp4", "libx264", "yuv422p10le", {}),
        ("a.mp4", "libx264", "yuv444p", {}),
        ("a.mp4", "libx264rgb", "rgb24", {}),
        ("a.mp4", "libx265", "yuv420p12le", {"x265-params": "log-level=none"}),
        ("a.webm", "libvpx-vp9", "yuva420p", {"deadline": "realtime", "cpu-used": "8", "crf": "10"}),
        ("a.mkv", "libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "5", "threads": "1"}),
        ("a.mp4", "libsvtav1", "yuv420p10le", {"preset": "12", "svtav1-params": "lookahead=0"}),
        ("a.mpg", "mpeg2video", "yuv422p", {"qmax": "2"}),
        ("a.ts", "mpeg2video", "yuv420p", {"bf": "2", "qmax": "2"}),
        ("a.ts", "libx264", "yuv420p", {}),
        ("a.avi", "mpeg4", "yuv420p", {"qmax": "2"}),
        ("a.mov", "mjpeg", "yuvj422p", {"qmax": "2"}),
        ("a.mov", "prores_ks", "yuva444p10le", {}),
        ("a.mkv", "ffv1", "bgra", {}),
        ("a.mov", "png", "rgba", {}),
    ],
)
def test_any_codec_and_form_is_cut_on_the_frame(tmp_path, name, codec, pixel_format, options):
    path = written(tmp_path / name, codec, pixel_format, range(30, 180, 2), options=options)
    seen = lights(clip(path, 1.0, 40))
    assert np.abs(seen - np.arange(80, 160, 2)).max() <= 3


def test_a_picture_that_is_shown_again_is_converted_once(make_media):
    path = make_media("slow.mkv", times=[0.0, 0.04, 0.08, 1.0, 1.04], seconds=2)
    pictures = clip(path, 0.0, 30)
    assert len(pictures) == 30
    assert len({id(picture) for picture in pictures}) == 5


@pytest.mark.parametrize(("rate", "shown", "step"), [(5, 20, 0.25), (60, 60, 1), (120, 60, 2), (240, 60, 4)])
def test_slow_pictures_are_held_and_fast_ones_left_out(tmp_path, rate, shown, step):
    path = written(tmp_path / "a.mp4", "libx264", "yuv420p", range(30, 130), rate=rate, options={"crf": "6"})
    with path.open("rb") as file, Source(file) as source:
        assert source.rate == shown
    seen = lights(clip(path, 0.0, 16))
    expected = [30 + int(index * step + min(step, 1) / 2 - 0.001) for index in range(16)]
    assert np.abs(seen - expected).max() <= 1


def test_time_begins_with_the_first_picture_wherever_the_containers_clock_stands(make_media):
    times = 7.3 + np.arange(75) / 25
    path = make_media("late.mkv", times=times, seconds=3, light=lambda time: counted(time - 7.3))
    assert np.abs(lights(clip(path, 1.0, 25)) - np.arange(55, 80)).max() <= 1.5


def test_pictures_that_an_edit_list_hides_are_not_shown(make_media):
    path = make_media(seconds=3, light=counted, group=50)
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 12  # duration, media time and rate of the only edit
    media_time = int.from_bytes(data[entry + 4 : entry + 8])
    data[entry + 4 : entry + 8] = (media_time + 12800 * 10 // 25).to_bytes(4)
    path.write_bytes(data)
    assert np.abs(lights(clip(path, 0.0, 25)) - np.arange(40, 65)).max() <= 1.5


def test_interlaced_pictures_become_whole_ones(tmp_path):
    path = interlaced(tmp_path / "a.mp4", 40)
    with path.open("rb") as file, Source(file) as source:
        assert source.rate == 25
        pictures = list(source.pictures(0.2, 10))
        samples = [seen.picture for seen in source.frame_samples(0.2, 10) if hasattr(seen, "picture")]
    for picture in pictures:
        assert combing(picture.luma) < 4
    for picture in samples:
        assert (picture.width, picture.height, picture.shown_width / picture.height) == (320, 90, 320 / 180)


def interlaced(path, frames):
    """Write a bright bar that moves from field to field."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "interlaced=1:tff=1", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for index in range(frames):
            luma = np.full((180, 320), 60, np.uint8)
            for field in (0, 1):
                left = 10 + 6 * (2 * index + field) % 280
                luma[field::2, left : left + 30] = 200
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full((90, 320), 128, np.uint8)]), format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def combing(luma):
    """Return the difference of rows from the mean of their neighbours, relative to that of rows two apart."""
    rows = luma.astype(float)
    return np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean()


def test_the_size_is_that_of_the_pictures_as_they_are_shown(make_media):
    path = make_media(seconds=0.4, size=(180, 180), pixel_aspect=Fraction(16, 9))
    with path.open("rb") as file, Source(file) as source:
        assert source.size == pytest.approx((320, 180))
        assert next(source.pictures(0, 1)).shown_width == pytest.approx(320)


def joined(path, parts):
    """Join several transport streams to one whose clock goes on."""
    pieces = [
        written(path.with_name(f"{index}.ts"), "libx264", "yuv420p", [light] * 25, size=size, start=25 * index)
        for index, (size, light) in enumerate(parts)
    ]
    path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))


def test_pictures_keep_one_size_when_the_stream_changes_it(tmp_path):
    path = tmp_path / "joined.ts"
    joined(path, [((320, 180), 60), ((640, 360), 90), ((240, 180), 120)])
    pictures = clip(path, 0.0, 75)
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 180)}
    seen = lights(pictures)
    assert [round(seen[index] / 30) for index in (0, 22, 27, 47, 52, 74)] == [2, 2, 3, 3, 4, 4]
    last = pictures[-1]
    assert (last.luma[:, :38] == 16).all()  # 4:3 between bars
    assert (last.luma[:, 42:278] > 100).all()
    assert (last.luma[:, 282:] == 16).all()


def test_the_pictures_at_the_clips_start_decide_its_size(tmp_path):
    path = tmp_path / "joined.ts"
    joined(path, [((320, 180), 60), ((640, 360), 90)])
    with path.open("rb") as file, Source(file, near=1.5) as source:
        assert source.size == (640, 360)


def test_past_the_end_the_last_picture_is_held(make_media):
    pictures = clip(make_media(seconds=1, light=counted), 0.6, 50)
    assert len(pictures) == 50
    assert lights(pictures)[-1] == pytest.approx(54, abs=1)


@pytest.mark.parametrize("name", ["slides.mp4", "slides.mkv"])
def test_a_picture_may_be_shown_for_long(make_media, name):
    path = make_media(
        name, times=[0.0, 0.04, 0.08, 9.0, 9.04, 18.0], light=lambda time: 50 + round(time * 5), options={"bf": "0"}
    )
    with path.open("rb") as file, Source(file) as source:
        rate = float(source.rate)
        for start, length, last in ((0.0, 5.0, 50), (2.0, 10.0, 95), (9.2, 7.8, 95)):
            snapped, frames = source.snapped(start), round(length * rate)
            seen = lights(source.pictures(snapped, frames))
            samples = [item for item in source.frame_samples(snapped, frames) if hasattr(item, "frame")]
            assert seen[-1] == pytest.approx(last, abs=1)
            assert float(np.median(samples[-1].picture.luma)) == pytest.approx(last, abs=1)


def test_damage_that_ends_a_video_early_is_reported(make_media):
    with pytest.raises(Permanent) as caught:
        clip(broken(make_media(seconds=8, group=10)), 0.0, 200)
    assert caught.value.code is ErrorCode.UNREADABLE_MEDIA


def broken(path):
    """Return the file with the middle of its media set to zero."""
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat") - 4
    end = begin + int.from_bytes(data[begin : begin + 4])
    middle = (3 * begin + end) // 4
    data[middle:end] = bytes(end - middle)
    path.write_bytes(data)
    return path
