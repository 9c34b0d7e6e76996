"""Recorded documents that came after the first ones; `recorded_values` has the others."""

from clipmill.contracts.documents import (
    Chapter,
    EngineFacts,
    HeatPoint,
    MediaFacts,
    Origin,
    Plan,
    PlannedClip,
    ScorePart,
    Segment,
    Transcript,
    VideoFacts,
    Word,
)
from recorded_captions import BOLD

LATER_DOCUMENTS = {
    "marked": MediaFacts(
        stem="bread_talk",
        title="Brot: ein Gespräch",
        container="mp4",
        duration=93.5,
        size_bytes=7_340_032,
        origin=Origin.YOUTUBE,
        video=VideoFacts(codec="h264", width=1920, height=1080),
        heatmap=(HeatPoint(start=0.0, end=0.935, value=1.0), HeatPoint(start=0.935, end=1.87, value=0.0625)),
        chapters=(Chapter(start=0.0, end=42.5, title="Der Teig"), Chapter(start=42.5, end=93.5)),
    ),
    "faded": Plan(
        clips=(
            PlannedClip(
                number=1,
                start=5.75,
                end=35.5,
                title="Warum Teig ruht",
                tiktok="Warum Teig ruht #brot",
                instagram="Warum Teig ruht #brot",
                youtube="Warum Teig ruht",
                score=77,
                parts=(ScorePart(name="base", points=40), ScorePart(name="reactions", points=37)),
                fade_in=0.1,
                fade_out=2.25,
            ),
        ),
        picker="local",
        options=BOLD,
    ),
    "aligned": Transcript(
        language="de",
        duration=5.0,
        segments=(
            Segment(text="Ruhe.", start=4.25, end=5.0, words=(Word(text="Ruhe.", start=4.25, end=5.0, score=0.125),)),
        ),
        engine=EngineFacts(
            name="whisperx", model="small", device="cpu", compute_type="int8", word_times="alignment", certainty=0.375
        ),
    ),
}
"""Documents by the names of their files."""
