"""The quality of understanding: the speech, the shots, the picked moments.

Run: `make bench-understanding`, or `.venv/bin/python tests/bench/understanding.py PART…` for some of it. The parts are
speech, languages, scenes, moments, plans, reactions, heard, room, requests and asking. Needs the development corpus
(CLIPMILL_CORPUS names its folder). Results are written to RESULTS.md beside this file.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from figures import Figure, load, machine, write_section
from understanding import asking, heard, languages, moments, plans, reactions, requests, room, scenes, speech

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
TITLE = "Understanding: `.venv/bin/python tests/bench/understanding.py"

PARTS: dict[str, tuple[Callable[[Path, Path], list[Figure]], str]] = {
    "speech": (
        speech.measure,
        "tiny.en, int8; words compared without marks and capitals; a sentence's edges are those of its first and last "
        "word where these were heard.",
    ),
    "languages": (
        languages.measure,
        "multilingual base, int8, without network; espeak-ng speaks our texts in twelve languages and English; errors "
        "of words, for Chinese and Japanese of characters; plain is sequential faster-whisper, beam 5, without a voice "
        "detector. Both get the language where they did not hear it.",
    ),
    "scenes": (scenes.measure, "medians of alternating rounds where times are compared."),
    "moments": (
        moments.measure,
        "a hit overlaps a planted highlight by half of what both cover together; as many are picked as were planted.",
    ),
    "plans": (
        plans.measure,
        "plans of 1 to 15 clips and one that leaves the number open, for each source; teasers are copies of the first "
        "three sentences of a planted highlight, or of all of them, at the start of a talk.",
    ),
    "reactions": (
        reactions.measure,
        "five folds, near-duplicates in one fold; transcripts without a reaction are left out.",
    ),
    "heard": (
        heard.measure,
        "sounds of the room made up at the marks of real reactions, as YAMNet was measured; the learned model has not "
        "seen the transcripts.",
    ),
    "room": (
        room.measure,
        "score 98; half of the reactions while the speaker waits and half while the talk goes on; recordings of Debian "
        "packages, speech of piper at -20 dBFS.",
    ),
    "requests": (
        requests.measure,
        "requests as people would ask, most without a word of their passage; a hit overlaps the planted highlight by "
        "half of what both cover together.",
    ),
    "asking": (
        asking.measure,
        "tokens of Whisper's own tokenizer, of what a server on loopback received.",
    ),
}


def main() -> None:
    if not (CORPUS / "talk.mp4").is_file():
        sys.exit("The development corpus is not here; CLIPMILL_CORPUS may name its folder.")
    for name in [part for part in PARTS if part in sys.argv[1:]] or list(PARTS):
        measure, facts = PARTS[name]
        began = load()
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(CORPUS, Path(folder))
        print(*rows, sep="\n", flush=True)
        write_section(f"{TITLE} {name}`", f"{machine()}; {began} at the start; {facts}", rows)


if __name__ == "__main__":
    main()
