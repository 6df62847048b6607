"""From a diffusers folder to a mixcache bundle.

    mixcache-export wan <diffusers folder> --output bundle/

Every graph is compared with PyTorch; a bundle that differs is not written.
"""

import argparse
import re
import sys
from pathlib import Path

import torch
from mixcache_models.folder import Folder
from mixcache_models.hub import find_folder
from mixcache_models.program import About, ModelError, Options
from mixcache_models.registry import FAMILIES, PIPELINES, open_model

from .export import Settings, export
from .flavours import ATTENTION, PRECISIONS

#: A short name for all families that begin with something.
SHORT = {"hunyuan": "hunyuan-video"}


def numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no list of numbers such as 0,4,26,30") from None


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def family_of(name: str, folder: Folder) -> str:
    """The family that a person means: a short name is whichever of its families the folder is."""
    begin, found = SHORT.get(name), PIPELINES.get(folder.pipeline, ("", ""))[0]
    if begin is None:
        return name
    return found if found.startswith(begin) else begin


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mixcache-export", description=__doc__.split("\n")[0])
    parser.add_argument("model", choices=[*FAMILIES, *SHORT])
    parser.add_argument("folder", help="a diffusers folder, or owner/name on the Hugging Face hub")
    parser.add_argument("--revision", help="on the hub")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument(
        "--cuts", type=numbers, help="numbers of blocks at which segments end, such as 0,4,26,30; default: none"
    )
    parser.add_argument("--modules", action="store_true", help="also a graph for each attention and feed-forward")
    parser.add_argument("--attention", choices=ATTENTION, default="fused", help="of the plain graphs")
    parser.add_argument("--dtype", choices=PRECISIONS, default="fp32", help="of the plain graphs of the denoiser")
    parser.add_argument(
        "--variants", type=words, default=(), help=f"further forms in the same bundle: {','.join([*PRECISIONS, *ATTENTION])}"
    )
    parser.add_argument(
        "--engine", choices=["onnx", "torch"], default="onnx", help="torch: no graphs, only what the torch worker needs"
    )
    parser.add_argument("--restart", action="store_true", help="discard what an unfinished export has made")
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
    try:
        path = find_folder(args.folder, args.revision)
        folder, options = Folder(path), Options(cuts=args.cuts, text_tokens=args.text_tokens, modules=args.modules)
        model = open_model(folder, options, family_of(args.model, folder))
        name = args.id or re.sub(r"[^a-z0-9._-]", "-", args.folder.rstrip("/").rpartition("/")[2].lower())
        about = About(name, args.title or name, args.license, args.width, args.height, args.frames, args.fps)
        settings = Settings(args.attention, args.dtype, args.variants, args.engine, args.restart)
        export(folder, model, options, about, args.output, settings)
    except ModelError as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        raise SystemExit(f"{error}. What is finished is kept: the same command goes on from there.") from None
    except KeyboardInterrupt:
        print("Interrupted. What is finished is kept: the same command goes on from there.", file=sys.stderr)
        raise SystemExit(130) from None
    print(f"{args.output} is written. Look at it with: mixcache inspect {args.output}")


if __name__ == "__main__":
    main()
