import os
import struct
import threading
from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import Background, CaptionStyle, LayoutChoice, OutputFormat, Profanity
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.checking.verification import verify
from PIL import Image

pytestmark = pytest.mark.media


def lights(path) -> np.ndarray:
    """Return the mean light of the middle of each picture."""
    with av.open(path) as container:
        return np.array(
            [frame.to_ndarray(format="gray")[800:960, 500:580].mean() for frame in container.decode(video=0)]
        )


def heard(path) -> np.ndarray:
    """Return the left channel from time zero on."""
    with av.open(path) as container:
        frames = list(container.decode(audio=0))
        start = round((frames[0].time or 0) * 48000)
        return np.concatenate([np.zeros(max(0, start)), *(frame.to_ndarray()[0] for frame in frames)])


def onset(samples: np.ndarray) -> float:
    return int(np.argmax(np.abs(samples) > 0.1)) / 48000


def tone(times):
    return 0.5 * np.sin(2 * np.pi * 440 * times)


def beep(at):
    return lambda times: np.where((times >= at) & (times < at + 0.3), tone(times), 0.0)


def laid_out(rendered):
    return [shot.layout for shot in rendered.shots]


def gray(path, at):
    """Return the light of the picture that is shown `at` seconds."""
    with av.open(path) as container:
        return next(frame.to_ndarray(format="gray") for frame in container.decode(video=0) if frame.time >= at - 0.001)


def test_a_clip_is_what_platforms_take(make_media, render_clip):
    path, rendered = render_clip(make_media(seconds=3, sound=tone), 0.4, 2.4)
    assert verify(path, 2.0) == []
    assert (rendered.frames, rendered.duration) == (50, 2.0)


def test_the_first_and_the_last_picture_are_the_ones_asked_for(make_media, render_clip):
    source = make_media(seconds=6, light=lambda time: 30 + round(time * 25), group=50)
    path, _ = render_clip(source, 3.0, 5.0)
    seen = lights(path)
    expected = (np.array([30 + k for k in range(75, 125)]) - 16) * 255 / 219
    assert len(seen) == 50
    assert np.abs(seen - expected).max() < 1.5


def test_picture_and_sound_stay_together(make_media, render_clip):
    source = make_media(seconds=4, light=lambda time: 220 if 2.0 <= time < 2.3 else 40, sound=beep(2.0))
    path, _ = render_clip(source, 1.013, 3.5)
    flash = int(np.argmax(lights(path) > 128)) / 25
    assert abs(flash - onset(heard(path))) < 0.02


def test_sound_that_begins_late_is_preceded_by_silence(make_media, render_clip):
    source = make_media(seconds=4, sound=tone, sound_from=1.5)
    path, _ = render_clip(source, 0.0, 3.0)
    assert verify(path, 3.0) == []
    assert abs(onset(heard(path)) - 1.5) < 0.03


def test_sound_that_ends_early_is_followed_by_silence(make_media, render_clip):
    source = make_media(seconds=4, sound=tone, sound_to=1.0)
    path, _ = render_clip(source, 0.5, 3.0)
    assert verify(path, 2.5) == []
    assert np.abs(heard(path)[48000:]).max() < 0.01


def test_a_kept_reaction_dies_away_after_the_words_while_the_picture_goes_on(make_media, render_clip, spoken):
    words = spoken("And that was that", 0.2, 1.5)
    source = make_media(seconds=5, light=lambda time: 40 + round(time * 40), sound=tone)
    path, _ = render_clip(source, 0.0, 4.0, words=words, fade_out=2.5)
    assert verify(path, 4.0) == []
    loudness = np.abs(heard(path)[: 4 * 48000]).reshape(-1, 4800).max(axis=1)
    assert loudness[2:14] == pytest.approx(np.full(12, loudness[8]), rel=0.05)
    assert (np.diff(loudness[15:]) < 0.01).all()
    assert loudness[27] == pytest.approx(loudness[8] / 2, rel=0.1)
    assert loudness[-1] < 0.02
    assert lights(path)[-1] > lights(path)[40]
    assert "00:00:04" not in path.with_name("captions.vtt").read_text()


def test_a_video_without_sound_gets_a_silent_track(make_media, render_clip):
    path, _ = render_clip(make_media(), 0.0, 2.0)
    assert verify(path, 2.0) == []
    assert np.abs(heard(path)).max() < 0.001


@pytest.mark.parametrize("rate", [24, 30, 50, 60])
def test_the_frame_rate_of_the_source_is_kept(make_media, render_clip, rate):
    path, rendered = render_clip(make_media(rate=rate, seconds=1.5), 0.0, 1.0)
    assert rendered.frames == rate
    with av.open(path) as container:
        assert container.streams.video[0].average_rate == rate


