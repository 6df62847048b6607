"""The video DiT, its text encoder and the upsampling decoder.

The DiT works on the 2x2x2 area average of the video, [batch, 3, 8, 32, 32], in patches of 2x4x4 (256 tokens).
It follows Wan's layout: one projection of the conditioning, a small learned table per block.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

LATENT = (3, 8, 32, 32)
PATCH = (2, 4, 4)
GRID = tuple(n // p for n, p in zip(LATENT[1:], PATCH))
TOKENS = math.prod(GRID)
PATCH_VALUES = LATENT[0] * math.prod(PATCH)
TIME_FREQUENCIES = 128
#: Two wide heads: on a CPU the attention of many narrow ones costs more than all matrices together.
HEAD_DIM = 80
#: Of each head's channels: time, height, width.
ROPE_AXES = (16, 32, 32)
ROPE_THETA = 100.0


def time_features(t: torch.Tensor) -> torch.Tensor:
    """Sinusoids of t in [0, 1], [batch] -> [batch, 2 * TIME_FREQUENCIES]: cosines, then sines."""
    freqs = torch.exp(-math.log(10000.0) * torch.arange(TIME_FREQUENCIES, dtype=torch.float64) / TIME_FREQUENCIES)
    angles = t.double()[:, None] * 1000.0 * freqs.to(t.device)
    return torch.cat([torch.cos(angles), torch.sin(angles)], -1).float()


def rope_tables() -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the 3-D rotary embedding, [TOKENS, HEAD_DIM / 2] each."""
    grids = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in GRID), indexing="ij")
    parts = []
    for axis, width in zip(grids, ROPE_AXES):
        freqs = ROPE_THETA ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
        parts.append(axis.reshape(-1, 1) * freqs)
    angles = torch.cat(parts, -1)
    return torch.cos(angles).float(), torch.sin(angles).float()


