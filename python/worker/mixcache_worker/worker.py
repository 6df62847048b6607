"""Carries out the engine's calls one after the other (the messages are in src/engine/segments/torch-protocol.ts)."""

import argparse
import gc
import math
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable

import torch
from mixcache_models.digest import weights_digest
from mixcache_models.folder import Folder
from mixcache_models.program import Options
from mixcache_models.registry import open_model
from torch import Tensor

from .channel import Channel
from .errors import WorkerError, describe, device_is_short, host_is_short
from .frames import PROTOCOL
from .place import Place, resident_bytes
from .programs import Programs
from .tensors import TensorTable, combine, readable, reduce

#: Of a process that ends itself for lack of memory (sysexits.h: EX_OSERR).
EXIT_MEMORY = 71


class Worker:
    def __init__(self, channel: Channel, args: argparse.Namespace, make_folder: Callable | None = None):
        self._channel, self._args = channel, args
        self._make_folder = make_folder or Folder
        self._place: Place | None = None
        self._programs: Programs | None = None
        self._tensors: TensorTable | None = None

    def handle(self, header: dict, payload: bytearray) -> None:
        """One message; failures are told, not thrown."""
        if self._tensors is not None:
            self._tensors.free(header.get("free", ()))
        if header["type"] == "free":
            return
        call = header["call"]
        try:
            answer, *rest = self._answer(header, payload)
            self._channel.send(answer | {"call": call}, *rest)
        except Exception as error:
            self._fail(call, error)
        self._channel.done(call)

    def _fail(self, call: int, error: Exception) -> None:
        code, message = describe(error)
        if code == "engine_failed":
            traceback.print_exc(file=sys.stderr)
        # The traceback holds the tensors of the frames that failed.
        traceback.clear_frames(error.__traceback__)
        if device_is_short(error):
            gc.collect()
            self._place.clear()
        self._channel.send({"type": "failed", "call": call, "code": code, "message": message})
        if host_is_short(error):
            sys.stderr.flush()
            os._exit(EXIT_MEMORY)

    def _answer(self, header: dict, payload: bytearray) -> tuple:
        kind = header["type"]
        if kind == "open":
            return (self._open(header),)
        if self._tensors is None:
            raise WorkerError("engine_failed", f"The engine asked for {kind} before it opened a bundle.")
        if kind == "load":
            return (self._load(header),)
        if kind == "run":
            return ({"type": "state", "state": self._tensors.keep(self._run(header))},)
        if kind == "combine":
            return ({"type": "state", "state": self._tensors.keep(self._combine(header))},)
        if kind == "reduce":
            a, b = self._tensors.get(header["a"]), self._tensors.get(header["b"])
            value = reduce(header["kind"], a, b, self._place.wide)
            return ({"type": "number", "value": value if math.isfinite(value) else js_name(value)},)
        if kind == "upload":
            tensor = self._tensors.upload(header["tensors"][0], payload)
            return ({"type": "state", "state": self._tensors.keep({"tensor": tensor})},)
        if kind == "read":
            described, data = readable(self._tensors.get(header["id"]))
            return {"type": "tensor", "tensors": [described]}, data
        if kind == "unload":
            self._programs.unload(header["programs"])
            return ({"type": "done"},)
        if kind == "stats":
            return ({"type": "stats", "stats": self._stats()},)
        raise WorkerError("engine_failed", f"The engine asked for {kind}, which this worker does not know.")

    def _open(self, header: dict) -> dict:
        if header["protocol"] != PROTOCOL:
            raise WorkerError(
                "engine_unavailable",
                f"The engine speaks version {header['protocol']} of the protocol, the torch worker version {PROTOCOL}. "
                "Use the worker that comes with the engine.",
            )
        args, manifest = self._args, header["manifest"]
        if args.threads:
            torch.set_num_threads(args.threads)
        # Rounds as float32 on every device; TensorFloat32 is 10 bits.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        place = Place(args.device, args.dtype)
        folder = self._make_folder(args.weights)
        wanted = manifest["torch"]
        cuts = wanted.get("cuts")
        options = Options(
            cuts=None if cuts is None else tuple(cuts), text_tokens=wanted.get("text_tokens"), modules=wanted["modules"]
        )
        model = open_model(folder, options, wanted["family"])
        found = weights_digest(folder, model)
        if found != wanted["weights"]:
            raise WorkerError(
                "bundle_digest_mismatch",
                f"The weights in {args.weights} are not those that the bundle {manifest['id']} was made from ({found[:12]}…, "
                f"expected {wanted['weights'][:12]}…). Set TORCH_WEIGHTS to the right folder, or export the bundle again.",
            )
        self._programs = Programs(folder, model, place, args.compile, args.offload)
        self._place, self._tensors = place, TensorTable(place)
        return {
            "type": "ready", "torch": torch.__version__, "device": str(place.device), "device_name": place.device_name,
            "dtype": place.dtype_name, "attention": place.attention,
        }

    def _load(self, header: dict) -> dict:
        with torch.no_grad():
            for name in header["programs"]:
                self._programs.load(name)
                self._channel.send({"type": "loaded", "call": header["call"], "program": name})
        return {"type": "done"}

    def _run(self, header: dict) -> dict[str, Tensor]:
        """Runs the steps; at most one is queued behind the one that runs, so that a stop is heard in time.

        Each is told when it is over, not when it is queued.
        """
        call = header["call"]
        values = {name: self._tensors.get(number) for name, number in header["inputs"].items()}
        made: dict[str, Tensor] = {}
        queued: deque = deque()

        def report() -> None:
            step_id, watch = queued.popleft()
            self._channel.send({"type": "graph", "call": call, "id": step_id, "duration_ms": watch.milliseconds()})

        with torch.no_grad():
            for step in header["steps"]:
                if self._channel.stopped(call):
                    raise WorkerError("aborted", "The run was stopped.")
                watch = self._place.stopwatch()
                made |= self._step(step, values | made)
                queued.append((step["id"], watch.stop()))
                if len(queued) > self._place.queued:
                    report()
            while queued:
                report()
        return made

    def _step(self, step: dict, values: dict[str, Tensor]) -> dict[str, Tensor]:
        lacking = [name for name in step["inputs"].values() if name not in values]
        if lacking:
            raise WorkerError("engine_failed", f"The program {step['program']} needs {lacking[0]}, which was not given.")
        outputs = self._programs.run(step["program"], {own: values[name] for own, name in step["inputs"].items()})
        return {name: outputs[own] for own, name in step["outputs"].items()}

    def _combine(self, header: dict) -> dict[str, Tensor]:
        states = [{name: self._tensors.get(number) for name, number in state.items()} for state in header["states"]]
        with torch.no_grad():
            return {name: combine(header["coefficients"], [state[name] for state in states]) for name in states[0]}

    def _stats(self) -> dict:
        return {
            "tensors": len(self._tensors), "tensor_bytes": self._tensors.bytes, "resident_bytes": resident_bytes(),
        } | self._place.memory()


def js_name(value: float) -> str:
    """What JavaScript's Number() reads; JSON has no word for it."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def serve(channel: Channel, args: argparse.Namespace, make_folder: Callable | None = None) -> None:
    """Answers for ever; the channel ends the process."""
    worker = Worker(channel, args, make_folder)
    while True:
        worker.handle(*channel.next())
