"""Adapters: the trained parts rearranged so that the exporter makes small, clean graphs of them.

They compute what model.py and decoder.py compute, for one sample and with matrices of two dimensions, and hold the
parameters as the bundle stores them. Each graph is checked against the originals when it is exported.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from .decoder import Conv3, Decoder
from .model import GRID, HEAD_DIM, LATENT, PATCH, PATCH_VALUES, TOKENS, apply_rope
from .model import CrossAttention, FeedForward, SelfAttention

#: The video is decoded in two calls of this many latents: one latent is always behind, and the second call ends it.
DECODER_LATENTS = LATENT[1] // 2


def parameter(value: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(value.detach().clone(memory_format=torch.contiguous_format))


def patchify(x):
    """[1, 3, 8, 32, 32] -> [256, 96] as model.patchify, in two transpositions of at most five axes (WebGPU)."""
    (f, h, w), (pf, ph, pw), c = GRID, PATCH, LATENT[0]
    x = x.reshape(c * f * pf * h, ph, w, pw).transpose(1, 2)
    return x.reshape(c, f, pf, h * w, ph * pw).permute(1, 3, 0, 2, 4).reshape(TOKENS, PATCH_VALUES)


def unpatchify(x):
    (f, h, w), (pf, ph, pw), c = GRID, PATCH, LATENT[0]
    x = x.reshape(f, h * w, c, pf, ph * pw).permute(2, 0, 3, 1, 4)
    return x.reshape(c * f * pf * h, w, ph, pw).transpose(1, 2).reshape(1, *LATENT)


class Affine(nn.Module):
    """nn.Linear with its matrix stored as [in, out], so that the graph has a MatMul and no Transpose."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight, self.bias = parameter(linear.weight.T), parameter(linear.bias)

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    """Either attention of model.py on one sample, [tokens, dim]. Heads come first with one transposition."""

    def __init__(self, attention: SelfAttention | CrossAttention):
        super().__init__()
        self.crossed = isinstance(attention, CrossAttention)
        if self.crossed:
            self.q, self.kv = Affine(attention.q), Affine(attention.kv)
        else:
            self.qkv = Affine(attention.qkv)
        self.q_norm, self.k_norm = parameter(attention.q_norm.weight), parameter(attention.k_norm.weight)
        self.out = Affine(attention.out)

    def forward(self, x, context=None, cos=None, sin=None):
        if self.crossed:
            (q,), (k, v) = self.heads(self.q(x), 1), self.heads(self.kv(context), 2)
        else:
            q, k, v = self.heads(self.qkv(x), 3)
        q, k = rms_norm(q, self.q_norm), rms_norm(k, self.k_norm)
        if cos is not None:
            q, k = apply_rope(q, cos, sin), apply_rope(k, cos, sin)
        weights = (q @ k.transpose(1, 2) * HEAD_DIM**-0.5).softmax(-1)
        return self.out((weights @ v).transpose(0, 1).reshape(x.shape))

    @staticmethod
    def heads(x, parts: int):
        count = x.shape[1] // HEAD_DIM
        return x.reshape(-1, count, HEAD_DIM).transpose(0, 1).split(count // parts)


def rms_norm(x, weight):
    """Spelt the way ONNX Runtime's fusion recognises."""
    return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight


class FeedForwardPart(nn.Module):
    def __init__(self, ff: FeedForward):
        super().__init__()
        self.up, self.down = Affine(ff.up), Affine(ff.down)

    def forward(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh"))


class BlockPart(nn.Module):
    """What block_N.bin holds, and its three modules on [tokens, dim]. A modulation is the scale and bias of a norm."""

    def __init__(self, block):
        super().__init__()
        self.table = parameter(block.table.flatten())
        self.self_attn, self.cross_attn = Attention(block.self_attn), Attention(block.cross_attn)
        self.norm2, self.ff = copy.deepcopy(block.norm2), FeedForwardPart(block.ff)

    def rows(self, conditioning):
        """shift, scale, gate, twice."""
        return modulation(self.table, conditioning)

    def self_attention(self, x, rows, cos, sin):
        return self.self_attn(modulated(x, rows[0], rows[1]), cos=cos, sin=sin)

    def cross_attention(self, x, context):
        return self.cross_attn(self.norm2(x), context)

    def feed_forward(self, x, rows):
        return self.ff(modulated(x, rows[3], rows[4]))


def modulation(table, conditioning):
    rows = table + conditioning.reshape(-1)
    return rows.split(rows.shape[0] // 6)


def modulated(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], 1 + scale, shift)


class Text(nn.Module):
    def __init__(self, text):
        super().__init__()
        self.embed, self.position = parameter(text.embed.weight), parameter(text.position)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {"norm1": b["norm1"], "attn": Attention(b["attn"]), "norm2": b["norm2"], "ff": FeedForwardPart(b["ff"])}
            )
            for b in text.blocks
        )
        self.norm = text.norm

    def forward(self, input_ids):
        x = F.embedding(input_ids.reshape(-1), self.embed) + self.position
        for block in self.blocks:
            x = x + block["attn"](block["norm1"](x))
            x = x + block["ff"](block["norm2"](x))
        x = self.norm(x)
        return x[None], x[:1]


