"""The same pieces by diffusers' own modules, as `WanTransformer3DModel.forward` and `AutoencoderKLWan._decode` call them."""

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify
from torch import Tensor

from ..blocks import repeat_pairs
from ..program import Size
from .decoder import REMEMBERED, DecoderFirst

Inputs = dict[str, Tensor]


def text_projection(model: WanTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    return (model.condition_embedder.text_embedder(inputs["prompt_embeds"]),)


def front(model: WanTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    hidden = model.patch_embedding(inputs["latents"]).flatten(2).transpose(1, 2)
    embed, block = model.condition_embedder, model.blocks[0]
    temb = embed.time_embedder(inputs["time_features"])
    conditioning = embed.time_proj(embed.act_fn(temb)).unflatten(1, (6, -1))
    shift, scale, *_ = (block.scale_shift_table + conditioning.float()).chunk(6, dim=1)
    return hidden, temb, conditioning, block.norm1(hidden.float()) * (1 + scale) + shift


def blocks(start: int, end: int):
    def run(model: WanTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        rope = (repeat_pairs(inputs["rope_cos"]), repeat_pairs(inputs["rope_sin"]))
        hidden = inputs["hidden"]
        for block in model.blocks[start:end]:
            hidden = block(hidden, inputs["context"], inputs["conditioning"], rope)
        return (hidden,)

    return run


def head(model: WanTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    _, _, frames, rows, columns = inputs["latents"].shape
    p_t, p_h, p_w = model.config.patch_size
    hidden, temb = inputs["hidden"], inputs["temb"]
    shift, scale = (model.scale_shift_table + temb.unsqueeze(1)).chunk(2, dim=1)
    hidden = (model.norm_out(hidden.float()) * (1 + scale) + shift).type_as(hidden)
    hidden = model.proj_out(hidden)
    hidden = hidden.reshape(1, frames // p_t, rows // p_h, columns // p_w, p_t, p_h, p_w, -1)
    return (hidden.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3),)


def cache_shapes(vae: AutoencoderKLWan, size: Size) -> list[tuple[int, ...]]:
    """Of the decoder's state at this many latent rows and columns, found on the meta device."""
    shell = DecoderFirst(type(vae).from_config(vae.config).to("meta"))
    latents = torch.empty(1, vae.config.z_dim, 1, size.rows, size.columns, device="meta")
    with torch.no_grad():
        _, *caches = shell(latents)
    return [tuple(cache.shape) for cache in caches]


def decoder_first(vae: AutoencoderKLWan, inputs: Inputs) -> tuple[Tensor, ...]:
    latents = inputs["latents"]
    shapes = cache_shapes(vae, Size(1, latents.shape[3], latents.shape[4]))
    kept: list = [None] * (len(shapes) + 1)
    frames = vae.decoder(vae.post_quant_conv(latents), feat_cache=kept, feat_idx=[0], first_chunk=True)
    return joined(vae, frames), *(as_two_frames(cache, shape) for cache, shape in zip(kept, shapes))


def decoder_next(vae: AutoencoderKLWan, inputs: Inputs) -> tuple[Tensor, ...]:
    caches = [value for name, value in inputs.items() if name != "latents"]
    kept: list = [*caches, None]
    frames = vae.decoder(vae.post_quant_conv(inputs["latents"]), feat_cache=kept, feat_idx=[0])
    return joined(vae, frames), *kept[: len(caches)]


def joined(vae: AutoencoderKLWan, frames: Tensor) -> Tensor:
    """Not limited to -1 … 1: tiles are blended before that."""
    return unpatchify(frames, vae.config.patch_size or 1)


def as_two_frames(cache: Tensor | str, shape: tuple[int, ...]) -> Tensor:
    """diffusers keeps one frame where there was only one, and a word where a convolution did not run yet."""
    if isinstance(cache, str):
        return torch.zeros(shape)
    missing = REMEMBERED - cache.shape[2]
    return torch.cat([torch.zeros_like(cache[:, :, :1])] * missing + [cache], dim=2)
