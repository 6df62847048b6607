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
        lengths = text_tokens(denoiser, programs, size)
        modules = [entry[part] for entry in denoiser.get("modules", []) for part in ("compute", "apply")]
        for part in [*denoiser.get("prompt_graphs", []), *denoiser["segments"], *modules]:
            program = programs[program_of(part["graph"])]
            inputs = program.example(size, torch.Generator().manual_seed(0))
            counted = count_flops(folder.component(program.component), program, inputs)
            claimed = flops_at(part["flops"], tokens, lengths)
            deviation = abs(claimed / counted - 1) if counted else float(claimed != 0)
            worst = max(worst, deviation)
            if deviation > TOLERANCE:
                raise ModelError(f"{program.name} has {claimed:,} FLOPs in the manifest; PyTorch counts {counted:,}.")
    return worst


def flops_at(flops: dict, tokens: int, lengths: dict[str, int]) -> float:
    """The manifest's polynomial, with the tokens of the texts that it names or of the longest."""
    named = flops.get("texts")
    text = max(lengths.values(), default=0) if named is None else sum(lengths[name] for name in named)
    terms = {
        "constant": 1, "tokens": tokens, "tokens_squared": tokens**2, "text": text, "tokens_text": tokens * text,
        "text_squared": text**2,
    }
    return sum(flops.get(term, 0) * size for term, size in terms.items())


def text_tokens(denoiser: dict, programs: dict[str, Program], size: Size) -> dict[str, int]:
    """The tokens of each prompt value that a program of the denoiser reads in its example."""
    lengths: dict[str, int] = {}
    for part in [*denoiser.get("prompt_graphs", []), *denoiser["segments"]]:
        example = programs[program_of(part["graph"])].example(size, torch.Generator().manual_seed(0))
        for name, tensor in example.items():
            value = part["inputs"][name]
            if denoiser["values"][value]["kind"] == "prompt" and tensor.dim() == 3:
                lengths[value] = tensor.shape[1]
    return lengths
