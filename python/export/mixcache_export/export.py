"""A model to a bundle: one unit after the other, so that memory holds one unit's weights at a time."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import onnx_ir as ir
import torch
from mixcache_models.attention import Kind
from mixcache_models.digest import torch_entry
from mixcache_models.folder import Folder
from mixcache_models.program import About, Model, ModelError, Options, Program
from torch import nn

from .bundle import files, graph_file, variants
from .check import SelfCheck, session
from .flavours import Flavour, flavours
from .flops import check_flops
from .journal import Journal, describe
from .progress import Progress
from .quantise import dynamic, weight_only
from .room import check_disk, check_memory
from .trace import trace
from .units import Unit, units
from .weights import WeightsFile, write_graph

#: Of what is written; a partial export of another version is not continued.
VERSION = 1
QUANTISED = {"weight_only": weight_only, "dynamic": dynamic}


@dataclass(frozen=True)
class Settings:
    """How a bundle is written."""

    attention: Kind = "fused"
    dtype: str = "fp32"
    variants: tuple[str, ...] = ()
    #: "onnx", or "torch" for a bundle without graphs that only the torch worker runs.
    engine: str = "onnx"
    restart: bool = False


def export(
    folder: Folder, model: Model, options: Options, about: About, output: Path, settings: Settings = Settings()
) -> None:
    """Writes into `<output>.partial`, goes on with what is finished there, and renames it when all has been checked.

    @throws ModelError where the output exists, disk or memory are short, or a graph does not agree with PyTorch.
    """
    forms = flavours(settings.attention, settings.variants, settings.dtype)
    torch_part = torch_entry(folder, model, options)
    refuse_existing(output, torch_part["weights"])
    manifest = model.manifest(about)
    tokenizers = {file: folder.tokenizer_file(component) for file, component in model.tokenizers.items()}
    todo = [] if settings.engine == "torch" else units(model, folder, manifest, forms)
    check_flops(manifest, model, folder)
    check_room(output, todo)
    request = {
        "version": VERSION, "weights": torch_part["weights"], "options": torch_part, "manifest": manifest,
        "attention": settings.attention, "dtype": settings.dtype, "variants": list(settings.variants),
        "engine": settings.engine,
    }
    journal = Journal(output, request, settings.restart)
    try:
        write_units(folder, todo, SelfCheck(manifest), journal)
        described = dict(journal.files)
        for file, source in tokenizers.items():
            shutil.copyfile(source, journal.folder / file)
            described[file] = describe(journal.folder / file)
        engines = ["torch"] if settings.engine == "torch" else ["onnx", "torch"]
        whole = manifest | {
            "variants": variants(forms, todo) if todo else [], "engines": engines, "torch": torch_part,
            "files": files(journal.folder, dict(sorted(described.items()))),
        }
        (journal.folder / "model.json").write_text(json.dumps(whole, indent=1) + "\n")
        journal.publish()
    except ModelError:
        # The same command would fail again.
        journal.discard()
        raise
    except BaseException:
        journal.abandon()
        raise


def refuse_existing(output: Path, weights: str) -> None:
    """@throws ModelError where there is something under the output's name; says whether it is this model's bundle."""
    if not output.exists():
        return
    try:
        found = json.loads((output / "model.json").read_text()).get("torch", {}).get("weights")
    except (OSError, ValueError, AttributeError):
        found = None
    if found is None:
        what = "exists, and is no bundle that this exporter made"
    elif found == weights:
        what = "is already a bundle of these weights"
    else:
        what = "is a bundle of other weights"
    raise ModelError(f"{output} {what}. Remove it, or give another --output.")


def check_room(output: Path, todo: list[Unit]) -> None:
    """Disk for all, less what an earlier attempt has written, and memory for the largest unit."""
    if not todo:
        return
    partial = output.with_name(f"{output.name}.partial")
    written = sum(path.stat().st_size for path in partial.iterdir()) if partial.is_dir() else 0
    check_disk(output.parent, max(0, sum(unit.file_bytes for unit in todo) - written))
    biggest = max(todo, key=lambda unit: unit.parameters)
    check_memory(4 * biggest.parameters, biggest.name)


def write_units(folder: Folder, todo: list[Unit], check: SelfCheck, journal: Journal) -> None:
    if journal.states is not None:
        check.restore(journal.folder / journal.states)
    progress = Progress(todo, set(journal.units))
    try:
        for unit in todo:
            if unit.name in journal.units:
                continue
            progress.begin(unit)
            paths = write_unit(folder, unit, check, journal.folder, progress)
            journal.finish(unit.name, paths, check.save)
            progress.end(unit)
    finally:
        progress.close()


def write_unit(folder: Folder, unit: Unit, check: SelfCheck, into: Path, progress: Progress) -> list[Path]:
    """All graphs of a unit and their weights, checked; gives the files."""
    paths, first = [], unit.programs[0]
    stores = {form.weights: WeightsFile(into, f"{unit.name}{form.weights}") for form in unit.flavours}
    references: dict[str, list] = {}
    # References come from float32 weights; half-precision forms load theirs afterwards.
    for dtype in dict.fromkeys([torch.float32, *(form.dtype for form in unit.flavours)]):
        with folder.loaded(first.component, first.weights, dtype) as component:
            for program in unit.programs:
                if program.name not in references:
                    references[program.name] = check.references(program, component)
                traced: dict[Kind, ir.Model] = {}
                for form in (form for form in unit.flavours if form.dtype == dtype):
                    path = into / graph_file(program.name, form)
                    write_graph(make(program, component, form, traced), path, stores[form.weights])
                    agreement = check.check(program, references[program.name], form, session(path, form))
                    progress.say(f"{path.name:32} {agreement}")
                    paths.append(path)
    return [*paths, *(store.path for store in stores.values() if store.path.exists())]


def make(program: Program, component: nn.Module, form: Flavour, traced: dict[Kind, ir.Model]) -> ir.Model:
    """The graph in one form; `traced` keeps what the forms of one precision have in common."""
    if form.attention not in traced:
        traced[form.attention] = trace(program, program.build(component), form.attention)
    model = traced[form.attention]
    return model if form.quantised is None else QUANTISED[form.quantised](model.clone())
