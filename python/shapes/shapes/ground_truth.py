"""Renders held-out scenes as they should look, in the folder format of the adherence scorer.

    python -m shapes.ground_truth --count 96 --output runs/truth

With --decoder the videos go through the latents and that decoder: the best that any DiT in front of it can do.
"""

import argparse
import random
from pathlib import Path

import torch

from .decoder import decode
from .folder import to_bytes, write
from .grammar import TEST_SEED, held_out
from .render import alphas, colours, paint, to_latents
from .sample import load_decoder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--seed", type=int, default=TEST_SEED, help="of the scenes, their captions and their places")
    parser.add_argument("--decoder", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    prompts = held_out(args.count, args.seed)
    scenes = [scene for _, scene in prompts]
    video = paint(alphas(scenes, random.Random(args.seed + 1)), *colours(scenes))
    if args.decoder:
        decoder = load_decoder(args.decoder)
        with torch.no_grad():
            video = torch.cat([decode(decoder, latents) for latents in to_latents(video).split(16)])
    write(args.output, prompts, to_bytes(video))


if __name__ == "__main__":
    main()