class Front(nn.Module):
    """Its table is block 0's, for the signal `modulated_input`."""

    def __init__(self, dit):
        super().__init__()
        made = dit.conditioning
        self.patch, self.position = Affine(dit.patch), parameter(dit.position)
        self.time_in, self.time_out = Affine(made.time[0]), Affine(made.time[2])
        self.text, self.project = Affine(made.text), Affine(made.project)
        self.table = parameter(dit.blocks[0].table.flatten())

    def forward(self, latents, time_features, pooled):
        hidden = self.patch(patchify(latents)) + self.position
        temb = F.silu(self.time_out(F.silu(self.time_in(time_features))) + self.text(pooled))
        conditioning = self.project(temb)
        shift, scale, *_ = modulation(self.table, conditioning)
        return hidden[None], temb, conditioning.reshape(1, 6, -1), modulated(hidden, shift, scale)[None]


class OfBlock(nn.Module):
    """A graph over one block's weights."""

    def __init__(self, part: BlockPart, row: int = 0):
        super().__init__()
        self.part, self.row = part, row


class SelfAttnCompute(OfBlock):
    def forward(self, hidden, conditioning, rope_cos, rope_sin):
        return self.part.self_attention(hidden[0], self.part.rows(conditioning), rope_cos, rope_sin)[None]


class CrossAttnCompute(OfBlock):
    def forward(self, hidden, context):
        return self.part.cross_attention(hidden[0], context[0])[None]


class FeedForwardCompute(OfBlock):
    def forward(self, hidden, conditioning):
        return self.part.feed_forward(hidden[0], self.part.rows(conditioning))[None]


class Apply(OfBlock):
    def forward(self, hidden, module_output, conditioning):
        return hidden + self.part.rows(conditioning)[self.row] * module_output


class PlainApply(nn.Module):
    def forward(self, hidden, module_output):
        return hidden + module_output


class Block(OfBlock):
    def forward(self, hidden, conditioning, context, rope_cos, rope_sin):
        part, x, rows = self.part, hidden[0], self.part.rows(conditioning)
        x = x + rows[2] * part.self_attention(x, rows, rope_cos, rope_sin)
        x = x + part.cross_attention(x, context[0])
        return (x + rows[5] * part.feed_forward(x, rows))[None]


class Head(nn.Module):
    def __init__(self, head):
        super().__init__()
        self.modulate, self.out = Affine(head.modulate), Affine(head.out)

    def forward(self, hidden, temb, latents, sigma):
        shift, scale = self.modulate(temb).reshape(-1).chunk(2)
        return (latents - unpatchify(self.out(modulated(hidden[0], shift, scale)))) / sigma


class Whole(nn.Module):
    """The DiT as one graph: the reference for the partitioned ones."""

    def __init__(self, front: Front, blocks: list[BlockPart], head: Head):
        super().__init__()
        self.front, self.head = front, head
        self.blocks = nn.ModuleList(Block(block) for block in blocks)

    def forward(self, latents, time_features, sigma, context, pooled, rope_cos, rope_sin):
        hidden, temb, conditioning, _ = self.front(latents, time_features, pooled)
        for block in self.blocks:
            hidden = block(hidden, conditioning, context, rope_cos, rope_sin)
        return self.head(hidden, temb, latents, sigma)


def plain_decoder(decoder: Decoder) -> Decoder:
    """The decoder with ordinary convolutions in place of those whose weights are kept as matrices."""
    decoder = copy.deepcopy(decoder)
    for module in list(decoder.modules()):
        for name, child in list(module.named_children()):
            if not isinstance(child, Conv3):
                continue
            weight = child.weight.unflatten(1, (child.before, 3, 3))
            conv = nn.Conv2d(child.before, weight.shape[0], 3, padding=child.dilation, dilation=child.dilation)
            conv.weight, conv.bias = parameter(weight), parameter(child.bias)
            setattr(module, name, conv)
    return decoder


class DecoderGraph(nn.Module):
    """Latents in a row, with their neighbours in the row, as one batch of the decoder."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.part = decoder

    def frames(self, row):
        """row [1, 3, n + 2, h, w] -> the frames of the n latents in the middle, [1, 3, 2 n, 2 h, 2 w]."""
        before, own, after = (row[0, :, i : row.shape[2] - 2 + i].transpose(0, 1) for i in range(3))
        frames = self.part(before, own, after)
        return frames.permute(1, 0, 2, 3, 4).flatten(1, 2)[None].clamp(-1, 1)


class DecoderFirst(DecoderGraph):
    """The first half of the latents -> the frames of all but its last, which has to see the next one; state."""

    def forward(self, latents):
        return self.frames(torch.cat([latents[:, :, :1], latents], 2)), latents[:, :, -2:]


class DecoderNext(DecoderGraph):
    """The second half and the state (two latents) -> the frames of the state's last and of the whole half; state."""

    def forward(self, latents, state):
        return self.frames(torch.cat([state, latents, latents[:, :, -1:]], 2)), latents[:, :, -2:]
