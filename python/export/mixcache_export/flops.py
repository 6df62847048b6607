"""The manifest's FLOPs against PyTorch's count, on the meta device."""

import torch
from mixcache_models.chain import program_of
from mixcache_models.counting import count_flops
from mixcache_models.folder import Folder
from mixcache_models.program import CHECKED, Model, ModelError, Program, Size

TOLERANCE = 0.01


def check_flops(manifest: dict, model: Model, folder: Folder) -> float:
    """The largest deviation of a part of a denoiser.

    @throws ModelError where it is above 1 %.
    """
    programs, size = {program.name: program for program in model.programs}, CHECKED[0]
    tokens, worst = size.tokens(manifest["latents"]["patch"]), 0.0
    for denoiser in manifest["denoisers"]:
        text = text_tokens(denoiser, programs, size)
        terms = {
            "constant": 1, "tokens": tokens, "tokens_squared": tokens**2, "text": text, "tokens_text": tokens * text,
            "text_squared": text**2,
        }
        modules = [entry[part] for entry in denoiser.get("modules", []) for part in ("compute", "apply")]
        for part in [*denoiser.get("prompt_graphs", []), *denoiser["segments"], *modules]:
            program = programs[program_of(part["graph"])]
            inputs = program.example(size, torch.Generator().manual_seed(0))
            counted = count_flops(folder.component(program.component), program, inputs)
            claimed = sum(number * terms[term] for term, number in part["flops"].items())
            deviation = abs(claimed / counted - 1) if counted else float(claimed != 0)
            worst = max(worst, deviation)
            if deviation > TOLERANCE:
                raise ModelError(f"{program.name} has {claimed:,} FLOPs in the manifest; PyTorch counts {counted:,}.")
    return worst


def text_tokens(denoiser: dict, programs: dict[str, Program], size: Size) -> int:
    """The longest text that a program of the denoiser reads in its example."""
    longest = 0
    for part in [*denoiser.get("prompt_graphs", []), *denoiser["segments"]]:
        example = programs[program_of(part["graph"])].example(size, torch.Generator().manual_seed(0))
        for name, tensor in example.items():
            if denoiser["values"][part["inputs"][name]]["kind"] == "prompt" and tensor.dim() == 3:
                longest = max(longest, tensor.shape[1])
    return longest
