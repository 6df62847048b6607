"""FLOPs of each program as polynomials of image tokens and text tokens: two per multiply-accumulate of each product."""

from ..manifest import times


def front_flops(config) -> dict[str, float]:
    d = config.num_attention_heads * config.attention_head_dim
    time, texts, refiners = 256 * d + d * d, config.text_embed_dim, config.num_refiner_layers
    patch = config.in_channels * config.patch_size_t * config.patch_size**2
    embedded = 3 * time + (config.pooled_projection_dim + texts) * d + 2 * d * d
    return {
        "constant": 2 * (embedded + (6 + 2 * refiners) * d * d),
        "tokens": 2 * patch * d,
        "text": 2 * texts * d + refiners * 24 * d * d,
        "text_squared": refiners * 4 * d,
    }


def block_flops(config, start: int, end: int) -> dict[str, float]:
    """Dual blocks have two modulations where single ones have half of one; a token costs the same in both."""
    d, dual = config.num_attention_heads * config.attention_head_dim, config.num_layers
    per_token = round((8 + 4 * config.mlp_ratio) * d * d)
    block = {"tokens": per_token, "text": per_token} | attention_flops(d)
    duals = max(0, min(end, dual) - start)
    return times(block, end - start) | {"constant": (24 * duals + 6 * (end - start - duals)) * d * d}


def attention_flops(d: int) -> dict[str, float]:
    """Scores and sums over both streams together."""
    return {"tokens_squared": 4 * d, "tokens_text": 8 * d, "text_squared": 4 * d}


def module_flops(config, module: str) -> tuple[dict[str, float], dict[str, float]]:
    """Of a module's compute and of its apply, each with the modulation."""
    d = config.num_attention_heads * config.attention_head_dim
    modulation = {"constant": (6 if module == "attn_ff" else 24) * d * d}
    per_token = {"attn": 8, "ff": 4 * config.mlp_ratio, "attn_ff": 8 + 4 * config.mlp_ratio}[module]
    linear = {"tokens": round(per_token * d * d), "text": round(per_token * d * d)}
    return modulation | linear | (attention_flops(d) if "attn" in module else {}), modulation


def head_flops(config) -> dict[str, float]:
    d = config.num_attention_heads * config.attention_head_dim
    return {
        "constant": 4 * d * d, "tokens": 2 * d * config.out_channels * config.patch_size_t * config.patch_size**2,
    }


def llama_flops(config, skipped: int = 2) -> dict[str, float]:
    """All layers but the last ones."""
    layers, d = config.num_hidden_layers - skipped, config.hidden_size
    head = getattr(config, "head_dim", None) or d // config.num_attention_heads
    inner, grouped = config.num_attention_heads * head, config.num_key_value_heads * head
    per_layer = 2 * d * (2 * inner + 2 * grouped + 3 * config.intermediate_size)
    return {"text": layers * per_layer, "text_squared": layers * 4 * inner}


def clip_flops(config) -> dict[str, float]:
    layers, d = config.num_hidden_layers, config.hidden_size
    return {"text": layers * 4 * d * (2 * d + config.intermediate_size), "text_squared": layers * 4 * d}
