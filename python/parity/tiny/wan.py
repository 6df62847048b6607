"""A tiny Wan 2.1 with random weights."""

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import T5TokenizerFast, UMT5Config, UMT5EncoderModel

from .weights import randomise

WORDS = "a the red blue green circle square cat dog bird moves runs sleeps left right up down on in background sky".split()
#: Longest text, in tokens.
MAX_TOKENS = 16


def tokenizer() -> T5TokenizerFast:
    """SentencePiece's unigram model over some words, their letters and the usual special tokens."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -6.0)]
    pieces += [(f"▁{word}", -3.0 - 0.01 * i) for i, word in enumerate(WORDS)]
    pieces += [(letter, -8.0 - 0.01 * i) for i, letter in enumerate(letters)]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return T5TokenizerFast(tokenizer_object=made, extra_ids=0, model_max_length=MAX_TOKENS)


def text_encoder(text: T5TokenizerFast, layers: int = 2) -> UMT5EncoderModel:
    config = UMT5Config(
        vocab_size=len(text), d_model=32, d_ff=37, d_kv=8, num_layers=layers, num_heads=4, feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )
    return UMT5EncoderModel(config)


def unipc(shift: float) -> UniPCMultistepScheduler:
    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def tiny_transformer(layers: int, channels: int = 16, frequencies: int = 256) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=channels,
        text_dim=32, freq_dim=frequencies, ffn_dim=32, num_layers=layers, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=32,
    )


def tiny_vae() -> AutoencoderKLWan:
    return AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )


def tiny_wan(layers: int = 4) -> WanPipeline:
    transformer, vae, text = tiny_transformer(layers), tiny_vae(), tokenizer()
    encoder = text_encoder(text)
    generator = torch.Generator().manual_seed(0)
    for module in (transformer, vae, encoder):
        randomise(module.eval(), generator)
    return WanPipeline(tokenizer=text, text_encoder=encoder, transformer=transformer, vae=vae, scheduler=unipc(3.0))
