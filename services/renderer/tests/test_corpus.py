import json

import numpy as np
import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.options import LayoutChoice, OutputFormat
from clipmill.renderer.audio.sound import SAMPLE_RATE
from clipmill.renderer.audio.soundtrack import Soundtrack
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.checking.verification import verify
from clipmill.renderer.directing.direction import direct
from clipmill.renderer.reading.source import Source
from clipmill.renderer.seeing.survey import survey
from clipmill.renderer.shots import Span

pytestmark = pytest.mark.media

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


def test_a_moving_head_stays_in_the_picture(corpus, tmp_path):
    from clipmill.operations.models import locate
    from clipmill.renderer.seeing.blazeface import BlazeFace

    truth = json.loads((corpus / "moving_face.truth.json").read_text())
    detector = BlazeFace(locate("blazeface-full-range"))
    with (
        (corpus / "moving_face.mp4").open("rb") as file,
        Source(file) as source,
        Soundtrack(tmp_path, 6 * SAMPLE_RATE) as soundtrack,
    ):
        seen = survey(source, 0.0, 180, [Span(0, 179)], detector, soundtrack=soundtrack, report=lambda share: None)
    direction = direct(seen, np.zeros(180, np.bool_), CANVASES[OutputFormat.VERTICAL], LayoutChoice.AUTO)
    for frame, row in enumerate(truth["faces"][:180]):
        box, (pane,) = row["boxes"][0], direction.framing(frame).panes
        assert pane.crop.left <= box["x"] + 1
        assert box["x"] + box["w"] <= pane.crop.right + 1
