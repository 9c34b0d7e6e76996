"""Reading of caption files, as strict as that of players."""

import re
from pathlib import Path

from clipmill.artifacts.subtitles import Cue

CUE = re.compile(r"^(?:(\d+):)?(\d\d):(\d\d)[.,](\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)[.,](\d{3})(?: .*)?$")
"""Line with a cue's times, in WebVTT (https://www.w3.org/TR/webvtt1/) and in SubRip, which writes commas."""


def cues(path: Path) -> list[Cue]:
    """Return the cues of a `.vtt` or `.srt` file.

    Raises:
        ValueError: The file is malformed; the message names the fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error
    blocks = [block.splitlines() for block in re.split(r"\n{2,}", text.replace("\r\n", "\n").strip("\n\ufeff"))]
    if path.suffix == ".vtt":
        if not blocks[0] or not re.match(r"WEBVTT(\s|$)", blocks[0][0]):
            raise ValueError("it does not begin with WEBVTT")
        blocks = [block for block in blocks[1:] if not block[0].startswith(("NOTE", "STYLE", "REGION"))]
    return [_cue(block) for block in blocks if block]


def _cue(lines: list[str]) -> Cue:
    times = next((match for line in lines[:2] if (match := CUE.match(line))), None)
    if times is None:
        raise ValueError(f"the cue that begins with the line {lines[0]!r} has no line of times")
    start, end = _seconds(*times.groups()[:4]), _seconds(*times.groups()[4:])
    after = 1 + next(index for index, line in enumerate(lines) if CUE.match(line))
    return Cue(start, end, "\n".join(lines[after:]))


def _seconds(hours: str | None, minutes: str, seconds: str, thousandths: str) -> float:
    return 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + int(thousandths) / 1000
