"""How large the published models are: parameters, FLOPs and bytes, from configs alone.

    python -m mixcache_models.sizes [names]

Nothing is downloaded and no weight is made. FLOPs are those of the manifest, two per multiply-accumulate of matrix
products; bytes are those of 16-bit weights.
"""

import argparse
import tempfile
from pathlib import Path

from torch import nn

from .program import About, Options
from .published import PUBLISHED, Published, WeightlessFolder, write_folder
from .registry import open_model

HEADER = ("model", "video", "tokens", "DiT parameters", "DiT, 16 bit", "texts, 16 bit", "decoder, 16 bit",
          "TFLOP a forward pass", "a stream at a cut, float32", "TFLOP decoding")


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def polynomial(flops: dict, terms: dict[str, int]) -> int:
    return sum(factor * terms[term] for term, factor in flops.items() if term in terms)


def gigabytes(count: int) -> str:
    return f"{2 * count / 1e9:.1f} GB"


def latent_size(manifest: dict) -> list[int]:
    video, latents = manifest["video"]["default"], manifest["latents"]
    per_frame, per_row, per_column = latents["compression"]
    alone = int(latents["first_frame_alone"])
    return [alone + (video["frames"] - alone) // per_frame, video["height"] // per_row, video["width"] // per_column]


def decoding(manifest: dict, size: list[int]) -> int | None:
    """FLOPs of all calls without tiles, where the polynomials are of a call of one latent frame or of a whole clip."""
    frames, rows, columns = size
    decoder = manifest["decoder"]

    def call(graph: dict, count: int) -> int:
        flops, plane = graph["flops"], rows * columns
        if isinstance(flops, (int, float)):
            return flops
        return polynomial(flops, {"constant": 1, "plane": plane, "pixels": plane * count,
                                  "pixels_squared": (plane * count) ** 2})

    first, following = decoder["first"], decoder.get("next")
    if following is None:
        return call(first, frames)
    begin, each = first.get("latent_frames", 1), following.get("latent_frames", 1)
    return call(first, begin) + (frames - begin) // each * call(following, each)


def row(model: Published) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as place:
        write_folder(model, Path(place))
        folder = WeightlessFolder(place)
        opened = open_model(folder, Options(cuts=model.cuts))
        manifest = opened.manifest(About(model.name, model.title, None, model.width, model.height, model.frames))
        experts = [folder.component(name) for name in model.components if name.startswith("transformer")]
        texts = [folder.component(name) for name in model.components if name.startswith("text_encoder")]
        vae = folder.component("vae")
    size = latent_size(manifest)
    patch = manifest["latents"]["patch"]
    tokens = (size[0] // patch[0]) * (size[1] // patch[1]) * (size[2] // patch[2])
    denoiser = manifest["denoisers"][0]
    terms = {"constant": 1, "tokens": tokens, "tokens_squared": tokens**2, "text": model.text,
             "tokens_text": tokens * model.text, "text_squared": model.text**2}
    forward = sum(polynomial(segment["flops"], terms) for segment in denoiser["segments"])
    channels = denoiser["values"][denoiser["distance_stream"]]["dims"][-1]
    count = " + ".join(f"{parameters(expert) / 1e9:.2f} B" for expert in experts)
    return (
        model.title, f"{model.width}×{model.height}×{model.frames}", f"{tokens:,}", count,
        gigabytes(sum(map(parameters, experts))), gigabytes(sum(map(parameters, texts))),
        gigabytes(parameters(vae.decoder)), f"{forward / 1e12:,.0f}", f"{4 * tokens * channels / 2**20:,.0f} MiB",
        f"{decoding(manifest, size) / 1e12:,.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(model.name for model in PUBLISHED))
    args = parser.parse_args()
    chosen = [model for model in PUBLISHED if not args.names or model.name in args.names]
    print("| " + " | ".join(HEADER) + " |\n|" + " --- |" * len(HEADER))
    for model in chosen:
        print("| " + " | ".join(row(model)) + " |", flush=True)


if __name__ == "__main__":
    main()