def apply_rope(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotates x [batch, heads, tokens, HEAD_DIM]; channel i pairs with channel i + HEAD_DIM / 2."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


class RMSNorm(nn.Module):
    """Written out, so that the exported graph is made of primitives."""

    def __init__(self, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        x32 = x.float()
        return (x32 * torch.rsqrt((x32 * x32).mean(-1, keepdim=True) + 1e-6)).to(x.dtype) * self.weight


def heads(x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(-1, (-1, HEAD_DIM)).transpose(1, 2)


def attend(q, k, v) -> torch.Tensor:
    """Written out: with few heads this trains faster on a CPU than the fused kernel, and exports as primitives."""
    weights = (q @ k.transpose(-1, -2) * HEAD_DIM**-0.5).softmax(-1)
    return (weights.to(v.dtype) @ v).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.qkv = nn.Linear(dim, 3 * dim)
        self.q_norm, self.k_norm = RMSNorm(HEAD_DIM), RMSNorm(HEAD_DIM)
        self.out = nn.Linear(dim, dim)

    def forward(self, x, cos=None, sin=None):
        q, k, v = (heads(part) for part in self.qkv(x).chunk(3, -1))
        q, k = self.q_norm(q), self.k_norm(k)
        if cos is not None:
            q, k = apply_rope(q, cos, sin), apply_rope(k, cos, sin)
        return self.out(attend(q.to(v.dtype), k.to(v.dtype), v))


class CrossAttention(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.q_norm, self.k_norm = RMSNorm(HEAD_DIM), RMSNorm(HEAD_DIM)

    def forward(self, x, context):
        k, v = (heads(part) for part in self.kv(context).chunk(2, -1))
        q, k = self.q_norm(heads(self.q(x))), self.k_norm(k)
        return self.out(attend(q.to(v.dtype), k.to(v.dtype), v))


class FeedForward(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class TextEncoder(nn.Module):
    """Token ids [batch, 24] -> context [batch, 24, dim] and pooled [batch, dim] (the start token's row)."""

    def __init__(self, vocabulary: int, tokens: int, dim: int, layers: int = 2):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, dim)
        self.position = nn.Parameter(torch.randn(tokens, dim) * 0.02)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"norm1": nn.LayerNorm(dim), "attn": SelfAttention(dim), "norm2": nn.LayerNorm(dim), "ff": FeedForward(dim)})
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, ids):
        x = self.embed(ids) + self.position
        for block in self.blocks:
            x = x + block["attn"](block["norm1"](x))
            x = x + block["ff"](block["norm2"](x))
        x = self.norm(x)
        return x, x[:, 0]


class Block(nn.Module):
    """Self-attention, cross-attention and feed-forward, modulated by the conditioning plus a table of its own."""

    def __init__(self, dim: int):
        super().__init__()
        self.table = nn.Parameter(torch.randn(6, dim) * 0.02)
        self.norm1 = nn.LayerNorm(dim, elementwise_affine=False)
        self.self_attn = SelfAttention(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.cross_attn = CrossAttention(dim)
        self.norm3 = nn.LayerNorm(dim, elementwise_affine=False)
        self.ff = FeedForward(dim)

    def modulation(self, conditioning):
        """conditioning [batch, 6, dim] -> six rows of [batch, 1, dim]: shift, scale, gate, twice."""
        return (self.table + conditioning).unsqueeze(2).unbind(1)

    def forward(self, x, conditioning, context, cos, sin):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(conditioning)
        x = x + gate1 * self.self_attn(self.norm1(x) * (1 + scale1) + shift1, cos, sin)
        x = x + self.cross_attn(self.norm2(x), context)
        return x + gate2 * self.ff(self.norm3(x) * (1 + scale2) + shift2)


def patchify(x):
    """[batch, 3, 8, 32, 32] -> [batch, 256, 96]."""
    b, c = x.shape[:2]
    (f, h, w), (pf, ph, pw) = GRID, PATCH
    x = x.reshape(b, c, f, pf, h, ph, w, pw).permute(0, 2, 4, 6, 1, 3, 5, 7)
    return x.reshape(b, TOKENS, PATCH_VALUES)


def unpatchify(x):
    b, c = x.shape[0], LATENT[0]
    (f, h, w), (pf, ph, pw) = GRID, PATCH
    return x.reshape(b, f, h, w, c, pf, ph, pw).permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(b, *LATENT)


class Conditioning(nn.Module):
    """Time features and pooled text -> temb [batch, dim] (for the head) and the blocks' [batch, 6, dim]."""

    def __init__(self, dim: int):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(2 * TIME_FREQUENCIES, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.text = nn.Linear(dim, dim)
        self.project = nn.Linear(dim, 6 * dim)

    def forward(self, features, pooled):
        temb = F.silu(self.time(features) + self.text(pooled))
        return temb, self.project(temb).unflatten(-1, (6, -1))


class Head(nn.Module):
    """Tokens -> the clean latents that the model believes in."""

    def __init__(self, dim: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.modulate = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, PATCH_VALUES)

    def forward(self, x, temb):
        shift, scale = self.modulate(temb)[:, None].chunk(2, -1)
        return unpatchify(self.out(self.norm(x) * (1 + scale) + shift))


class Dit(nn.Module):
    def __init__(self, dim: int, layers: int):
        super().__init__()
        self.patch = nn.Linear(PATCH_VALUES, dim)
        self.position = nn.Parameter(torch.randn(TOKENS, dim) * 0.02)
        self.conditioning = Conditioning(dim)
        self.blocks = nn.ModuleList(Block(dim) for _ in range(layers))
        self.head = Head(dim)
        cos, sin = rope_tables()
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise()

    def _initialise(self):
        for block in self.blocks:
            for linear in (block.self_attn.out, block.cross_attn.out, block.ff.down):
                nn.init.zeros_(linear.weight)
            with torch.no_grad():
                block.table[2], block.table[5] = 1.0, 1.0
        nn.init.zeros_(self.conditioning.project.weight)
        nn.init.zeros_(self.head.modulate.weight)
        nn.init.zeros_(self.head.out.weight)
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, latents, features, context, pooled):
        """The predicted clean latents, [batch, 3, 8, 32, 32]."""
        x = self.patch(patchify(latents)) + self.position
        temb, conditioning = self.conditioning(features, pooled)
        for block in self.blocks:
            x = block(x, conditioning, context, self.cos, self.sin)
        return self.head(x, temb)


class ShapesModel(nn.Module):
    def __init__(self, vocabulary: int, max_tokens: int, dim: int, layers: int):
        super().__init__()
        self.config = {"vocabulary": vocabulary, "max_tokens": max_tokens, "dim": dim, "layers": layers}
        self.text = TextEncoder(vocabulary, max_tokens, dim)
        self.dit = Dit(dim, layers)

    def forward(self, latents, features, ids):
        context, pooled = self.text(ids)
        return self.dit(latents, features, context, pooled)
