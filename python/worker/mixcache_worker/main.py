"""The torch worker as a process: `python python/worker/run.py --weights <diffusers folder>`; the engine starts it."""

import argparse
from collections.abc import Callable, Sequence

from .channel import Channel, die_with_parent, take_stdio
from .frames import PROTOCOL


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mixcache_worker", description=__doc__)
    parser.add_argument("--weights", required=True, help="a diffusers folder")
    parser.add_argument("--device", help="cuda, cuda:1, mps or cpu; default: the best there is")
    parser.add_argument(
        "--dtype", choices=["bfloat16", "float16", "float32"], help="default: bfloat16, on the CPU float32"
    )
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; default: PyTorch's own choice")
    parser.add_argument("--compile", action="store_true", help="compile every program with torch.compile")
    parser.add_argument(
        "--offload", action="store_true", help="weights are on the device only while their program runs"
    )
    return parser


def main(argv: Sequence[str] | None = None, make_folder: Callable | None = None) -> None:
    """Serves until the engine closes the pipe.

    `make_folder` opens `--weights`; benches give one that makes random weights.
    """
    args = arguments().parse_args(argv)
    die_with_parent()
    channel = Channel(*take_stdio())
    # Before torch is imported, which takes seconds: another version shows at once.
    channel.send({"type": "hello", "protocol": PROTOCOL})
    from .worker import serve

    serve(channel, args, make_folder)
