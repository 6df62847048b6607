"""Renders held-out scenes as they should look, in the folder format of the adherence scorer.

    python -m shapes.ground_truth --count 96 --output runs/truth
"""

import argparse
import random
from pathlib import Path

from .folder import TEST_SEED, held_out, to_bytes, write
from .render import alphas, colours, paint


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--seed", type=int, default=TEST_SEED, help="of the scenes, their captions and their places")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    prompts = held_out(args.count, args.seed)
    scenes = [scene for _, scene in prompts]
    alpha = alphas(scenes, random.Random(args.seed + 1))
    write(args.output, prompts, to_bytes(paint(alpha, *colours(scenes))))


if __name__ == "__main__":
    main()
