"""The same pieces by diffusers' and transformers' own modules, as the pipeline calls them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel
from torch import Tensor, nn
from transformers import CLIPTextModel, LlamaModel

from ..blocks import repeat_pairs
from .text import SKIPPED_LAYERS

Inputs = dict[str, Tensor]


def llama(model: LlamaModel, inputs: Inputs) -> tuple[Tensor, ...]:
    """What the final norm would get after the layers that are kept; the others' weights need not be there."""
    layers, kept = model.config.num_hidden_layers, []
    model.config.num_hidden_layers = layers - SKIPPED_LAYERS
    hook = model.norm.register_forward_pre_hook(lambda _norm, args: kept.append(args[0]))
    try:
        model(inputs["input_ids"], attention_mask=torch.ones_like(inputs["input_ids"]), use_cache=False)
    finally:
        hook.remove()
        model.config.num_hidden_layers = layers
    return (kept[0],)


def clip(model: CLIPTextModel, inputs: Inputs) -> tuple[Tensor, ...]:
    return (model(inputs["input_ids"]).pooler_output,)


@contextmanager
def given_sinusoids(*embeds: nn.Module) -> Iterator[None]:
    """Embedders that take sinusoids in place of the numbers they would make them of."""
    kept = [embed.time_proj for embed in embeds]
    for embed in embeds:
        embed.time_proj = nn.Identity()
    try:
        yield
    finally:
        for embed, time_proj in zip(embeds, kept, strict=True):
            embed.time_proj = time_proj


def front(model: HunyuanVideoTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    time, texts = inputs["time_features"], inputs["prompt_embeds"]
    mask = torch.ones(texts.shape[:2])
    with given_sinusoids(model.time_text_embed, model.context_embedder.time_text_embed):
        temb, _ = model.time_text_embed(time, inputs["pooled"], inputs["guidance_features"])
        text_hidden = model.context_embedder(texts, time, mask)
    hidden = model.x_embedder(inputs["latents"])
    modulated, *_ = model.transformer_blocks[0].norm1(hidden, emb=temb)
    return hidden, text_hidden, temb, modulated


def blocks(start: int, end: int) -> Callable[[HunyuanVideoTransformer3DModel, Inputs], tuple[Tensor, ...]]:
    def run(model: HunyuanVideoTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        rope = tuple(repeat_pairs(inputs[name])[0, :, 0] for name in ("rope_cos", "rope_sin"))
        streams = inputs["hidden"], inputs["text_hidden"]
        for block in [*model.transformer_blocks, *model.single_transformer_blocks][start:end]:
            streams = block(*streams, inputs["temb"], None, rope)
        return streams

    return run


def head(model: HunyuanVideoTransformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    _, _, frames, rows, columns = inputs["latents"].shape
    p, p_t = model.config.patch_size, model.config.patch_size_t
    hidden = model.proj_out(model.norm_out(inputs["hidden"], inputs["temb"]))
    hidden = hidden.reshape(1, frames // p_t, rows // p, columns // p, -1, p_t, p, p)
    return (hidden.permute(0, 4, 1, 5, 2, 6, 3, 7).flatten(6, 7).flatten(4, 5).flatten(2, 3),)


def decoder(vae: AutoencoderKLHunyuanVideo, inputs: Inputs) -> tuple[Tensor, ...]:
    """One tile, whatever its size."""
    return (vae.decoder(vae.post_quant_conv(inputs["latents"])),)
