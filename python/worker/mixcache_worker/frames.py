"""Frames between the engine and this worker; the layout is that of src/engine/segments/torch-frames.ts.

    4 bytes "MXF1", uint32 length of the header, uint64 length of the payload (little-endian)
    header: UTF-8 JSON, one object with a `type`; `tensors` describes the payload
    payload: the tensors' elements one after the other
"""

import json
import math
import struct
from typing import BinaryIO

#: Raised with every change of the messages; src/engine/segments/torch-protocol.ts has the same.
PROTOCOL = 1
MAGIC = b"MXF1"
PREFIX = struct.Struct("<4sIQ")
MAX_HEADER_BYTES = 2**24
MAX_PAYLOAD_BYTES = 2**30
BYTES_OF = {"float32": 4, "float16": 2, "int64": 8}


class FrameError(Exception):
    """Bytes that are no frame."""


def tensor_bytes(tensor: dict) -> int:
    """@throws FrameError where the description is none."""
    try:
        dims = tensor["dims"]
        if any(type(dim) is not int or dim < 0 for dim in dims):
            raise FrameError(f"a tensor has the sizes {dims}")
        return math.prod(dims) * BYTES_OF[tensor["dtype"]]
    except (KeyError, TypeError) as error:
        raise FrameError(f"a tensor is not described: {error}") from None


def read_frame(stream: BinaryIO) -> tuple[dict, bytearray] | None:
    """The next frame, or None where the stream ends between frames.

    Lengths are checked before memory is taken for them. @throws FrameError
    """
    prefix = read_exactly(stream, PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < PREFIX.size:
        raise FrameError("the stream ends within a frame")
    magic, header_bytes, payload_bytes = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise FrameError("no frame begins there")
    if header_bytes > MAX_HEADER_BYTES or payload_bytes > MAX_PAYLOAD_BYTES:
        raise FrameError(f"a header of {header_bytes} and a payload of {payload_bytes} bytes are announced")
    text = read_exactly(stream, header_bytes)
    if len(text) < header_bytes:
        raise FrameError("the stream ends within a frame")
    header = parse_header(text)
    wanted = sum(tensor_bytes(tensor) for tensor in header["tensors"])
    if wanted != payload_bytes:
        raise FrameError(f"a payload has {payload_bytes} bytes, its tensors {wanted}")
    payload = read_exactly(stream, payload_bytes)
    if len(payload) < payload_bytes:
        raise FrameError("the stream ends within a frame")
    return header, payload


def parse_header(text: bytearray) -> dict:
    try:
        header = json.loads(text)
    except ValueError:
        raise FrameError("a header is not JSON") from None
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise FrameError("a header has no type")
    if not isinstance(header.setdefault("tensors", []), list):
        raise FrameError("a header has tensors that are none")
    return header


def read_exactly(stream: BinaryIO, count: int) -> bytearray:
    """As many bytes, or fewer where the stream ends."""
    buffer = bytearray(count)
    view, filled = memoryview(buffer), 0
    while filled < count:
        got = stream.readinto(view[filled:])
        if not got:
            break
        filled += got
    view.release()
    del buffer[filled:]
    return buffer


def write_frame(stream: BinaryIO, header: dict, payload: bytes | memoryview = b"") -> None:
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    stream.write(PREFIX.pack(MAGIC, len(text), len(payload)) + text)
    if len(payload):
        stream.write(payload)
    stream.flush()
