"""FLOPs of the programs as polynomials of image and text tokens; those of blocks and head are HunyuanVideo's."""

from diffusers import HunyuanVideo15Transformer3DModel


def glyph_flops(model: HunyuanVideo15Transformer3DModel) -> dict[str, float]:
    project = model.context_embedder_2
    layers = (project.linear_1, project.linear_2, project.linear_3)
    return {"text": sum(2 * layer.in_features * layer.out_features for layer in layers)}


def front_flops(config) -> dict[str, float]:
    d = config.num_attention_heads * config.attention_head_dim
    texts, refiners = config.text_embed_dim, config.num_refiner_layers
    embedded = 2 * (256 * d + d * d) + texts * d + d * d
    patch = config.out_channels * config.patch_size_t * config.patch_size**2
    return {
        "constant": 2 * (embedded + (6 + 2 * refiners) * d * d),
        "tokens": 2 * patch * d,
        "text": 2 * texts * d + refiners * 24 * d * d,
        "text_squared": refiners * 4 * d,
    }
