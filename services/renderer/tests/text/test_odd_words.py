"""Words and titles that no transcript should have are still rendered."""

import re
from itertools import pairwise

import av
import numpy as np
import pytest
from clipmill.contracts.documents import Word
from clipmill.contracts.options import CaptionStyle, OutputFormat

pytestmark = pytest.mark.media

SECONDS = 1.0
CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3})")


def word(text, start, end):
    return Word(text=text, start=start, end=end)


def cues(path):
    """Return start and end of each cue, in seconds."""
    found = [line for line in path.read_text(encoding="utf-8").splitlines() if " --> " in line]
    times = [[int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms in CLOCK.findall(x)] for x in found]
    return [(start, end) for start, end in times]


def middle_frame(path):
    with av.open(path) as container:
        frames = [frame.to_ndarray(format="gray8") for frame in container.decode(video=0)]
    return frames[len(frames) // 2]


WORDS = {
    "overlapping": [word("one", 0.0, 0.6), word("two", 0.2, 0.9), word("three", 0.1, 0.5), word("four", 0.4, 1.0)],
    "without length": [word(text, 0.5, 0.5) for text in ("one", "two", "three", "four", "five", "six", "seven")],
    "running backwards": [word("late", 0.8, 0.9), word("early", 0.1, 0.2), word("ended", 0.6, 0.3)],
    "far outside": [word("before", -900.0, -899.0), word("within", 0.3, 0.7), word("after", 9e5, 9e5 + 1)],
    "longer than the clip": [word("aaah", -300.0, 300.9)],
    "three thousand a minute": [word(f"w{index}", index / 50, (index + 1) / 50) for index in range(50)],
    "as long as sentences": [word("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamte" * 2, 0.1, 0.9)],
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("style", [CaptionStyle.BOX, CaptionStyle.FILL])
def test_odd_times_and_words_are_captioned_in_order(make_media, render_clip, name, style):
    path, rendered = render_clip(
        make_media(seconds=SECONDS), end=SECONDS, words=WORDS[name], captions=style, output_format=OutputFormat.SQUARE
    )
    assert rendered.frames == 25
    shown = cues(path.with_name("captions.vtt"))
    assert shown
    assert shown == cues(path.with_name("captions.srt"))
    assert all(0 <= start < end <= SECONDS for start, end in shown)
    assert all(before[1] <= after[0] for before, after in pairwise(shown))


@pytest.mark.parametrize(
    "title",
    [
        "the secret nobody tells you about anything at all " * 6,
        "Hippopotomonstrosesquippedaliophobiahippopotomonstrosesquip",
    ],
    ids=["300 letters", "one word"],
)
@pytest.mark.parametrize("form", list(OutputFormat))
def test_a_title_of_any_length_has_room(make_media, render_clip, title, form):
    path, rendered = render_clip(make_media(seconds=0.6, rate=10), end=0.6, title=title, hook=True, output_format=form)
    assert rendered.missing_letters == ""
    drawn = np.argwhere(middle_frame(path) > 200)
    (top, left), (bottom, right) = drawn.min(axis=0), drawn.max(axis=0)
    assert left > 0.04 * rendered.width
    assert right < 0.96 * rendered.width
    assert bottom - top < 0.3 * rendered.height


def test_words_in_a_script_without_a_font_leave_their_captions_beside_the_clip(make_media, render_clip):
    words = [word("𓀀𓀁", 0.0, 0.4), word("𓂀", 0.4, 0.9)]
    path, rendered = render_clip(make_media(seconds=SECONDS), end=SECONDS, words=words)
    assert rendered.missing_letters == "𓀀𓀁𓂀"
    assert "𓀀𓀁 𓂀" in path.with_name("captions.srt").read_text(encoding="utf-8")
    assert middle_frame(path).max() < 200
