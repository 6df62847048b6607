"""Two ways to the torch worker: its own process with the real protocol, and its code in this process."""

import argparse
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

import paths  # noqa: F401
from mixcache_worker.frames import PROTOCOL, read_frame, write_frame

WORKER = Path(__file__).with_name("worker.py")


class CallFailed(Exception):
    """What the worker says."""


@dataclass
class Answer:
    """The last message of a call, its payload, and what the device took for each program."""

    header: dict
    payload: bytes
    device_ms: list[float] = field(default_factory=list)


class Client(Protocol):
    def call(self, header: dict, payload: bytes = b"", free: Sequence[int] = ()) -> Answer: ...


class Remote:
    """The engine's end of the pipes to a worker process; a context that ends it."""

    def __init__(self, python: str, weights: Path, manifest: dict, flags: Sequence[str]):
        command = [python, "-u", str(WORKER), "--weights", str(weights), *flags]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._calls = 0
        hello, _ = self._read()
        if hello != {"type": "hello", "protocol": PROTOCOL, "tensors": []}:
            raise CallFailed(f"The worker greets with {hello}.")
        self.about = self.call({"type": "open", "protocol": PROTOCOL, "manifest": manifest}).header

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.stdin.close()
        self._process.wait(60)

    def call(self, header: dict, payload: bytes = b"", free: Sequence[int] = ()) -> Answer:
        """@throws CallFailed"""
        self._calls += 1
        write_frame(self._process.stdin, header | {"call": self._calls, "free": list(free)}, payload)
        device_ms: list[float] = []
        while True:
            answer, data = self._read()
            if finished(answer, device_ms):
                return Answer(answer, bytes(data), device_ms)

    def _read(self) -> tuple[dict, bytearray]:
        frame = read_frame(self._process.stdout)
        if frame is None:
            raise CallFailed(f"The worker ended with {self._process.wait()}; what it printed above says why.")
        return frame


class Local:
    """The worker's code without processes and frames: what is left of a step's time is not the protocol's."""

    def __init__(self, make_folder: type, weights: Path, manifest: dict, args: argparse.Namespace):
        from mixcache_worker.worker import Worker

        args.weights = str(weights)
        self._messages: list[tuple[dict, bytes]] = []
        self._worker = Worker(self, args, make_folder)
        self.about = self.call({"type": "open", "protocol": PROTOCOL, "manifest": manifest}).header

    def call(self, header: dict, payload: bytes = b"", free: Sequence[int] = ()) -> Answer:
        """@throws CallFailed"""
        self._messages.clear()
        self._worker.handle(header | {"call": 1, "free": list(free)}, bytearray(payload))
        device_ms: list[float] = []
        for answer, data in self._messages:
            if finished(answer, device_ms):
                return Answer(answer, data, device_ms)
        raise CallFailed("The worker gave no answer.")

    # What the worker needs of its channel.

    def send(self, header: dict, payload: bytes | memoryview = b"") -> None:
        self._messages.append((header, bytes(payload)))

    def stopped(self, _call: int) -> bool:
        return False

    def done(self, _call: int) -> None:
        pass


def finished(answer: dict, device_ms: list[float]) -> bool:
    """Whether it is the call's last message; notes the times of the others."""
    if answer["type"] == "failed":
        raise CallFailed(answer["message"])
    if answer["type"] == "graph":
        device_ms.append(answer["duration_ms"])
    return answer["type"] not in ("graph", "loaded", "pong")
