"""Tiny Wan 2.2 with random weights: two experts, and the small model whose decoder makes patches of pixels."""

import torch
from diffusers import AutoencoderKLWan, WanPipeline

from .wan import text_encoder, tiny_transformer, tiny_vae, tokenizer, unipc
from .weights import randomise

#: Where the experts take turns. The published model's is 0.875; with this one a step of noise level 0.88253 belongs to
#: the second expert by the timestep that the pipeline looks at, 882, and would belong to the first by its noise level.
BOUNDARY = 0.8825


def tiny_wan_22_a14b() -> WanPipeline:
    """Everything differs between the experts, their text projections too."""
    high, low, vae, text = tiny_transformer(2), tiny_transformer(2), tiny_vae(), tokenizer()
    encoder = text_encoder(text)
    generator = torch.Generator().manual_seed(1)
    for module in (high, low, encoder):
        randomise(module.eval(), generator)
    # Norms over three channels are steep: of ten seeds the one with which float32 is nearest to float64.
    randomise(vae.eval(), torch.Generator().manual_seed(2))
    return WanPipeline(
        tokenizer=text, text_encoder=encoder, transformer=high, transformer_2=low, vae=vae, scheduler=unipc(5.0),
        boundary_ratio=BOUNDARY,
    )


def tiny_wan_22_5b() -> WanPipeline:
    """The pipeline tells every token its timestep; the decoder has a base of its own and widths that change.

    Fewer channels would make norms over them so steep that float32 is off by 1e-5 from float64.
    """
    generator = torch.Generator().manual_seed(2)
    vae = AutoencoderKLWan(
        base_dim=2, decoder_base_dim=4, z_dim=12, dim_mult=[1, 1, 2, 2], num_res_blocks=1,
        temperal_downsample=[False, True, True], is_residual=True, in_channels=12, out_channels=12, patch_size=2,
        scale_factor_spatial=16, scale_factor_temporal=4,
        latents_mean=torch.randn(12, generator=generator).round(decimals=4).tolist(),
        latents_std=(0.5 + torch.rand(12, generator=generator)).round(decimals=4).tolist(),
    )
    transformer, text = tiny_transformer(2, channels=12, frequencies=128), tokenizer()
    encoder = text_encoder(text, layers=1)
    for module in (transformer, vae, encoder):
        randomise(module.eval(), generator)
    # Frames between black and white: what is beyond either looks all the same.
    vae.decoder.conv_out.weight.data *= 0.3
    return WanPipeline(
        tokenizer=text, text_encoder=encoder, transformer=transformer, vae=vae, scheduler=unipc(5.0),
        expand_timesteps=True,
    )
