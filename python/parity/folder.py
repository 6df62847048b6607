"""Writes the diffusers folder of a tiny random model alone, and prints what a bundle's manifest says of it (`torch`).

    PYTHONPATH=python/models:python/export python python/parity/folder.py wan --output folder
"""

import argparse
import json
from importlib import import_module
from pathlib import Path

import torch
from mixcache_models.digest import torch_entry
from mixcache_models.folder import Folder
from mixcache_models.registry import open_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a script beside this one: wan, …")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    parity = import_module(args.model).PARITY
    parity.pipeline().save_pretrained(args.output)
    folder = Folder(args.output)
    print(json.dumps(torch_entry(folder, open_model(folder, parity.options), parity.options)))


if __name__ == "__main__":
    main()
