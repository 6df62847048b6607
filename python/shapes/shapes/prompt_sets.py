"""Writes the lab's prompts: `test.json` (the held-out 96), and two sets that share no scene and no caption with it or
with each other, `calibration.json` and `tuning.json`. All of them are scenes that training never saw.

    python -m shapes.prompt_sets ../../src/lab/prompts
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from .grammar import TEST_SEED, Scene, held_out

#: How many prompts a set has, and the seed that they are drawn from.
SETS = {"test": (96, TEST_SEED), "calibration": (16, 16), "tuning": (8, 8)}
#: The video that the prompts are for.
HEAD = {"width": 64, "height": 64, "frames": 16, "fps": 8}


def draw() -> dict[str, list[tuple[str, Scene]]]:
    """The sets, in the order in which they may choose."""
    sets: dict[str, list[tuple[str, Scene]]] = {}
    taken: set[str | Scene] = set()
    for name, (count, seed) in SETS.items():
        free = [pair for pair in held_out(10 * count, seed) if taken.isdisjoint(pair)]
        sets[name] = free[:count]
        taken.update(*sets[name])
    return sets


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    for name, prompts in draw().items():
        videos = [{"prompt": text, **asdict(scene)} for text, scene in prompts]
        text = json.dumps({**HEAD, "videos": videos}, indent=2)
        (args.output / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
