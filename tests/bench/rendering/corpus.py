"""A render of each file of the development corpus: a clip without faults, or the right error code."""

from pathlib import Path

import msgspec
from clipmill.contracts.failures import Permanent, Transient
from clipmill.contracts.options import JobOptions
from clipmill.renderer.checking.verification import verify
from figures import Figure

from rendering import our_renders
from rendering.ffmpeg_renders import Cut

LONGEST_SECONDS = 6.0
REFUSED = {"audio_only.m4a": "no_video", "not_a_video.mp4": "unreadable_media", "truncated.mp4": "unreadable_media"}


def measure(corpus: Path, folder: Path) -> list[Figure]:
    """Render part of each file and return the results."""
    expected = msgspec.json.decode((corpus / "edge" / "expect.json").read_bytes())
    lengths = {corpus / "edge" / name: float(facts.get("duration") or 1.0) for name, facts in expected.items()}
    for truth in sorted(corpus.glob("*.truth.json")):
        lengths[corpus / truth.name.replace(".truth.json", ".mp4")] = msgspec.json.decode(truth.read_bytes())[
            "duration"
        ]
    wrong, slowest = [], 0.0
    for source, length in lengths.items():
        seconds = min(LONGEST_SECONDS, length)
        found, took = _tried(Cut(source, min(1.0, length - seconds), seconds, 25.0), folder)
        slowest = max(slowest, took / seconds)
        wanted = REFUSED.get(source.name, "")
        if found != wanted:
            wrong.append(f"{source.name}: {found or 'rendered'}, not {wanted or 'rendered'}")
    return [
        Figure(
            "files of the corpus rendered without a finding of `clipmill verify`, or refused with the right code",
            f"{len(lengths) - len(wrong)} of {len(lengths)}" + (f" ({'; '.join(wrong)})" if wrong else ""),
            "all",
            not wrong,
        ),
        Figure("the slowest of them", f"{slowest:.1f} × its length"),
    ]


def _tried(cut: Cut, folder: Path) -> tuple[str, float]:
    """Return the faults of the clip, or the code of the refusal, and the time that it took."""
    try:
        outcome = our_renders.render(our_renders.request(cut, folder / "clip", our_renders.Known(), JobOptions()))
    except (Permanent, Transient) as error:
        return error.code.value, 0.0
    findings = verify(outcome.clip, outcome.rendered.duration)
    return "; ".join(finding.sentence for finding in findings), outcome.seconds
