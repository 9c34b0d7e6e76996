"""Small constants of an ONNX file, read without the package `onnx`, which nothing else here needs."""

from collections.abc import Iterator

GRAPH = 7
"""Number of the field `graph` of a ModelProto (onnx.proto)."""

INITIALIZER = 5
"""Number of the field `initializer` of a GraphProto."""

NAME = 8
"""Number of the field `name` of a TensorProto."""

RAW_DATA = 9
"""Number of the field `raw_data` of a TensorProto: its values, little-endian."""


class _Wire:
    """The wire types of Protocol Buffers that ONNX uses."""

    VARINT = 0
    EIGHT_BYTES = 1
    LENGTH = 2
    FOUR_BYTES = 5


def read_initializers(model: bytes) -> dict[str, bytes]:
    """Return the raw values of all initializers that are stored in an ONNX file itself, by name.

    Args:
        model: Bytes of the file.

    Raises:
        ValueError: if the bytes are no Protocol Buffers message.
    """
    found = {}
    for graph in _fields(model, GRAPH):
        for tensor in _fields(graph, INITIALIZER):
            for values in _fields(tensor, RAW_DATA):
                found[next(_fields(tensor, NAME)).decode()] = values
    return found


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the contents of each field with the number `wanted` that has bytes or a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case _Wire.VARINT:
                _, at = _varint(message, at)
            case _Wire.LENGTH:
                length, at = _varint(message, at)
                if key >> 3 == wanted:
                    yield message[at : at + length]
                at += length
            case _Wire.EIGHT_BYTES:
                at += 8
            case _Wire.FOUR_BYTES:
                at += 4
            case kind:
                raise ValueError(f"wire type {kind} is unknown")
    if at > len(message):
        raise ValueError("the message ends inside a field")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place, seven bits a byte, the lowest first, and the place after it."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("the message ends inside a number")
