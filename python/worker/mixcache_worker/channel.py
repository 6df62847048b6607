"""The worker's end of the pipes: calls in the order of arrival, and answers that a kernel does not hold up."""

import ctypes
import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

from .frames import FrameError, read_frame, write_frame

PR_SET_PDEATHSIG = 1


class Channel:
    """A thread reads: it answers pings and notes stops at once, whatever the main thread does, and queues the rest.

    When the engine closes its end, however that came to be, this process ends at once.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO):
        self._source, self._sink = source, sink
        self._writing = threading.Lock()
        self._calls: queue.SimpleQueue[tuple[dict, bytearray]] = queue.SimpleQueue()
        self._stopped: set[int] = set()
        self._done = 0
        threading.Thread(target=self._read, name="reader", daemon=True).start()

    def send(self, header: dict, payload: bytes | memoryview = b"") -> None:
        with self._writing:
            write_frame(self._sink, header, payload)

    def next(self) -> tuple[dict, bytearray]:
        """The next call; waits for it."""
        return self._calls.get()

    def stopped(self, call: int) -> bool:
        return call in self._stopped

    def done(self, call: int) -> None:
        """A stop that comes for it later, or came too late, means nothing."""
        self._done = call
        self._stopped.discard(call)

    def _read(self) -> None:
        status = 0
        try:
            while (frame := read_frame(self._source)) is not None:
                header, payload = frame
                if header["type"] == "ping":
                    self.send({"type": "pong"})
                elif header["type"] == "stop":
                    if header["call"] > self._done:
                        self._stopped.add(header["call"])
                else:
                    self._calls.put((header, payload))
        except FrameError as error:
            print(f"The engine sent bytes that can't be read: {error}.", file=sys.stderr, flush=True)
            status = 2
        except (BrokenPipeError, ConnectionError):
            pass
        # Not sys.exit: the main thread may be in a kernel, and nothing here needs to be saved.
        os._exit(status)


def take_stdio() -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for frames alone: whatever else is printed, by C libraries too, goes to stderr."""
    source, sink = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    return source, sink


def die_with_parent() -> None:
    """On Linux the kernel ends this process with its parent, even where it is suspended and can't see the pipe's end."""
    # Ctrl-C reaches the whole process group, a service manager's SIGTERM every process; the engine decides on both.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
