"""The real torch worker with one fault, for the fault drills: `bad_worker.py <fault> <worker's arguments>`.

The fault happens at the second message `graph` of each process.
"""

import os
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "python/worker"), str(ROOT / "python/models")]

from mixcache_worker import channel, main  # noqa: E402

FAULT, sys.argv = sys.argv[1], [sys.argv[0], *sys.argv[2:]]
seen = 0


def faulty(write):
    def instead(stream, header, payload=b""):
        global seen
        seen += header["type"] == "graph"
        if header["type"] != "graph" or seen != 2:
            return write(stream, header, payload)
        if FAULT == "truncated":
            stream.write(b"MXF1\x50\x00\x00\x00")
            stream.flush()
            os._exit(0)
        if FAULT == "garbage":
            stream.write(b"Loading checkpoint shards: 100%\n")
            stream.flush()
        if FAULT == "silent":
            # The lock of the channel is held: no answer to the heartbeat leaves any more.
            threading.Event().wait()
        if FAULT == "memory":
            import torch

            torch.empty(2**50)
        return write(stream, header, payload)

    return instead


if FAULT == "version":
    main.PROTOCOL = 99
channel.write_frame = faulty(channel.write_frame)
main.main()
