"""What a decoder says of a frame beside its samples."""

import av
from av.sidedata.sidedata import SideData, Type


def side_data(frame: av.VideoFrame, kind: Type) -> bytes | None:
    """Return the bytes of FFmpeg's structure of this `kind` that came with `frame`, None if there is none."""
    found = frame.side_data.get(kind.name)
    return bytes(found) if isinstance(found, SideData) else None
