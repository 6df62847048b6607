"""The same steps by the worker's code without its protocol, and the largest activations. Prints JSON.

    python bench/gpu/local.py <case> <folder of configs> <manifest> --device cuda --dtype bfloat16 --steps 2
"""

import argparse
import json
import sys
from pathlib import Path

import paths  # noqa: F401
import torch
from cases import CASES, TINY
from client import Local
from drive import Drive
from random_folder import RandomFolder
from torch import Tensor, nn


class Largest:
    """The largest magnitude that each kind of module gave; the device is asked once, at the end."""

    def __init__(self):
        self.found: dict[str, Tensor] = {}

    def __call__(self, module: nn.Module, _inputs: tuple, output: object) -> None:
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return
        kind, largest = type(module).__name__, output.detach().abs().amax().float()
        known = self.found.get(kind)
        self.found[kind] = largest if known is None else torch.maximum(known, largest)

    def numbers(self) -> dict[str, float]:
        return {kind: value.item() for kind, value in self.found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=[case.name for case in CASES + TINY])
    parser.add_argument("folder", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--device", required=True)
    parser.add_argument("--dtype", required=True)
    parser.add_argument("--steps", type=int, required=True)
    args = parser.parse_args()
    case = next(case for case in CASES + TINY if case.name == args.case)
    manifest = json.loads(args.manifest.read_text())
    flags = argparse.Namespace(device=args.device, dtype=args.dtype, threads=0, compile=False, offload=False)
    # The worker prints to stderr where it fails.
    answers, sys.stdout = sys.stdout, sys.stderr
    client = Local(RandomFolder, args.folder, manifest, flags)
    timed = Drive(client, manifest, case).steps(args.steps, 1)
    largest = Largest()
    hook = nn.modules.module.register_module_forward_hook(largest)
    Drive(client, manifest, case).steps(1, 0)
    hook.remove()
    print(json.dumps(timed | {"activations": largest.numbers()}), file=answers)


if __name__ == "__main__":
    main()
