"""The self-check: every graph against PyTorch while its weights are in memory, and all of them one after the other.

Two states are carried along the chain of graphs, the graphs' own and the reference's. A graph alone gets the
reference's values and must agree closely; along the chain errors may add up.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from mixcache_models.chain import Call, calls, give, take
from mixcache_models.program import CHECKED, ModelError, Program
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .flavours import Flavour

#: Largest difference, as a share of the largest value of the tensor where that is above 1: alone, and along the chain.
TOLERANCE, CHAIN_TOLERANCE = 1e-5, 1e-4
#: Of a decoder alone: dozens of convolutions in a row, whose sums float32 rounds differently in another order.
DECODER_TOLERANCE = 1e-4
#: What errors of the lower precisions may add up to along the chain, as a share of the distance to cosine 1.
CHAIN_FACTOR = 10

Run = Callable[[dict[str, Tensor]], tuple[Tensor, ...]]
State = dict[str, Tensor]


@dataclass
class Agreement:
    """The largest difference and the least cosine, alone and along the chain."""

    alone: float = 0.0
    chain: float = 0.0
    cosine: float = 1.0
    chain_cosine: float = 1.0

    def __str__(self) -> str:
        return f"{self.alone:.1e} alone, {self.chain:.1e} in the chain, cosine {self.cosine:.6f}"


class SelfCheck:
    """Takes the programs in the order of use. Its states are small and can be kept, so that an export can go on."""

    def __init__(self, manifest: dict):
        self.calls: dict[str, list[Call]] = {}
        for call in calls(manifest):
            self.calls.setdefault(call.graph, []).append(call)
        self.states: dict[str, State] = {}

    @torch.no_grad()
    def references(self, program: Program, component: nn.Module) -> list[tuple[Call | None, str, State, State, tuple]]:
        """For every size and call: the example, diffusers' inputs and outputs. Runs once, whatever the flavours."""
        found = []
        for index, size in enumerate(CHECKED):
            # A program of the finer partition is in no chain: alone it gets its own example.
            for number, call in enumerate(self.calls.get(program.name, [None])):
                example = program.example(size, torch.Generator().manual_seed(100 * index + number))
                key = f"{call.group}|{index}" if call else ""
                theirs = self.states.setdefault(f"{key}|reference", {}) if call else {}
                inputs = take(call, example, theirs) if call else example
                wanted = tuple(output.float() for output in program.reference(component, inputs))
                if call:
                    give(call, program.outputs, wanted, theirs)
                found.append((call, key, example, inputs, wanted))
        return found

    def check(self, program: Program, references: list, flavour: Flavour, graph: Run) -> Agreement:
        """@throws ModelError where the graph does not agree with the references."""
        found = Agreement()
        for call, key, example, inputs, wanted in references:
            outputs = graph(inputs)
            found.alone = largest(found.alone, difference(program, outputs, wanted))
            found.cosine = min(found.cosine, cosine(outputs, wanted))
            if call is None:
                continue
            own = self.states.setdefault(f"{key}|{flavour.id}", {})
            outputs = graph(take(call, example, own))
            found.chain = largest(found.chain, difference(program, outputs, wanted))
            found.chain_cosine = min(found.chain_cosine, cosine(outputs, wanted))
            give(call, program.outputs, outputs, own)
        refuse_if_wrong(program, flavour, found, self.tolerance(program))
        return found

    def tolerance(self, program: Program) -> float:
        """Of the program alone."""
        groups = {call.group for call in self.calls.get(program.name, [])}
        return DECODER_TOLERANCE if "decoder" in groups else TOLERANCE

    def save(self, path: Path) -> None:
        """Writes the states."""
        flat = {json.dumps([key, name]): t.contiguous() for key, state in self.states.items() for name, t in state.items()}
        save_file({name: tensor.clone() for name, tensor in flat.items()}, path)

    def restore(self, path: Path) -> None:
        for name, tensor in load_file(path).items():
            key, value = json.loads(name)
            self.states.setdefault(key, {})[value] = tensor


def refuse_if_wrong(program: Program, flavour: Flavour, found: Agreement, tolerance: float) -> None:
    """A NaN is no error that is small enough."""
    if flavour.cosine is None:
        fine = found.alone <= tolerance and found.chain <= CHAIN_TOLERANCE
        allowed = f"{tolerance:.0e} and {CHAIN_TOLERANCE:.0e} are allowed"
    else:
        fine = found.cosine >= flavour.cosine and 1 - found.chain_cosine <= CHAIN_FACTOR * (1 - flavour.cosine)
        allowed = f"{flavour.cosine} is the least"
    if not fine:
        form = f" ({flavour.id})" if flavour.id else ""
        raise ModelError(
            f"The graph {program.name}{form} does not agree with PyTorch: {found}, in the chain "
            f"{found.chain_cosine:.6f}; {allowed}."
        )


def largest(a: float, b: float) -> float:
    """NaN is the largest of all."""
    return b if not b <= a else a


def difference(program: Program, found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> float:
    """The largest over all outputs, each in units of its reference's largest value or of 1, whichever is more."""
    worst = 0.0
    for name, mine, theirs in zip(program.outputs, found, wanted, strict=True):
        if mine.shape != theirs.shape:
            raise ModelError(f"{program.name} gives {name} as {list(mine.shape)} instead of {list(theirs.shape)}.")
        if theirs.numel():
            scale = max(1.0, theirs.abs().max().item())
            worst = largest(worst, (mine - theirs).abs().max().item() / scale)
    return worst


def cosine(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> float:
    """The least over all outputs; -1 where one is no number."""
    least = 1.0
    for mine, theirs in zip(found, wanted, strict=True):
        a, b = mine.double().flatten(), theirs.double().flatten()
        if a.isnan().any():
            return -1.0
        if length := (a.norm() * b.norm()).item():
            least = min(least, torch.dot(a, b).item() / length)
    return least


def session(path: Path, flavour: Flavour) -> Run:
    """A graph in ONNX Runtime on the CPU, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    if flavour.quantised is None:
        # Weights stay in the mapped file instead of being copied into another order.
        options.add_session_config_entry("session.disable_prepacking", "1")
    made = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
        outputs = made.run(None, {name: value.contiguous().numpy() for name, value in inputs.items()})
        return tuple(torch.from_numpy(np.array(output)) for output in outputs)

    return run
