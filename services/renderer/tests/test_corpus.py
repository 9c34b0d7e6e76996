import json

import pytest
from clipmill.contracts.documents import Scenes
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.renderer.directing import Director, Pace
from clipmill.renderer.reading import Sound, Source
from clipmill.renderer.shots import spans
from clipmill.renderer.verification import verify

READABLE = (
    "hevc_10bit.mp4",
    "late_audio.mp4",
    "mono_8k.mp4",
    "mpeg2_interlaced.ts",
    "no_audio.mp4",
    "odd_size.mp4",
    "plain_name.mp4",
    "portrait.mp4",
    "rotated.mov",
    "silence.mp4",
    "tiny.mp4",
    "two_audio_tracks.mkv",
    "vfr.mkv",
    "vp9_opus.webm",
)


@pytest.mark.parametrize("name", READABLE)
def test_every_awkward_file_renders(corpus, render_clip, name):
    start, end = (0.0, 1.0) if name == "tiny.mp4" else (3.4, 4.6)
    path, _ = render_clip(corpus / "edge" / name, start, end)
    assert verify(path, end - start) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("audio_only.m4a", ErrorCode.NO_VIDEO),
        ("truncated.mp4", ErrorCode.UNREADABLE_MEDIA),
        ("not_a_video.mp4", ErrorCode.UNREADABLE_MEDIA),
    ],
)
def test_every_unusable_file_is_refused(corpus, render_clip, name, code):
    with pytest.raises(Permanent) as caught:
        render_clip(corpus / "edge" / name)
    assert caught.value.code is code


def test_a_moving_head_stays_in_the_picture(corpus):
    from clipmill.operations.models import locate
    from clipmill.renderer.blazeface import BlazeFace

    truth = json.loads((corpus / "moving_face.truth.json").read_text())
    detector = BlazeFace(locate("blazeface-full-range"))
    with (corpus / "moving_face.mp4").open("rb") as file, Source(file) as source:
        rate = float(source.rate)
        director = Director(
            spans(Scenes(shots=(), detector="", frame_rate=rate).shots, 0, rate, 180), Pace(rate), detector
        )
        framings = [
            framed.framing
            for item in source.read(0.0, 180)
            if not isinstance(item, Sound)
            for framed in director.push(item)
        ]
    assert len(framings) == 180
    for framing, row in zip(framings, truth["faces"], strict=False):
        box = row["boxes"][0]
        assert framing.crop.left <= box["x"] + 1
        assert box["x"] + box["w"] <= framing.crop.right + 1
