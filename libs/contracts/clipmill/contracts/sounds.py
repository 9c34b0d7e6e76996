"""The sounds of the room, as `transcript.json` has them."""

from msgspec import Struct

SOUND_SECONDS = 0.5
"""Length of the piece of sound that has one score of each kind in `Sounds`, in seconds."""

EVEN_SOUND_SCORE = 128
"""Score in `Sounds` of a sound that is as likely as not."""

SOUND_SCORE_STEPS = 8
"""Steps of a score in `Sounds` for each unit of log-odds, which is finer than the model's own steps of three quarters.
Scores are not probabilities because faint sounds have one below 0.01, where a byte for 0 to 1 has four values."""


class Sounds(Struct, frozen=True, kw_only=True):
    """The sounds of the room, from second 0 on: a byte for each half second, `EVEN_SOUND_SCORE` + log-odds x 8.

    Readers choose the score from which they believe a sound: 104 is a probability of 0.05, and 150 one of 0.94. All
    kinds have equally many scores. A score of 0 says that nobody listened, as before the part of the source that is
    used. JSON has the scores in Base64.

    Attributes:
        laughter: Laughs of any kind.
        applause: Applause and clapping.
        cheering: Cheers and whoops.
        shouting: Shouts and screams.
        music: Music, with or without a voice.
        singing: Singing, rapping and humming.
    """

    laughter: bytes = b""
    applause: bytes = b""
    cheering: bytes = b""
    shouting: bytes = b""
    music: bytes = b""
    singing: bytes = b""
