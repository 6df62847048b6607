"""From a diffusers folder to a mixcache bundle.

    python -m mixcache_export wan <diffusers folder> --output bundle/

Every graph is compared with PyTorch; a bundle that differs is not written.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel

from .graphs import write_graph
from .wan_check import check_flops, check_wan, decoder_flops
from .wan_graphs import graphs
from .wan_manifest import About, manifest


def load_wan(folder: Path) -> WanPipeline:
    """The pipeline in float32, refused where it is another model or a form that the adapters do not have."""
    index = folder / "model_index.json"
    if not index.is_file():
        raise SystemExit(f"{folder} is not a diffusers folder: it has no model_index.json.")
    name = json.loads(index.read_text()).get("_class_name")
    if name != "WanPipeline":
        raise SystemExit(f"{folder} holds a {name}, not a WanPipeline.")
    pipe = WanPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    transformer, vae = pipe.transformer, pipe.vae
    if not isinstance(transformer, WanTransformer3DModel) or not isinstance(vae, AutoencoderKLWan):
        raise SystemExit(f"{folder} lacks its transformer or its autoencoder.")
    if getattr(pipe, "transformer_2", None) is not None or pipe.config.expand_timesteps:
        raise SystemExit("Only Wan 2.1 can be exported so far: this folder has two experts or expanded timesteps.")
    if vae.config.is_residual or vae.config.patch_size is not None:
        raise SystemExit("Only the autoencoder of Wan 2.1 can be exported so far: this one is of another form.")
    if transformer.config.image_dim is not None or transformer.config.added_kv_proj_dim is not None:
        raise SystemExit("Only text to video can be exported: this transformer also reads an image.")
    for module in (transformer, vae, pipe.text_encoder):
        module.eval()
    return pipe


def parse_cuts(text: str | None, layers: int) -> list[int]:
    cuts = [0, layers] if text is None else [int(cut) for cut in text.split(",")]
    if cuts[0] != 0 or cuts[-1] != layers or cuts != sorted(set(cuts)):
        raise SystemExit(f"--cuts must be growing numbers of blocks from 0 to {layers}, such as 0,1,{layers}.")
    return cuts


def export_wan(source: Path, output: Path, about: About, cuts: str | None, text_tokens: int) -> None:
    """Writes into a folder beside `output` and renames it when everything has been checked."""
    if output.exists():
        raise SystemExit(f"{output} exists. Remove it, or give another folder.")
    pipe = load_wan(source)
    chosen = parse_cuts(cuts, pipe.transformer.config.num_layers)
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".export-", suffix=".partial", dir=output.parent))
    try:
        caches = 0
        for graph in graphs(pipe, chosen, text_tokens):
            print(f"exporting {graph.name}", flush=True)
            write_graph(folder, graph)
            caches = sum(name.startswith("cache_") for name in graph.inputs)
        shutil.copyfile(source / "tokenizer" / "tokenizer.json", folder / "tokenizer.json")
        ratio = pipe.vae.config.scale_factor_spatial
        flops = decoder_flops(pipe, about.height // ratio, about.width // ratio)
        made = manifest(folder, pipe, about, chosen, text_tokens, caches, flops)
        (folder / "model.json").write_text(json.dumps(made, indent=1) + "\n")
        # Both are run so that one failure does not hide the other.
        if not all([check_wan(folder, pipe, chosen, text_tokens), check_flops(made, pipe, text_tokens)]):
            raise SystemExit("The graphs do not agree with PyTorch: nothing was written.")
        folder.chmod(0o755)
        folder.rename(output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="mixcache-export", description=__doc__.split("\n")[0])
    parser.add_argument("model", choices=["wan"])
    parser.add_argument("folder", type=Path, help="a diffusers folder")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cuts", help="numbers of blocks at which segments end, such as 0,4,26,30; default: none")
    parser.add_argument("--text-tokens", type=int, default=512)
    parser.add_argument("--id", help="of the bundle; default: the folder's name")
    parser.add_argument("--title", help="default: the id")
    parser.add_argument("--license", default="Apache-2.0", help="of the weights")
    parser.add_argument("--width", type=int, default=832)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--frames", type=int, default=81)
    parser.add_argument("--fps", type=float, default=16)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    name = args.id or args.folder.resolve().name.lower()
    about = About(name, args.title or name, args.license, args.width, args.height, args.frames, args.fps)
    export_wan(args.folder, args.output, about, args.cuts, args.text_tokens)


if __name__ == "__main__":
    main()
