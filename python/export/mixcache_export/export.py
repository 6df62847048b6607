"""A model to a bundle: its programs one after the other, so that memory holds one program's weights at a time."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from mixcache_models.folder import Folder
from mixcache_models.program import EXAMPLE, About, Model, ModelError

from .bundle import write_manifest
from .check import SelfCheck, session
from .flops import check_flops
from .graphs import write_graph


@dataclass(frozen=True)
class Settings:
    """How a bundle is written."""


def export(folder: Folder, model: Model, about: About, output: Path, settings: Settings = Settings()) -> None:
    """Writes into a folder beside `output` and renames it when everything has been checked.

    @throws ModelError where the output exists or a graph does not agree with PyTorch; nothing is written then.
    """
    if output.exists():
        raise ModelError(f"{output} exists. Remove it, or give another folder.")
    manifest = model.manifest(about)
    deviation = check_flops(manifest, model, folder)
    print(f"FLOPs within {deviation:.3%} of PyTorch's count", flush=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".export-", suffix=".partial", dir=output.parent))
    try:
        check = SelfCheck(manifest)
        for program in model.programs:
            with folder.loaded(program.component, program.weights) as component:
                module = program.build(component)
                path = write_graph(partial, program, module, program.example(EXAMPLE, torch.Generator().manual_seed(0)))
                alone, along = check.check(program, component, session(path))
            print(f"{program.name:20} {alone:10.2e} {along:10.2e}", flush=True)
        for file, component in model.tokenizers.items():
            shutil.copyfile(folder.tokenizer_file(component), partial / file)
        write_manifest(partial, manifest)
        partial.chmod(0o755)
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
