"""The finer partition: HunyuanVideo's, of blocks that are all dual."""

from collections.abc import Callable
from dataclasses import replace

import torch
from diffusers import HunyuanVideo15Transformer3DModel
from torch import Tensor

from ..hunyuan_video import modules as hunyuan_video
from ..hunyuan_video.modules import rope_of, streams_of
from ..program import Program


def attn_by_diffusers(index: int) -> Callable[..., tuple[Tensor, ...]]:
    """As `HunyuanVideo15TransformerBlock.forward` calls it, with a mask of nothing but text."""

    def run(model: HunyuanVideo15Transformer3DModel, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
        block, hidden, text, temb = model.transformer_blocks[index], *streams_of(inputs)
        mask = torch.ones(text.shape[:2], dtype=torch.bool)
        x, y = block.norm1(hidden, emb=temb)[0], block.norm1_context(text, emb=temb)[0]
        return (torch.cat(block.attn(x, y, attention_mask=mask, image_rotary_emb=rope_of(inputs)), dim=1),)

    return run


def module_programs(
    segments: list[tuple[str, int, int]], layers: int, example: Callable, most_tokens: int, most_texts: int
) -> list[Program]:
    """Of every block; `example(names, size, generator)`."""
    attns = {f"block_{index}_attn": index for index in range(layers)}
    return [
        replace(program, reference=attn_by_diffusers(attns[program.name])) if program.name in attns else program
        for program in hunyuan_video.module_programs(segments, layers, example, most_tokens, most_texts)
    ]


def module_entries(config, texts: list[str]) -> list[dict]:
    """The manifest's `modules`; `texts` are the prompt values whose tokens are the text stream's."""
    entries = hunyuan_video.module_entries(config)
    for entry in entries:
        for part in ("compute", "apply"):
            entry[part]["flops"] |= {"texts": texts}
    return entries
