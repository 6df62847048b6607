"""The torch worker: programs that share weights, calls one after the other, failures as codes and sentences."""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python/worker"), str(ROOT / "python/models")]

from mixcache_models.program import ModelError, Program  # noqa: E402
from mixcache_worker import worker as worker_module  # noqa: E402
from mixcache_worker.errors import WorkerError, describe  # noqa: E402
from mixcache_worker.place import Place, PlaceError  # noqa: E402
from mixcache_worker.programs import Programs, resident  # noqa: E402
from mixcache_worker.worker import Worker  # noqa: E402

CPU = Place("cpu", "float32")


class Blocks(nn.Module):
    """A component of two layers; the second program also uses the first layer."""

    def __init__(self):
        super().__init__()
        with torch.device("meta"):
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)


class Both(nn.Module):
    def __init__(self, blocks: Blocks):
        super().__init__()
        self.blocks = blocks
        self.table = torch.arange(4.0)

    def forward(self, hidden: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        made = self.blocks.two(self.blocks.one(hidden)) + shift + self.table
        return made, made.sum()


class One(nn.Module):
    def __init__(self, blocks: Blocks):
        super().__init__()
        self.layer = blocks.one

    def forward(self, hidden: Tensor) -> Tensor:
        return self.layer(hidden)


class First(One):
    """Holds the whole component and uses its first layer."""

    def __init__(self, blocks: Blocks):
        super().__init__(blocks)
        self.blocks = blocks
        self.register_buffer("table", torch.zeros(4), persistent=False)


class MemoryFolder:
    """A diffusers folder in memory that notes what is read from it."""

    pipeline = "Toy"

    def __init__(self, path: str = ""):
        self.path, self.made, self.reads = Path(path), {}, []

    def component(self, name: str) -> nn.Module:
        return self.made.setdefault(name, Blocks())

    def wanted(self, name: str, weights: tuple[str, ...]) -> list[str]:
        return [key for key in self.component(name).state_dict() if key.startswith(tuple(weights))]

    def load(self, name: str, weights, dtype: torch.dtype, device) -> nn.Module:
        module = self.component(name)
        for key in self.wanted(name, weights):
            self.reads.append((name, key))
            owner, leaf = key.split(".")
            value = torch.full(module.get_parameter(key).shape, 0.5, dtype=dtype, device=device)
            setattr(module.get_submodule(owner), leaf, nn.Parameter(value, requires_grad=False))
        return module

    def release(self, name: str) -> None:
        self.made.pop(name)


@dataclass
class Toy:
    family = "toy"
    programs = (
        Program("one", "transformer", ("one.",), One, None, ("hidden",), lambda s, g: {"hidden": torch.zeros(1, 2, 4)}, {}),
        Program(
            "both", "transformer", ("one.", "two."), Both, None, ("hidden", "total"),
            lambda s, g: {"hidden": torch.zeros(1, 2, 4), "shift": torch.zeros(4)}, {},
        ),
        Program("first", "transformer", ("one.",), First, None, ("hidden",), lambda s, g: {"hidden": torch.zeros(1, 2, 4)}, {}),
        Program("decoder", "vae", ("",), One, None, ("frames",), lambda s, g: {"hidden": torch.zeros(1, 2, 4)}, {}),
    )


class TestPrograms:
    def test_weights_that_are_shared_are_read_once_and_the_decoder_stays_float32(self):
        folder = MemoryFolder()
        programs = Programs(folder, Toy(), Place("cpu", "bfloat16"), compiled=False, offload=False)
        one, both, decoder = (programs.load(name).adapter for name in ("one", "both", "decoder"))
        assert len(folder.reads) == len(set(folder.reads)) == 8
        assert one.layer.weight is both.blocks.one.weight and one.layer.weight.dtype == torch.bfloat16
        assert decoder.layer.weight.dtype == torch.float32

    def test_a_part_that_is_not_used_stays_on_meta(self):
        programs = Programs(MemoryFolder(), Toy(), CPU, compiled=False, offload=False)
        assert programs.run("first", {"hidden": torch.ones(1, 1, 4)})["hidden"].tolist() == [[[2.5] * 4]]
        assert programs.load("first").adapter.blocks.two.weight.is_meta

    def test_a_component_goes_with_its_last_program_and_comes_back(self):
        folder = MemoryFolder()
        programs = Programs(folder, Toy(), CPU, compiled=False, offload=False)
        for name in ("one", "both"):
            programs.load(name)
        programs.unload(["both"])
        assert "transformer" in folder.made
        programs.unload(["one", "never loaded"])
        assert folder.made == {}
        assert programs.run("one", {"hidden": torch.ones(1, 1, 4)})["hidden"].tolist() == [[[2.5] * 4]]

    def test_offload_puts_weights_back(self):
        module = nn.Linear(2, 2)
        before = module.weight.data
        with pytest.raises(ZeroDivisionError), resident(module, torch.clone):
            assert torch.equal(module.weight, before) and module.weight.data_ptr() != before.data_ptr()
            raise ZeroDivisionError
        assert module.weight.data.data_ptr() == before.data_ptr()


class MemoryChannel:
    """Collects what the worker says."""

    def __init__(self):
        self.said, self.stops = [], set()

    def send(self, header: dict, payload: bytes = b"") -> None:
        self.said.append((json.loads(json.dumps(header, allow_nan=False)), bytes(payload)))

    def stopped(self, call: int) -> bool:
        return call in self.stops

    def done(self, call: int) -> None:
        self.stops.discard(call)

    def last(self) -> dict:
        return self.said[-1][0]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch):
    """A worker that has the toy open, a function that makes a call, and its channel."""
    channel = MemoryChannel()
    monkeypatch.setattr(worker_module, "open_model", lambda folder, options, family: Toy())
    monkeypatch.setattr(worker_module, "weights_digest", lambda folder, model: "right")
    args = argparse.Namespace(weights="/toy", device="cpu", dtype=None, threads=0, compile=False, offload=False)
    worker = Worker(channel, args, MemoryFolder)

    def call(number: int, payload: bytes = b"", **header) -> dict:
        worker.handle({"call": number, "free": [], "tensors": []} | header, bytearray(payload))
        return channel.last()

    torch_part = {"family": "toy", "weights": "right", "modules": False, "cuts": [0, 1]}
    ready = call(1, type="open", protocol=1, manifest={"id": "toy", "torch": torch_part})
    assert ready["type"] == "ready" and ready["dtype"] == "float32", ready
    return worker, call, channel


