"""The torch worker's frames."""

import io
import struct
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python/worker"), str(ROOT / "python/models")]

from mixcache_worker import frames  # noqa: E402


def frame_of(header: dict, payload: bytes = b"") -> bytes:
    stream = io.BytesIO()
    frames.write_frame(stream, header, payload)
    return stream.getvalue()


class TestFrames:
    def test_what_is_written_is_read(self):
        tensor = {"dtype": "float32", "dims": [2]}
        data = frame_of({"type": "upload", "tensors": [tensor]}, b"12345678") + frame_of({"type": "ping"})
        stream = io.BytesIO(data)
        assert frames.read_frame(stream) == ({"type": "upload", "tensors": [tensor]}, b"12345678")
        assert frames.read_frame(stream) == ({"type": "ping", "tensors": []}, b"")
        assert frames.read_frame(stream) is None

    @pytest.mark.parametrize("length", [1, 15, 16, 20, 60])
    def test_a_stream_that_ends_within_a_frame(self, length: int):
        data = frame_of({"type": "upload", "tensors": [{"dtype": "float32", "dims": [2]}]}, b"12345678")
        with pytest.raises(frames.FrameError, match="ends within a frame"):
            frames.read_frame(io.BytesIO(data[:length]))

    @pytest.mark.parametrize("data", [
        b"Loading checkpoint shards",
        struct.pack("<4sIQ", b"MXF1", 2**24 + 1, 0),
        struct.pack("<4sIQ", b"MXF1", 2, 2**62),
        struct.pack("<4sIQ", b"MXF1", 1, 0) + b"{",
        struct.pack("<4sIQ", b"MXF1", 2, 0) + b"[]",
        frame_of({"type": "upload", "tensors": [{"dtype": "float32", "dims": [2]}]}, b"1234"),
        frame_of({"type": "upload", "tensors": [{"dtype": "float32", "dims": [-1]}]}),
        frame_of({"type": "upload", "tensors": [{"dtype": "float8", "dims": [1]}]}),
        frame_of({"type": "upload", "tensors": [1]}),
    ])
    def test_bytes_that_are_no_frame(self, data: bytes):
        with pytest.raises(frames.FrameError):
            frames.read_frame(io.BytesIO(data))
