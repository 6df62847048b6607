"""Wan's finer partition gives what its blocks give, and half precision keeps its float32 islands."""

from pathlib import Path

import torch
from mixcache_models.blocks import dtype_of
from mixcache_models.folder import Folder
from mixcache_models.program import CHECKED, Options, outputs_of
from mixcache_models.registry import open_model


@torch.no_grad()
def test_all_modules_of_a_block_give_what_the_block_gives(wan_source: Path):
    folder = Folder(wan_source)
    model = open_model(folder, Options(text_tokens=16, modules=True))
    programs = {program.name: program for program in model.programs}
    transformer = folder.load("transformer")
    block = programs["blocks_0_1"]
    inputs = block.example(CHECKED[0], torch.Generator().manual_seed(0))
    (wanted,) = outputs_of(block.build(transformer)(*inputs.values()))
    state = dict(inputs)
    for module in ("self_attn", "cross_attn", "ff"):
        apply = f"block_0_{module}_apply" if module != "cross_attn" else "cross_attn_apply"
        for name, output in ((f"block_0_{module}", "module_output"), (apply, "hidden")):
            program = programs[name]
            given = [state[key] for key in program.example(CHECKED[0], torch.Generator())]
            (state[output],) = outputs_of(program.build(transformer)(*given))
    assert (state["hidden"] - wanted).abs().max() <= 1e-6 * wanted.abs().max()
    assert (state["hidden"] - inputs["hidden"]).abs().max() > 0.1


def test_half_precision_keeps_what_the_class_keeps_in_float32(wan_source: Path):
    folder = Folder(wan_source)
    transformer = folder.load("transformer", ("blocks.0.", "condition_embedder."), torch.float16)
    block = transformer.blocks[0]
    assert dtype_of(block.attn1.to_q) == torch.float16
    assert block.scale_shift_table.dtype == dtype_of(transformer.condition_embedder.time_embedder) == torch.float32
    folder.release("transformer", ("blocks.0.",))
    assert block.attn1.to_q.weight.is_meta and not transformer.condition_embedder.time_proj.weight.is_meta
