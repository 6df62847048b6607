"""A tiny HunyuanVideo with random weights: the real classes, tokenizers of the real kinds, sizes like diffusers' tests'.

The language model's tokenizer has every word of the pipeline's template as one token, as Llama 3's has. So the template
is 95 tokens long here too, and the pipeline runs with its own defaults.
"""

import re

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
)
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
from transformers import CLIPTextConfig, CLIPTextModel, LlamaConfig, LlamaModel

from .bpe import clip_tokenizer, llama_tokenizer
from .weights import randomise

#: Some words of prompts; others are split into parts and bytes.
WORDS = "a red circle moves left on blue background cats asleep green square the sky"


def tiny_transformer() -> HunyuanVideoTransformer3DModel:
    return HunyuanVideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=2, num_single_layers=2,
        num_refiner_layers=1, patch_size=2, patch_size_t=1, guidance_embeds=True, text_embed_dim=16,
        pooled_projection_dim=8, rope_axes_dim=(2, 2, 4),
    )


def tiny_vae() -> AutoencoderKLHunyuanVideo:
    return AutoencoderKLHunyuanVideo(
        latent_channels=4, block_out_channels=(4, 4, 4, 8), layers_per_block=1, norm_num_groups=2,
        scaling_factor=0.476986, mid_block_add_attention=True,
    )


def tiny_hunyuan_video() -> HunyuanVideoPipeline:
    template = re.split(r"<\|.*?\|>", DEFAULT_PROMPT_TEMPLATE["template"])
    tokenizer, tokenizer_2 = llama_tokenizer([*template, WORDS]), clip_tokenizer([WORDS])
    language = LlamaConfig(
        hidden_size=16, intermediate_size=37, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=4,
        vocab_size=len(tokenizer), max_position_embeddings=512, rms_norm_eps=1e-5, pad_token_id=tokenizer.pad_token_id,
    )
    clip = CLIPTextConfig(
        hidden_size=8, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2, vocab_size=len(tokenizer_2),
        projection_dim=32, hidden_act="quick_gelu", bos_token_id=0, eos_token_id=2, pad_token_id=1,
    )
    parts = {
        "text_encoder": LlamaModel(language), "text_encoder_2": CLIPTextModel(clip), "transformer": tiny_transformer(),
        "vae": tiny_vae(),
    }
    generator = torch.Generator().manual_seed(0)
    for module in parts.values():
        randomise(module.eval(), generator)
    return HunyuanVideoPipeline(
        tokenizer=tokenizer, tokenizer_2=tokenizer_2, scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0), **parts
    )
