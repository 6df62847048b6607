"""The self-check: every graph against PyTorch while its weights are in memory, and all of them one after the other.

Two states are carried along the chain of graphs, the graphs' own and the reference's. A graph alone gets the
reference's values and must agree closely; along the chain errors may add up.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from mixcache_models.chain import Call, calls, give, take
from mixcache_models.program import CHECKED, ModelError, Program
from torch import Tensor, nn

#: Largest difference, as a share of the largest value of the tensor where that is above 1: alone, and along the chain.
TOLERANCE, CHAIN_TOLERANCE = 1e-5, 1e-4

Run = Callable[[dict[str, Tensor]], tuple[Tensor, ...]]


class SelfCheck:
    """Takes the programs in the order of use."""

    def __init__(self, manifest: dict):
        self.calls: dict[str, list[Call]] = {}
        for call in calls(manifest):
            self.calls.setdefault(call.graph, []).append(call)
        self.own: dict[tuple[str, int], dict[str, Tensor]] = {}
        self.theirs: dict[tuple[str, int], dict[str, Tensor]] = {}

    @torch.no_grad()
    def check(self, program: Program, component: nn.Module, graph: Run) -> tuple[float, float]:
        """The program's largest error alone and along the chain.

        @throws ModelError where one is too large.
        """
        alone = along = 0.0
        for index, size in enumerate(CHECKED):
            for number, call in enumerate(self.calls[program.name]):
                example = program.example(size, torch.Generator().manual_seed(100 * index + number))
                own = self.own.setdefault((call.group, index), {})
                theirs = self.theirs.setdefault((call.group, index), {})
                inputs = take(call, example, theirs)
                wanted = tuple(output.float() for output in program.reference(component, inputs))
                alone = max(alone, difference(program, graph(inputs), wanted))
                give(call, program.outputs, wanted, theirs)
                found = graph(take(call, example, own))
                along = max(along, difference(program, found, wanted))
                give(call, program.outputs, found, own)
        # A NaN is no error that is small enough.
        if not alone <= TOLERANCE or not along <= CHAIN_TOLERANCE:
            raise ModelError(
                f"The graph {program.name} does not agree with PyTorch: it differs by {alone:.1e} alone (allowed "
                f"{TOLERANCE:.0e}) and by {along:.1e} after those before it (allowed {CHAIN_TOLERANCE:.0e})."
            )
        return alone, along


def difference(program: Program, found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> float:
    """The largest over all outputs, each in units of its reference's largest value or of 1, whichever is more."""
    worst = 0.0
    for name, mine, theirs in zip(program.outputs, found, wanted, strict=True):
        if mine.shape != theirs.shape:
            raise ModelError(f"{program.name} gives {name} as {list(mine.shape)} instead of {list(theirs.shape)}.")
        scale = max(1.0, theirs.abs().max().item())
        error = (mine - theirs).abs().max().item() / scale
        worst = error if not error <= worst else worst
    return worst


def session(path: Path, threads: int = 1) -> Run:
    """A graph in ONNX Runtime on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    made = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
        outputs = made.run(None, {name: value.numpy() for name, value in inputs.items()})
        return tuple(torch.from_numpy(np.array(output)) for output in outputs)

    return run
