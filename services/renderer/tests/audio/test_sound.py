"""Sound of any format becomes 48 kHz stereo."""

import av
import numpy as np
import pytest
from clipmill.renderer.audio.sound import Converter
from clipmill.renderer.reading.source import FrameSample, Source


def piece(layout, channels, *, rate=48000, packed=False):
    """Return a frame whose first channel is a tone, and the others its opposite at half the level."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(1024) / rate)
    samples = np.stack([tone, *[-0.5 * tone] * (channels - 1)]).astype(np.float32)
    if packed:
        samples = np.ascontiguousarray((samples * 32767).astype(np.int16).T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16" if packed else "fltp", layout=layout)
    frame.sample_rate = rate
    return frame


def converted(layout, channels, **form):
    converter = Converter()
    return np.concatenate(
        [*(converter.convert(piece(layout, channels, **form)) for _ in range(10)), converter.flush()], axis=1
    )


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("layout", "channels"), [("ambisonic 1", 4), ("BL+BR", 2)])
def test_the_first_of_channels_without_a_known_mix_is_heard_on_both_sides(layout, channels, packed):
    out = converted(layout, channels, packed=packed)
    assert out.shape == (2, 10240)
    assert np.array_equal(out[0], out[1])
    alone = converted("mono", 1, packed=packed)
    assert np.abs(out - alone).max() < 1e-3


def test_sound_that_cannot_be_mapped_is_resampled_too():
    assert converted("ambisonic 1", 4, rate=44100).shape[1] == pytest.approx(10240 * 48000 / 44100, abs=2)


def test_formats_may_change_from_and_to_one_that_cannot_be_mapped():
    converter = Converter()
    forms = [("stereo", 2), ("ambisonic 1", 4), ("BL+BR", 2), ("mono", 1)]
    parts = [converter.convert(piece(*form)) for form in forms]
    assert sum(part.shape[1] for part in parts) + converter.flush().shape[1] == 4096


def test_a_frame_without_a_usable_channel_is_silent_for_as_long(monkeypatch):
    class Broken:
        def resample(self, frame):
            raise av.error.ArgumentError(22, "Invalid argument")

    monkeypatch.setattr(av, "AudioResampler", lambda **form: Broken())
    out = converted("stereo", 2, rate=24000)
    assert out.shape == (2, 20480)
    assert not out.any()


@pytest.mark.media
def test_sound_never_costs_the_picture(tmp_path):
    path = tmp_path / "room.mkv"
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("libopus", rate=48000, layout="quad", options={"mapping_family": "255"})
        for index in range(50):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = index
            container.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 4 * 1920), np.float32), format="flt", layout="quad")
            sound.sample_rate, sound.pts = 48000, index * 1920
            container.mux(audio.encode(sound))
        container.mux([*video.encode(None), *audio.encode(None)])
    data = bytearray(path.read_bytes())
    data[data.index(b"OpusHead") + 18] = 2  # the channels are those of ambisonics
    path.write_bytes(data)
    with path.open("rb") as file, Source(file) as source:
        assert any(isinstance(item, FrameSample) for item in list(source.frame_samples(0.0, 50)))
        assert source.sound_reduced
