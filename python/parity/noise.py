"""Writes test/fixtures/noise.json: what torch.randn gives for seeds and shapes.

    python3 -m venv VENV && VENV/bin/pip install torch==2.13.0
    VENV/bin/python python/parity/noise.py

The last bits depend on the processor: run it on x86-64 with AVX2 or AVX-512, without ATEN_CPU_CAPABILITY.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

FIRST = 8
VIDEO = [1, 16, 5, 12, 20]
IMAGE = [1, 3, 8, 32, 32]
CASES = [
    (0, [1]),
    (1, [2]),
    (7, [5]),
    (42, [15]),
    (0, [16]),
    (42, [17]),
    (2**32 - 1, [31]),
    (123456789, [100]),
    (42, [4, 5, 5]),
    (7, IMAGE),
    (2**31, IMAGE),
    (1, VIDEO),
    (2**32, VIDEO),
    (2**32 + 7, [7]),
    (2**32 + 7, [257]),
    (2**53 + 1, [100]),
    (2**63 - 1, VIDEO),
    (2**63 - 1, [3]),
    (42, []),
    (42, [2, 0]),
    (123456789, [1_000_003]),
    (0, [1_000_000]),
]


def case(seed: int, shape: list[int]) -> dict:
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    assert noise.dtype == torch.float32
    bits = noise.contiguous().numpy().reshape(-1).astype("<f4").view("<u4")
    return {
        "seed": str(seed),  # A JSON number would lose digits above 2^53.
        "shape": shape,
        "first_bits": [int(b) for b in bits[:FIRST]],
        "sha256": hashlib.sha256(bits.tobytes()).hexdigest(),
    }


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=root / "test/fixtures/noise.json")
    out = parser.parse_args().output
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        raise SystemExit("This needs a processor with AVX2: elsewhere torch gives other last bits.")
    fixture = {
        "torch_version": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cases": [case(seed, shape) for seed, shape in CASES],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(fixture, indent=2) + "\n")


if __name__ == "__main__":
    main()
