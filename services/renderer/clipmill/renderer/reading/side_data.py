"""The data that a decoder gives with a frame's samples."""

import av
from av.sidedata.sidedata import SideData, Type


def side_data(frame: av.VideoFrame, kind: Type) -> bytes | None:
    """Return the bytes of FFmpeg's structure of this `kind` that came with `frame`, None if there is none.

    PyAV gives none of a frame's side data if FFmpeg added a kind that PyAV does not know (EXIF in a camera's motion
    JPEG); the result is None then too.
    """
    try:
        found = frame.side_data.get(kind.name)
    except ValueError:
        return None
    return bytes(found) if isinstance(found, SideData) else None
