"""FFmpeg's audio filters as a function of samples."""

from fractions import Fraction

import av
import numpy as np
from clipmill.renderer.audio.sound import CHANNELS, SAMPLE_RATE, Samples

PLANAR_FLOATS = ("aformat", "sample_fmts=fltp:channel_layouts=stereo")


class Filter:
    """A chain of FFmpeg's audio filters through which 48 kHz stereo sound flows.

    Args:
        chain: Names of filters and their arguments, in order. They may change the sample rate, but not the number of
            channels.
    """

    def __init__(self, *chain: tuple[str, str]) -> None:
        self._graph = av.filter.Graph()
        self._source = self._graph.add_abuffer(
            sample_rate=SAMPLE_RATE, format="fltp", layout="stereo", time_base=Fraction(1, SAMPLE_RATE)
        )
        last = self._source
        for name, arguments in (*chain, PLANAR_FLOATS):
            step = self._graph.add(name, arguments)
            last.link_to(step)
            last = step
        self._sink = self._graph.add("abuffersink")
        last.link_to(self._sink)
        self._graph.configure()
        self._given = 0
        self.metadata: dict[str, str] = {}

    def push(self, samples: Samples) -> Samples:
        """Filter `samples` and return the output so far, which may be shorter or empty."""
        if not samples.shape[1]:
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = self._given
        self._given += samples.shape[1]
        self._source.push(frame)
        return self._pull()

    def flush(self) -> Samples:
        """Return the rest of the output; nothing may be pushed after that."""
        self._source.push(None)
        return self._pull()

    def _pull(self) -> Samples:
        parts = [np.zeros((CHANNELS, 0), np.float32)]
        while True:
            try:
                frame = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return np.concatenate(parts, axis=1)
            if isinstance(frame, av.AudioFrame):
                self.metadata = frame.metadata or self.metadata
                parts.append(np.asarray(frame.to_ndarray(), np.float32))
