"""The cost of captions: milliseconds a frame of dividing, placing, setting and drawing them, in each style.

Run: `.venv/bin/python tests/bench/captions.py`. A minute of speech is drawn on 1080x1920 over a face that sways. A
frame may cost a tenth of what its encode takes on two cores (45 frames a second; see the section about rendering).
The results are written to RESULTS.md beside this file.
"""

import time
from math import sin

import numpy as np
from clipmill.contracts.documents import Segment, Word
from clipmill.contracts.options import CaptionStyle, OutputFormat
from clipmill.renderer.canvas import CANVASES
from clipmill.renderer.framings import Framing, Layout, Pane
from clipmill.renderer.pictures import Picture
from clipmill.renderer.seeing.faces import Box
from clipmill.renderer.text.styles import STYLES
from clipmill.renderer.text.subtitling import Subtitler, caption
from figures import Figure, machine, write_section

TITLE = "Captions: `.venv/bin/python tests/bench/captions.py`"

SECONDS, RATE = 60, 30.0
WORDS_A_SECOND = 3.0
MOST_MS = 0.1 * 1000 / 45

SENTENCE = "If boarding were fast, nobody would ever pay $1,200 extra for it, O'Brien said 🔥."

CANVAS = CANVASES[OutputFormat.VERTICAL]


def main() -> None:
    """Measure every style and write the figures to RESULTS.md."""
    figures = [measured(style) for style in STYLES]
    print(*figures, sep="\n")
    write_section(TITLE, f"{machine()}; {SECONDS} s of speech at {RATE:.0f} frames/s, one thread.", figures)


def measured(style: CaptionStyle) -> Figure:
    """Return the cost of a style."""
    picture = _picture()
    began = time.perf_counter()
    captioning = caption(_speech(), 0.0, float(SECONDS), style, CANVAS)
    subtitler = Subtitler(captioning.chunks, style, CANVAS, RATE, _framing)
    planned = time.perf_counter()
    frames = round(SECONDS * RATE)
    for frame in range(frames):
        subtitler.draw(frame, picture)
    ended = time.perf_counter()
    each = 1000 * (ended - began) / frames
    drawing = 1000 * (ended - planned) / frames
    seen = f"{each:.2f} ms a frame ({planned - began:.2f} s before the first, then {drawing:.2f} ms each)"
    return Figure(style.value, seen, f"< {MOST_MS:.1f} ms", met=each < MOST_MS)


def _speech() -> list[Segment]:
    texts = SENTENCE.split()
    step = 1 / WORDS_A_SECOND
    count = int(SECONDS * WORDS_A_SECOND)
    words = [Word(text=texts[index % len(texts)], start=index * step, end=(index + 1) * step) for index in range(count)]
    sentences = [tuple(words[begin : begin + len(texts)]) for begin in range(0, count, len(texts))]
    return [Segment(text="", start=said[0].start, end=said[-1].end, words=said) for said in sentences]


def _framing(frame: int) -> Framing:
    face = Box(340 + 60 * sin(frame / 40), 700 + 200 * sin(frame / 300), 400, 400)
    return Framing(Layout.TRACK, (Pane(Box(0, 0, 1080, 1920), 0, 0, 1080, 1920, (face,)),))


def _picture() -> Picture:
    shape = (CANVAS.height, CANVAS.width)
    half = (CANVAS.height // 2, CANVAS.width // 2)
    return Picture(np.full(shape, 110, np.uint8), np.full(half, 128, np.uint8), np.full(half, 128, np.uint8))


if __name__ == "__main__":
    main()
