"""From a diffusers folder to a mixcache bundle.

    mixcache-export wan <diffusers folder> --output bundle/

Every graph is compared with PyTorch; a bundle that differs is not written.
"""

import argparse
from pathlib import Path

import torch
from mixcache_models.folder import Folder
from mixcache_models.program import About, ModelError, Options
from mixcache_models.registry import FAMILIES, open_model

from .export import export


def numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no list of numbers such as 0,4,26,30") from None


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mixcache-export", description=__doc__.split("\n")[0])
    parser.add_argument("model", choices=FAMILIES)
    parser.add_argument("folder", type=Path, help="a diffusers folder")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--cuts", type=numbers, help="numbers of blocks at which segments end, such as 0,4,26,30; default: none"
    )
    parser.add_argument("--text-tokens", type=int, help="default: the model's own")
    parser.add_argument("--id", help="of the bundle; default: the folder's name")
    parser.add_argument("--title", help="default: the id")
    parser.add_argument("--license", help="of the weights; default: the published model's")
    parser.add_argument("--width", type=int)
    parser.add_argument("--height", type=int)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--fps", type=float)
    parser.add_argument("--threads", type=int, default=2)
    return parser


def main() -> None:
    args = arguments().parse_args()
    torch.set_num_threads(args.threads)
    name = args.id or args.folder.resolve().name.lower()
    about = About(name, args.title or name, args.license, args.width, args.height, args.frames, args.fps)
    try:
        folder = Folder(args.folder)
        model = open_model(folder, Options(cuts=args.cuts, text_tokens=args.text_tokens), args.model)
        export(folder, model, about, args.output)
    except ModelError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
