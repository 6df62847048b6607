"""HunyuanVideo's text encoders: a Llama without its last two layers, and CLIP's pooled output.

Both are causal, so a text without padding gives the same as a padded one: the ids [1, T] hold the text's own tokens.
"""

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, LlamaModel

from ..attention import attention
from ..blocks import apply_in_weights_dtype

#: The pipeline takes `hidden_states[-3]`: what the layers before the last two give, without the final norm.
SKIPPED_LAYERS = 2


class Llama(nn.Module):
    """Ids [1, T] to hidden states [1, T, text] after all layers but the last two."""

    def __init__(self, model: LlamaModel, max_tokens: int):
        super().__init__()
        self.embed = model.embed_tokens
        self.layers = model.layers[: model.config.num_hidden_layers - SKIPPED_LAYERS]
        cos, sin = model.rotary_emb(torch.zeros(1), torch.arange(max_tokens).unsqueeze(0))
        half = cos.shape[-1] // 2
        # The engine gives text encoders nothing but ids, so the angles of all positions are constants.
        self.register_buffer("cos", cos[:, :, None, :half].contiguous())
        self.register_buffer("sin", sin[:, :, None, :half].contiguous())

    def forward(self, input_ids: Tensor) -> Tensor:
        x, tokens = self.embed(input_ids).float(), input_ids.shape[1]
        cos, sin = self.cos[:, :tokens], self.sin[:, :tokens]
        for layer in self.layers:
            x = x + causal_attention(layer.self_attn, layer.input_layernorm(x), cos, sin)
            x = x + apply_in_weights_dtype(layer.mlp, layer.post_attention_layernorm(x)).float()
        return x


def heads(attn: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, [1, T, heads, c] each; there may be fewer heads of keys and values."""
    query, key, value = (apply_in_weights_dtype(layer, x) for layer in (attn.q_proj, attn.k_proj, attn.v_proj))
    return tuple(t.unflatten(2, (-1, attn.head_dim)) for t in (query, key, value))


def causal_attention(attn: nn.Module, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Grouped queries, each token seeing itself and those before it; rotates the halves of each head."""
    query, key, value = heads(attn, x)
    query, key = rotate_halves(query, cos, sin), rotate_halves(key, cos, sin)
    key, value = (t.repeat_interleave(attn.num_key_value_groups, dim=2) for t in (key, value))
    return attn.o_proj(attention(query, key, value, causal=True)).float()


def rotate_halves(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates channel i with channel i + c/2: [1, T, heads, c] by [1, T, 1, c/2], in float32; gives x's dtype."""
    low, high = x.float().chunk(2, dim=-1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=-1).to(x.dtype)


class ClipPooled(nn.Module):
    """Ids [1, T] to CLIP's text embedding [1, channels]: the last layer, normed, at the first end token."""

    def __init__(self, model: CLIPTextModel):
        super().__init__()
        self.tokens, self.positions = model.embeddings.token_embedding, model.embeddings.position_embedding
        self.layers, self.norm = model.encoder.layers, model.final_layer_norm
        self.end: int = model.config.eos_token_id

    def forward(self, input_ids: Tensor) -> Tensor:
        x = (self.tokens(input_ids) + self.positions.weight[: input_ids.shape[1]]).float()
        for layer in self.layers:
            y, attn = apply_in_weights_dtype(layer.layer_norm1, x), layer.self_attn
            x = x + attn.out_proj(attention(*heads(attn, y), causal=True)).float()
            x = x + layer.mlp(apply_in_weights_dtype(layer.layer_norm2, x)).float()
        # Configs from before the end token was a setting say 2; the end token is then the highest number.
        found = input_ids if self.end == 2 else (input_ids == self.end)
        place = found.float().argmax(dim=1)
        return apply_in_weights_dtype(self.norm, x).float().index_select(1, place).squeeze(1)
