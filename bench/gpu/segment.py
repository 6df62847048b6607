"""One segment with random weights as an ONNX graph: for runtimes other than PyTorch.

    python bench/gpu/segment.py <folder of configs> <program> <output folder> --attention fused --dtype float16
"""

import argparse
import json
from pathlib import Path

import paths  # noqa: F401
import torch
from mixcache_export.trace import trace
from mixcache_export.weights import WeightsFile, write_graph
from mixcache_models.program import Options
from mixcache_models.registry import open_model
from random_folder import RandomFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("program")
    parser.add_argument("output", type=Path)
    parser.add_argument("--attention", choices=["fused", "portable"], required=True)
    parser.add_argument("--dtype", choices=["float16", "float32"], required=True)
    args = parser.parse_args()
    folder = RandomFolder(args.folder)
    wanted = json.loads((args.folder / "model.json").read_text())["torch"]
    model = open_model(folder, Options(cuts=tuple(wanted["cuts"])))
    program = next(program for program in model.programs if program.name == args.program)
    component = folder.load(program.component, program.weights, getattr(torch, args.dtype))
    graph = trace(program, program.build(component), args.attention)
    args.output.mkdir(parents=True, exist_ok=True)
    write_graph(graph, args.output / "segment.onnx", WeightsFile(args.output, "segment.data"))


if __name__ == "__main__":
    main()