def upload(call, number: int, tensor: Tensor) -> int:
    described = {"dtype": "float32", "dims": list(tensor.shape)}
    return call(number, tensor.numpy().tobytes(), type="upload", tensors=[described])["state"]["tensor"]["id"]


STEPS = [
    {"id": "a", "program": "one", "inputs": {"hidden": "x"}, "outputs": {"hidden": "x"}},
    {"id": "b", "program": "both", "inputs": {"hidden": "x", "shift": "s"}, "outputs": {"hidden": "y"}},
]


class TestWorker:
    def test_a_run_of_two_steps_gives_what_outlives_it_and_tells_both(self, opened):
        worker, call, channel = opened
        x, s = upload(call, 2, torch.ones(1, 1, 4)), upload(call, 3, torch.zeros(4))
        state = call(4, type="run", steps=STEPS, inputs={"x": x, "s": s})["state"]
        assert [said["id"] for said, _ in channel.said if said["type"] == "graph"] == ["a", "b"]
        assert set(state) == {"x", "y"}
        call(5, type="read", id=state["y"]["id"])
        # 1 -> 4 * 0.5 + 0.5 = 2.5 -> twice more -> 11.5, plus the adapter's own table.
        assert torch.frombuffer(bytearray(channel.said[-1][1]), dtype=torch.float32).tolist() == [11.5, 12.5, 13.5, 14.5]
        stats = call(6, type="stats", free=[x, s, *(tensor["id"] for tensor in state.values())])["stats"]
        assert (stats["tensors"], stats["tensor_bytes"]) == (0, 0) and stats["resident_bytes"] > 2**20

    def test_without_a_queue_each_step_is_told_before_the_next_begins(self, opened, monkeypatch: pytest.MonkeyPatch):
        worker, call, channel = opened
        x, s = upload(call, 2, torch.ones(1, 1, 4)), upload(call, 3, torch.zeros(4))
        run, before = worker._programs.run, []

        def noting(name: str, inputs: dict) -> dict:
            before.append([said["id"] for said, _ in channel.said if said["type"] == "graph"])
            return run(name, inputs)

        monkeypatch.setattr(worker._programs, "run", noting)
        call(4, type="run", steps=STEPS, inputs={"x": x, "s": s})
        assert before == [[], ["a"]]

    def test_a_stop_ends_the_run_and_keeps_nothing(self, opened):
        worker, call, channel = opened
        x, s = upload(call, 2, torch.ones(1, 1, 4)), upload(call, 3, torch.zeros(4))
        channel.stops.add(4)
        assert call(4, type="run", steps=STEPS, inputs={"x": x, "s": s})["code"] == "aborted"
        assert call(5, type="stats")["stats"]["tensors"] == 2

    def test_failures_are_told_and_the_worker_goes_on(self, opened):
        _, call, _ = opened
        x = upload(call, 2, torch.ones(1, 1, 4))
        for header, words in [
            ({"type": "run", "steps": STEPS[:1], "inputs": {}}, "program one needs x"),
            ({"type": "run", "steps": [STEPS[0] | {"program": "three"}], "inputs": {"x": x}}, "no program three"),
            ({"type": "run", "steps": [STEPS[1]], "inputs": {"x": x}}, "program both needs s"),
            ({"type": "read", "id": 99}, "no tensor 99"),
            ({"type": "dance"}, "asked for dance"),
        ]:
            answer = call(3, **header)
            assert (answer["type"], answer["code"]) == ("failed", "engine_failed") and words in answer["message"]
        assert call(4, type="stats")["stats"]["tensors"] == 1

    def test_numbers_that_json_lacks(self, opened):
        _, call, _ = opened
        a, zero = upload(call, 2, torch.ones(2)), upload(call, 3, torch.zeros(2))
        assert call(4, type="reduce", kind="relative_l1", a=a, b=zero)["value"] == "Infinity"
        assert call(5, type="reduce", kind="relative_l1", a=zero, b=zero)["value"] == "NaN"
        assert call(6, type="reduce", kind="l2", a=a, b=zero)["value"] == pytest.approx(math.sqrt(2))

    def test_another_version_and_other_weights_are_refused(self, opened):
        _, call, _ = opened
        told = {"id": "toy", "torch": {"family": "toy", "weights": "wrong" * 8, "modules": False}}
        assert call(2, type="open", protocol=2, manifest=told)["code"] == "engine_unavailable"
        answer = call(3, type="open", protocol=1, manifest=told)
        assert answer["code"] == "bundle_digest_mismatch" and "/toy" in answer["message"]


@pytest.mark.parametrize("error, code", [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), "engine_out_of_memory"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"), "engine_out_of_memory"),
    (MemoryError(), "engine_out_of_memory"),
    (ModelError("It is no folder."), "bundle_unsupported"),
    (PlaceError("No such device."), "engine_unavailable"),
    (WorkerError("aborted", "The run was stopped."), "aborted"),
    (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "engine_failed"),
    (AssertionError(), "engine_failed"),
])
def test_every_failure_has_a_code_and_a_sentence(error: Exception, code: str):
    assert describe(error)[0] == code and len(describe(error)[1]) > 10


def test_a_device_that_is_not_there_is_refused_with_one_that_is():
    with pytest.raises(PlaceError, match="TORCH_DEVICE"):
        Place("cuda:9", None)
