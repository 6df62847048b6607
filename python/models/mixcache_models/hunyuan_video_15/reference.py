"""The same pieces by diffusers' and transformers' own modules, as the pipeline calls them."""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKLHunyuanVideo15, HunyuanVideo15Transformer3DModel
from torch import Tensor, nn
from transformers import Qwen2_5_VLTextModel, T5EncoderModel

from ..blocks import repeat_pairs
from ..hunyuan_video.reference import given_sinusoids
from ..hunyuan_video.text import SKIPPED_LAYERS
from .transformer import GLYPHS, PROMPT

Inputs = dict[str, Tensor]


def language(model: Qwen2_5_VLTextModel, inputs: Inputs) -> tuple[Tensor, ...]:
    """`hidden_states[-3]`: what the last layer that is kept gives, without the final norm."""
    layers, norm = model.layers, model.norm
    model.layers, model.norm = layers[: len(layers) - SKIPPED_LAYERS], nn.Identity()
    try:
        return (model(inputs["input_ids"], use_cache=False).last_hidden_state,)
    finally:
        model.layers, model.norm = layers, norm


def glyphs(model: T5EncoderModel, inputs: Inputs) -> tuple[Tensor, ...]:
    return (model(**inputs).last_hidden_state,)


def of_kind(model: HunyuanVideo15Transformer3DModel, text: Tensor, kind: int) -> Tensor:
    return text + model.cond_type_embed(torch.full(text.shape[:2], kind))


def glyph_projection(model: HunyuanVideo15Transformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    return (of_kind(model, model.context_embedder_2(inputs["glyph_embeds"]), GLYPHS),)


def front(model: HunyuanVideo15Transformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
    """With the zeros that the pipeline puts in the place of an image and its mask."""
    latents, time, prompt = inputs["latents"], inputs["time_features"], inputs["prompt_embeds"]
    with given_sinusoids(model.time_embed, model.context_embedder.time_text_embed):
        temb = model.time_embed(time)
        text = model.context_embedder(prompt, time, torch.ones(prompt.shape[:2]))
    hidden = model.x_embedder(torch.cat([latents, torch.zeros_like(latents), torch.zeros_like(latents[:, :1])], dim=1))
    modulated, *_ = model.transformer_blocks[0].norm1(hidden, emb=temb)
    return hidden, torch.cat([inputs["glyph_hidden"], of_kind(model, text, PROMPT)], dim=1), temb, modulated


def blocks(start: int, end: int) -> Callable[[HunyuanVideo15Transformer3DModel, Inputs], tuple[Tensor, ...]]:
    def run(model: HunyuanVideo15Transformer3DModel, inputs: Inputs) -> tuple[Tensor, ...]:
        rope = tuple(repeat_pairs(inputs[name])[0, :, 0] for name in ("rope_cos", "rope_sin"))
        streams = inputs["hidden"], inputs["text_hidden"]
        mask = torch.ones(streams[1].shape[:2], dtype=torch.bool)
        for block in model.transformer_blocks[start:end]:
            streams = block(*streams, inputs["temb"], mask, rope)
        return streams

    return run


def decoder(vae: AutoencoderKLHunyuanVideo15, inputs: Inputs) -> tuple[Tensor, ...]:
    """One tile, whatever its size."""
    return (vae.decoder(inputs["latents"]),)
