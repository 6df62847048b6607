"""A Wan with random weights as a diffusers folder, of a size between the tests' and the real ones.

    PYTHONPATH=python/parity python bench/models/random_wan.py <folder> [--heads 8 --head-dim 64 --layers 12 --ffn 2048]
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from tiny.wan import tokenizer
from transformers import UMT5Config, UMT5EncoderModel

TEXT_DIM = 256
#: Gates and tables: a trained model's blocks add some of what they find to the stream, not a multiple of it.
GATE = 0.3


def randomise(module: torch.nn.Module, generator: torch.Generator) -> None:
    """Values keep their size through the layers, so that half precision and int8 are judged fairly."""
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("scale_shift_table") or name.startswith("condition_embedder.time_proj"):
            parameter.data = GATE * noise / (1 if noise.dim() != 2 else noise.shape[1] ** 0.5)
        elif noise.dim() == 1 and name.endswith("weight") or name.endswith("gamma"):
            parameter.data = 1 + 0.1 * noise
        elif noise.dim() == 1:
            parameter.data = 0.1 * noise
        else:
            parameter.data = noise / noise[0].numel() ** 0.5


def random_wan(heads: int, head_dim: int, layers: int, ffn: int, seed: int) -> WanPipeline:
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=heads, attention_head_dim=head_dim, in_channels=16, out_channels=16,
        text_dim=TEXT_DIM, freq_dim=256, ffn_dim=ffn, num_layers=layers, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=128,
    )
    vae = AutoencoderKLWan(
        base_dim=8, z_dim=16, dim_mult=[1, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    words = tokenizer()
    encoder = UMT5EncoderModel(UMT5Config(
        vocab_size=len(words), d_model=TEXT_DIM, d_ff=2 * TEXT_DIM, d_kv=32, num_layers=2, num_heads=8,
        feed_forward_proj="gated-gelu", is_encoder_decoder=False,
    ))
    generator = torch.Generator().manual_seed(seed)
    for module in (transformer, vae, encoder):
        randomise(module.eval(), generator)
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    return WanPipeline(tokenizer=words, text_encoder=encoder, transformer=transformer, vae=vae, scheduler=scheduler)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--head-dim", type=int, default=64)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--ffn", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    random_wan(args.heads, args.head_dim, args.layers, args.ffn, args.seed).save_pretrained(args.folder)


if __name__ == "__main__":
    main()