def test_more_than_60_frames_a_second_are_halved(make_media, render_clip):
    _, rendered = render_clip(make_media(rate=100, seconds=1.0), 0.0, 0.8)
    assert rendered.frames == 40


def test_a_variable_frame_rate_becomes_constant_and_keeps_its_times(make_media, render_clip):
    times = [*np.arange(0, 1, 0.04), *np.arange(1, 2, 0.12), *np.arange(2.04, 4, 0.28)]
    source = make_media("vfr.mkv", times=times, light=lambda time: 30 + round(time * 40), seconds=4, sound=tone)
    path, rendered = render_clip(source, 0.0, 3.0)
    assert verify(path, 3.0) == []
    seen = lights(path)
    nearest = [max(time for time in times if time <= k / 25 + 0.021) for k in range(rendered.frames)]
    expected = (np.array([30 + round(time * 40) for time in nearest]) - 16) * 255 / 219
    assert np.abs(seen - expected).max() < 2


def test_pictures_are_held_where_the_source_ends_before_the_clip(make_media, render_clip):
    path, _ = render_clip(make_media(seconds=2.0, sound=tone), 1.0, 2.5)
    assert verify(path, 1.5) == []


@pytest.mark.parametrize(
    ("size", "codec", "pixel_format", "options"),
    [
        ((321, 181), "libx264", "yuv444p", {}),
        ((320, 180), "libx265", "yuv420p10le", {"x265-params": "log-level=none"}),
        ((180, 320), "libx264", "yuv420p", {}),
        ((320, 180), "libx264", "yuvj420p", {}),
        ((64, 600), "libx264", "yuv420p", {}),
    ],
)
def test_awkward_pictures_render(make_media, render_clip, size, codec, pixel_format, options):
    source = make_media(size=size, codec=codec, pixel_format=pixel_format, options=options, seconds=1)
    path, _ = render_clip(source, 0.0, 0.8)
    assert verify(path, 0.8) == []


def test_a_picture_of_full_range_keeps_its_light(make_media, render_clip):
    path, _ = render_clip(make_media(pixel_format="yuvj420p", seconds=1, light=lambda time: 126), 0.0, 0.4)
    assert abs(lights(path).mean() - (126 - 16) * 255 / 219) < 2


def test_a_display_matrix_is_obeyed(make_media, render_clip):
    source = make_media(seconds=1, size=(320, 180), square=lambda time: (280, 90))
    data = bytearray(source.read_bytes())
    header = data.index(b"tkhd") - 4
    one = 1 << 16
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, 180 * one, 0, 1 << 30)  # a quarter turn clockwise
    data[header + 48 : header + 84] = matrix
    source.write_bytes(data)
    path, rendered = render_clip(source, 0.0, 0.8)
    assert laid_out(rendered) == ["track"]
    with av.open(path) as container:
        gray = next(container.decode(video=0)).to_ndarray(format="gray")
    rows, columns = np.nonzero(gray > 200)
    assert 440 < columns.mean() < 640  # the right edge of the coded picture is the bottom of the shown one
    assert rows.mean() > 1500


def test_pixels_that_are_not_square_are_shown_at_their_shape(make_media, render_clip):
    source = make_media(seconds=1, size=(180, 180), square=lambda time: (90, 90), pixel_aspect=Fraction(16, 9))
    path, _ = render_clip(source, 0.0, 0.8)
    with av.open(path) as container:
        gray = next(container.decode(video=0)).to_ndarray(format="gray")
    rows, columns = np.nonzero(gray > 200)
    assert abs(np.ptp(columns) / np.ptp(rows) - 16 / 9) < 0.1


def test_the_camera_follows_and_never_loses_the_subject(make_media, render_clip):
    def place(time):
        return 60 + 200 * min(1.0, max(0.0, (time - 0.5) / 2)), 90

    path, rendered = render_clip(make_media(seconds=3, square=place), 0.0, 3.0)
    assert laid_out(rendered) == ["track"]
    with av.open(path) as container:
        for frame in container.decode(video=0):
            columns = np.nonzero((frame.to_ndarray(format="gray") > 200).sum(axis=0) > 50)[0]
            assert np.ptp(columns) > 400  # 40 of 101 source pixels, all of them
            assert columns.min() > 5
            assert columns.max() < 1075


def test_a_still_subject_gets_a_still_camera(make_media, render_clip):
    path, _ = render_clip(make_media(seconds=2, square=lambda time: (200, 90)), 0.0, 2.0)
    with av.open(path) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert max(cv2.absdiff(earlier, later).mean() for earlier, later in pairwise(pictures)) < 0.5


