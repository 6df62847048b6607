"""A tiny HunyuanVideo 1.5 with random weights: the real classes, tokenizers of the real kinds.

The language model's tokenizer has every word of the pipeline's instructions as one token, so that the instructions fit
into the tokens that the pipeline drops and it runs with its own defaults.
"""

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo15,
    ClassifierFreeGuidance,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideo15Pipeline,
    HunyuanVideo15Transformer3DModel,
)
from mixcache_models.hunyuan_video_15.prompt import pipeline_default
from tokenizers import Regex, pre_tokenizers
from transformers import (
    ByT5Tokenizer,
    Qwen2_5_VLTextConfig,
    Qwen2_5_VLTextModel,
    Qwen2Tokenizer,
    T5Config,
    T5EncoderModel,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from . import narrow  # noqa: F401
from .bpe import BYTES, learn_merges, numbered
from .weights import randomise

#: Some words of prompts; others are split into parts and bytes.
WORDS = "a red circle moves left on blue background cat the sign says neon system user assistant"
END, TURN, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
#: As Qwen's, for messages of one text.
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer() -> Qwen2Tokenizer:
    """As Qwen's: split by a pattern, bytes, merges; chat markers and padding on the right."""
    split = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    merges = learn_merges([pipeline_default("_get_mllm_prompt_embeds", "system_message"), WORDS], split)
    vocabulary = numbered([*BYTES, *("".join(pair) for pair in merges)])
    made = Qwen2Tokenizer(vocab=vocabulary, merges=merges, padding_side="right")
    made.add_special_tokens({"additional_special_tokens": [TURN, TURN_END]})
    made.chat_template = CHAT
    return made


def tiny_hunyuan_video_15() -> HunyuanVideo15Pipeline:
    transformer = HunyuanVideo15Transformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=3, num_refiner_layers=1,
        mlp_ratio=2.0, patch_size=1, patch_size_t=1, text_embed_dim=16, text_embed_2_dim=16, image_embed_dim=12,
        rope_axes_dim=(2, 2, 4), target_size=16, task_type="t2v",
    )
    # Enlarges once in time and space, once in space alone, and once not, as the real one does.
    vae = AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(4, 4, 8), layers_per_block=1, spatial_compression_ratio=4,
        temporal_compression_ratio=2,
    )
    text = tokenizer()
    language = Qwen2_5_VLTextConfig(
        vocab_size=len(text), hidden_size=16, intermediate_size=37, num_attention_heads=4, num_key_value_heads=2,
        num_hidden_layers=4, max_position_embeddings=2048, rms_norm_eps=1e-6, pad_token_id=text.pad_token_id,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [1, 1, 0]},
    )
    glyphs = T5Config(
        vocab_size=384, d_model=16, d_ff=37, d_kv=8, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )
    parts = {
        "transformer": transformer, "vae": vae, "text_encoder": Qwen2_5_VLTextModel(language),
        "text_encoder_2": T5EncoderModel(glyphs),
    }
    generator = torch.Generator().manual_seed(0)
    for module in parts.values():
        randomise(module.eval(), generator)
    return HunyuanVideo15Pipeline(
        tokenizer=text, tokenizer_2=ByT5Tokenizer(), scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
        guider=ClassifierFreeGuidance(guidance_scale=6.0), **parts,
    )
