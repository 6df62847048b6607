"""Writes test/fixtures/tiles: latents and what diffusers' tiled decoder makes of them, in float32 on the CPU.

    PYTHONPATH=python/parity python python/parity/tiles.py --output test/fixtures/tiles

The decoder is that of the tiny Wan of test/fixtures/models/wan, whose graphs the engine decodes the same latents with.
`golden.bin` holds little-endian float32 tensors one after the other; `golden.json` says where each lies.
"""

import argparse
import hashlib
import json
from pathlib import Path

import diffusers
import torch
from tiny.wan import tiny_wan

FIXTURE = Path(__file__).parents[2] / "test" / "fixtures" / "models" / "wan" / "bundle"
#: In latents. The last tiles of both axes lie wholly in their neighbours.
LATENT = {"frames": 2, "rows": 4, "columns": 6}
TILES = {"rows": {"size": 3, "stride": 2}, "columns": {"size": 4, "stride": 2}}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    vae = tiny_wan().vae
    scale = vae.spatial_compression_ratio
    rows, columns = TILES["rows"], TILES["columns"]
    vae.enable_tiling(
        tile_sample_min_height=rows["size"] * scale, tile_sample_min_width=columns["size"] * scale,
        tile_sample_stride_height=rows["stride"] * scale, tile_sample_stride_width=columns["stride"] * scale,
    )
    latents = torch.randn(1, vae.config.z_dim, *LATENT.values(), generator=torch.Generator().manual_seed(3))
    frames = vae.decode(latents).sample
    data, table = bytearray(), {}
    for name, tensor in {"latents": latents, "frames": frames}.items():
        table[name] = {"offset": len(data), "dims": list(tensor.shape)}
        data += tensor.contiguous().numpy().astype("<f4").tobytes()
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "golden.bin").write_bytes(data)
    weights = hashlib.sha256((FIXTURE / "decoder_next.data").read_bytes()).hexdigest()
    about = {
        "latent": list(LATENT.values()), "tiles": TILES, "weights_digest": weights,
        "reference": f"diffusers {diffusers.__version__}, torch {torch.__version__}, cpu, float32", "tensors": table,
    }
    (args.output / "golden.json").write_text(json.dumps(about, indent=1) + "\n")
    print(f"{args.output}: {len(data):,} bytes; frames from {frames.min():.3f} to {frames.max():.3f}")


if __name__ == "__main__":
    main()