def test_the_camera_cuts_with_the_shot(make_media, render_clip):
    source = make_media(seconds=3, square=lambda time: (70, 90) if time < 1.5 else (250, 90))
    path, rendered = render_clip(source, 0.0, 3.0, shots=[(0, 1.5), (1.5, 3)])
    assert laid_out(rendered) == ["track", "track"]
    with av.open(path) as container:
        for frame in container.decode(video=0):
            columns = np.nonzero((frame.to_ndarray(format="gray") > 200).sum(axis=0) > 50)[0]
            assert abs((columns.min() + columns.max()) / 2 - 540) < 25


def test_a_shot_without_a_face_is_fitted(make_media, render_clip):
    _, rendered = render_clip(
        make_media(seconds=3, square=lambda time: (100, 90) if time < 1.5 else None),
        0.0,
        3.0,
        shots=[(0, 1.5), (1.5, 3)],
    )
    assert laid_out(rendered) == ["track", "fit"]


def test_a_flash_of_a_shot_keeps_its_neighbours_layout(make_media, render_clip):
    source = make_media(seconds=3, square=lambda time: None if 1.0 <= time < 1.4 else (100, 90))
    _, rendered = render_clip(source, 0.0, 3.0, shots=[(0, 1), (1, 1.4), (1.4, 3)])
    assert laid_out(rendered) == ["track", "track", "track"]


def test_words_are_burned_in_where_they_are_said(make_media, render_clip, spoken):
    source = make_media(seconds=3, square=lambda time: (160, 40))
    words = spoken("Nothing is lost.", 1.0, 2.0)
    path, _ = render_clip(source, 0.0, 3.0, words=words)
    with av.open(path) as container:
        inked = [(frame.to_ndarray(format="gray")[1200:1400] > 220).sum() > 2000 for frame in container.decode(video=0)]
    assert not any(inked[:24])
    assert all(inked[26:50])
    assert not any(inked[62:])


def test_captions_can_be_left_out_of_the_picture(make_media, render_clip, spoken):
    source = make_media(seconds=2, square=lambda time: (160, 40))
    path, _ = render_clip(source, 0.0, 2.0, words=spoken("Nothing is lost.", 0.2, 2.0), captions=CaptionStyle.OFF)
    with av.open(path) as container:
        assert not any((frame.to_ndarray(format="gray")[1200:1400] > 220).any() for frame in container.decode(video=0))
    assert "Nothing is lost." in path.with_name("captions.vtt").read_text()


def _legible_ink(path):
    return (gray(path, 1.0)[1200:1400] > 220).sum()


def test_swear_words_are_masked_in_the_picture_and_in_the_files_if_asked_for(make_media, render_clip, spoken):
    source = make_media(seconds=2, square=lambda time: (160, 40))
    words = spoken("Well, bullshit!", 0.2, 1.9)
    path, _ = render_clip(source, 0.0, 2.0, words=words, profanity=Profanity.KEEP)
    kept, ink = path.with_name("captions.vtt").read_text(), _legible_ink(path)
    path, _ = render_clip(source, 0.0, 2.0, words=words, profanity=Profanity.MASK)
    assert "Well, bullshit!" in kept
    assert path.with_name("captions.vtt").read_text() == kept.replace("bullshit", "b*******")
    assert "b*******!" in path.with_name("captions.srt").read_text()
    assert 0 < _legible_ink(path) < ink


def test_a_poster_is_made(make_media, render_clip):
    path, _ = render_clip(make_media(seconds=2, square=lambda time: (160, 90)), 0.0, 2.0)
    with Image.open(path.with_name("poster.jpg")) as poster:
        assert (poster.format, poster.size) == ("JPEG", (1080, 1920))


@pytest.mark.parametrize("form", list(OutputFormat))
def test_a_clip_has_the_shape_that_was_asked_for(make_media, render_clip, form):
    canvas = CANVASES[form]
    source = make_media(seconds=1.5, sound=tone, square=lambda time: (160, 90))
    path, rendered = render_clip(source, 0.0, 1.2, output_format=form)
    assert verify(path, 1.2) == []
    assert (rendered.width, rendered.height) == (canvas.width, canvas.height)
    with av.open(path) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.width, codec.height) == (canvas.width, canvas.height)
    with Image.open(path.with_name("poster.jpg")) as poster:
        assert poster.size == (canvas.width, canvas.height)


