"""Tiny CogVideoX pipelines with random weights, with the positions of 2B and with those of 5B."""

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)
from transformers import T5Config, T5EncoderModel

from .wan import MAX_TOKENS, tokenizer
from .weights import randomise

CHANNELS = 4


def transformer(rotary: bool) -> CogVideoXTransformer3DModel:
    """Made for latents of 6 x 10: no run has that size, so that positions are scaled."""
    return CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16 if rotary else 8, in_channels=CHANNELS, out_channels=CHANNELS,
        time_embed_dim=12, text_embed_dim=16, num_layers=2, sample_width=10, sample_height=6, sample_frames=17,
        patch_size=2, max_text_seq_length=MAX_TOKENS, use_rotary_positional_embeddings=rotary,
    )


def autoencoder(levels: int, scaling_factor: float) -> AutoencoderKLCogVideoX:
    """`levels` blocks double rows and columns but for the last; the first two double frames as well."""
    return AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * levels, up_block_types=("CogVideoXUpBlock3D",) * levels,
        block_out_channels=(2,) * (levels - 1) + (4,), latent_channels=CHANNELS, layers_per_block=1,
        norm_num_groups=2, scaling_factor=scaling_factor,
    )


def scheduler(snr_shift: float) -> CogVideoXDDIMScheduler:
    return CogVideoXDDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=True,
        prediction_type="v_prediction", rescale_betas_zero_snr=True, snr_shift_scale=snr_shift,
        timestep_spacing="trailing",
    )


def tiny_cogvideox(rotary: bool) -> CogVideoXPipeline:
    """Like 5B where it rotates, else like 2B."""
    text = tokenizer()
    encoder = T5EncoderModel(T5Config(
        vocab_size=len(text), d_model=16, d_ff=24, d_kv=8, num_layers=2, num_heads=2,
        feed_forward_proj="gated-gelu", is_encoder_decoder=False,
    ))
    dit, vae = transformer(rotary), autoencoder(3 if rotary else 4, 0.7 if rotary else 1.15258426)
    generator = torch.Generator().manual_seed(2)
    for module in (dit, vae, encoder):
        randomise(module.eval(), generator)
    # Frames between black and white, not beyond.
    vae.decoder.conv_out.conv.weight.data *= 0.15
    for block in dit.transformer_blocks:
        for norm in (block.norm1, block.norm2):
            # Shifts, scales and gates.
            norm.linear.bias.data = torch.randn(norm.linear.bias.shape, generator=generator)
    return CogVideoXPipeline(
        tokenizer=text, text_encoder=encoder, transformer=dit, vae=vae, scheduler=scheduler(1.0 if rotary else 3.0),
    )
