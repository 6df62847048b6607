"""The same pieces by diffusers' own modules, as its transformer and its autoencoder call them."""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_1d_sincos_pos_embed_from_grid
from torch import Tensor

from ..blocks import repeat_pairs
from ..program import Size

Inputs = dict[str, Tensor]


def position_tables(model: CogVideoXTransformer3DModel, size: Size) -> dict[str, Tensor]:
    """The sinusoid of each axis, of which diffusers puts its position embedding together."""
    config = model.config
    d, p = config.num_attention_heads * config.attention_head_dim, config.patch_size
    space, time = config.spatial_interpolation_scale, config.temporal_interpolation_scale

    def table(count: int, channels: int, scale: float) -> Tensor:
        places = torch.arange(count, dtype=torch.float32) / scale
        return get_1d_sincos_pos_embed_from_grid(channels, places).float()

    return {
        "positions_frames": table(size.frames, d // 4, time),
        "positions_rows": table(size.rows // p, 3 * d // 8, space),
        "positions_columns": table(size.columns // p, 3 * d // 8, space),
    }


def front(model: CogVideoXTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    latents, text = inputs["latents"], inputs["prompt_embeds"]
    emb, embed = model.time_embedding(inputs["time_features"]), model.patch_embed
    # At the size that the model was made for diffusers takes the position embedding from a buffer, at others it
    # computes it. The buffer is no weight: where the model is empty, so is the buffer.
    kept, embed.sample_frames = embed.sample_frames, -1
    try:
        joint = embed(text, latents)
    finally:
        embed.sample_frames = kept
    encoder, hidden = joint[:, : text.shape[1]], joint[:, text.shape[1] :]
    first, *_ = model.transformer_blocks[0].norm1(hidden, encoder, emb)
    return hidden, encoder, emb, first


def rope_of(inputs: Inputs) -> tuple[Tensor, Tensor] | None:
    """diffusers' tables, [S, head], of the programs' halves; nothing for models that do not rotate."""
    if "rope_cos" not in inputs:
        return None
    cos, sin = (repeat_pairs(inputs[name])[0, :, 0] for name in ("rope_cos", "rope_sin"))
    return cos, sin


def blocks(start: int, end: int) -> Callable[[CogVideoXTransformer3DModel, Inputs], tuple[Tensor, ...]]:
    def run(model: CogVideoXTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        hidden, encoder, rope = inputs["hidden"], inputs["encoder"], rope_of(inputs)
        for block in model.transformer_blocks[start:end]:
            hidden, encoder = block(hidden, encoder, inputs["emb"], rope)
        return hidden, encoder

    return run


def head(model: CogVideoXTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    _, frames, _, rows, columns = inputs["latents"].shape
    p = model.config.patch_size
    hidden = model.norm_out(model.norm_final(inputs["hidden"]), temb=inputs["emb"])
    hidden = model.proj_out(hidden).reshape(1, frames, rows // p, columns // p, -1, p, p)
    return (hidden.permute(0, 1, 4, 2, 5, 3, 6).flatten(5, 6).flatten(3, 4),)


#: Where a decoder's caches lie among its convolutions: the path in diffusers' nested dicts.
Path = tuple[str, ...]


def cache_paths(vae: AutoencoderKLCogVideoX) -> list[Path]:
    """Of the convolutions that remember, in the order in which they run."""

    def resnets(block: str, count: int) -> list[Path]:
        return [(block, f"resnet_{i}", conv) for i in range(count) for conv in ("conv1", "conv2")]

    decoder = vae.decoder
    ups = [resnets(f"up_block_{i}", len(block.resnets)) for i, block in enumerate(decoder.up_blocks)]
    return [("conv_in",), *resnets("mid_block", len(decoder.mid_block.resnets)), *sum(ups, []), ("conv_out",)]


def decoder_call(vae: AutoencoderKLCogVideoX, inputs: Inputs) -> tuple[Tensor, ...]:
    """One batch of latent frames, with the caches of the one before where there are any."""
    latents = inputs["latents"]
    if vae.post_quant_conv is not None:
        latents = vae.post_quant_conv(latents)
    caches = [value for name, value in inputs.items() if name != "latents"]
    paths = cache_paths(vae)
    before = nested(dict(zip(paths, caches, strict=True))) if caches else None
    frames, kept = vae.decoder(latents, conv_cache=before)
    return frames, *(found(kept, path) for path in paths)


def nested(caches: dict[Path, Tensor]) -> dict:
    """Caches by path as dicts within dicts."""
    tree: dict = {}
    for path, cache in caches.items():
        place = tree
        for step in path[:-1]:
            place = place.setdefault(step, {})
        place[path[-1]] = cache
    return tree


def found(tree: dict, path: Path) -> Tensor:
    for step in path:
        tree = tree[step]
    return tree
