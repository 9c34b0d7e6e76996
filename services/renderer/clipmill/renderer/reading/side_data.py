"""What a decoder says of a frame beside its samples."""

import av
from av.sidedata.sidedata import SideData, Type


def side_data(frame: av.VideoFrame, kind: Type) -> bytes | None:
    """Return the bytes of FFmpeg's structure of this `kind` that came with `frame`, None if there is none.

    PyAV gives all of a frame's side data or, should FFmpeg have added a kind that PyAV does not know (EXIF in a
    camera's motion JPEG), none: then None, whatever there is.
    """
    try:
        found = frame.side_data.get(kind.name)
    except ValueError:
        return None
    return bytes(found) if isinstance(found, SideData) else None
