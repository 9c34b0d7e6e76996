"""A pyannote pipeline that needs no weights: it distinguishes speakers by their level."""

import numpy as np
from pyannote.audio import Pipeline
from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
from pyannote.core import Annotation, Segment

LOUD, AUDIBLE = 0.1, 0.001


class LevelDiarization(Pipeline):
    """Finds `SPEAKER_01` in each second with a loud sample, `SPEAKER_00` in each other one that is not silent."""

    def __init__(self, token=None, cache_dir=None):
        super().__init__()

    def apply(self, file, num_speakers=None, min_speakers=None, max_speakers=None, hook=None):
        hook = self.setup_hook(file, hook)
        samples, rate = file["waveform"][0].numpy(), file["sample_rate"]
        found = Annotation()
        starts = range(0, len(samples), rate)
        for number, start in enumerate(starts):
            second = samples[start : start + rate]
            level = np.abs(second).max()
            if level > AUDIBLE:
                speaker = "SPEAKER_01" if level > LOUD else "SPEAKER_00"
                found[Segment(number, number + len(second) / rate)] = speaker
            hook("segmentation", None, total=len(starts), completed=number + 1)
        hook("embeddings", None, total=2, completed=1)
        return DiarizeOutput(found.support(), found.support())