def test_the_layout_that_was_asked_for_is_used_and_reported(make_media, render_clip):
    source = make_media(seconds=1, square=lambda time: (160, 90))
    _, rendered = render_clip(source, 0.0, 0.8, layout=LayoutChoice.FIT)
    assert laid_out(rendered) == ["fit"]
    assert rendered.shots[0].reason
    assert (rendered.shots[0].start, rendered.shots[0].end) == (0.0, 0.8)


def test_the_background_is_blurred_or_one_dark_colour(make_media, render_clip):
    source = make_media(seconds=1, light=lambda time: 180)
    blurred, _ = render_clip(source, 0.0, 0.4, layout=LayoutChoice.FIT)
    light = gray(blurred, 0.2)[:100].mean()
    solid, _ = render_clip(source, 0.0, 0.4, layout=LayoutChoice.FIT, background=Background.SOLID)
    assert 60 < light < 120
    assert gray(solid, 0.2)[:100].mean() < 25


def test_the_title_stands_in_the_picture_for_the_first_seconds_if_asked_for(make_media, render_clip):
    source = make_media(seconds=5, square=lambda time: None, light=lambda time: 60)
    path, _ = render_clip(source, 0.0, 4.4, title="It's the 🎬 that counts", hook=True)
    with_title, without = gray(path, 1.0), gray(path, 4.2)
    assert (np.abs(with_title.astype(int) - without)[250:700] > 60).sum() > 2000
    path, _ = render_clip(source, 0.0, 1.2, title="It's the 🎬 that counts")
    assert (np.abs(gray(path, 1.0).astype(int) - without)[250:700] > 60).sum() == 0


def test_captions_are_written_as_webvtt_and_subrip(make_media, render_clip, spoken):
    path, _ = render_clip(make_media(), 0.0, 2.0, words=spoken("It's 🎬 is lost.", 0.2, 1.8))
    for name in ("captions.vtt", "captions.srt"):
        assert "It's" in path.with_name(name).read_text(encoding="utf-8")


def test_progress_goes_up_to_the_end_and_reports_each_percentage_once(make_media, render_clip):
    said = []
    render_clip(make_media(seconds=4), 0.0, 4.0, report=said.append)
    assert said == sorted(set(said))
    assert said[-1] == 100
    assert 4 <= sum(percent <= 8 for percent in said) <= 9


def test_the_clips_loudness_is_reported(make_media, render_clip):
    _, rendered = render_clip(make_media(seconds=3, sound=tone), 0.0, 3.0)
    assert rendered.loudness_lufs == pytest.approx(-14, abs=0.5)
    assert rendered.true_peak_dbtp <= -1
    _, silent = render_clip(make_media("mute.mp4", seconds=1), 0.0, 1.0)
    assert silent.loudness_lufs is None


def test_picture_and_sound_are_interleaved_in_the_file(make_media, render_clip):
    path, _ = render_clip(make_media(seconds=6, sound=tone), 0.0, 6.0)
    with av.open(path) as container:
        places = [
            (packet.stream.type, float(packet.dts * packet.time_base))
            for packet in sorted(
                (packet for packet in container.demux() if packet.dts is not None), key=lambda packet: packet.pos
            )
        ]
    latest = {"video": 0.0, "audio": 0.0}
    for kind, time in places:
        latest[kind] = time
        assert abs(latest["video"] - latest["audio"]) < 0.6


def test_an_error_while_drawing_is_raised_as_it_is_and_leaves_no_clip_and_no_thread(make_media, render_clip, tmp_path):
    broken = ZeroDivisionError("the captions cannot be drawn")

    def report(percent):
        if percent > 50:
            raise broken

    before = threading.active_count()
    with pytest.raises(ZeroDivisionError) as caught:
        render_clip(make_media(seconds=3), 0.0, 3.0, report=report)
    assert caught.value is broken
    assert [path.name for path in (tmp_path / "out").iterdir()] == []
    assert threading.active_count() == before


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100, os.urandom(4096)])
def test_a_source_that_is_no_video_fails_for_good_with_a_sentence(tmp_path, render_clip, content):
    source = tmp_path / "broken.mp4"
    source.write_bytes(content)
    with pytest.raises(Permanent) as caught:
        render_clip(source)
    assert caught.value.code is ErrorCode.UNREADABLE_MEDIA
    assert "cannot be decoded" in caught.value.sentence


def test_a_damaged_packet_costs_its_pictures_only(make_media, render_clip):
    source = make_media(seconds=4, sound=tone, group=10)
    data = bytearray(source.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 200] = bytes(200)
    source.write_bytes(data)
    path, _ = render_clip(source, 0.0, 3.5)
    assert verify(path, 3.5) == []
