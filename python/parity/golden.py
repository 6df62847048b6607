"""Writes a parity fixture: a tiny bundle, and what diffusers' own pipeline makes from the same folder.

`golden.bin` holds little-endian float32 tensors one after the other; `golden.json` says where each lies and what it
is (test/parity/models.test.ts reads it). Everything is float32 on the CPU.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import diffusers
import torch
from cached import Cached, run_cached
from diffusers import DiffusionPipeline
from mixcache_export.export import Settings, export
from mixcache_models.chain import calls, give, take
from mixcache_models.folder import Folder
from mixcache_models.program import About, Model, Options, Size
from mixcache_models.registry import open_model
from torch import Tensor

#: How far the reference's pieces, one after the other, may be from the pipeline's own call of the whole.
PIECES_TOLERANCE = 2e-6


@dataclass(frozen=True)
class Run:
    """One video from a seed alone."""

    name: str
    width: int
    height: int
    frames: int
    seed: int


@dataclass(frozen=True)
class Captured:
    """One call of a denoiser by the pipeline."""

    inputs: dict
    output: Tensor


@dataclass(frozen=True)
class Detail:
    """The step of the first run whose inner values are written, for one denoiser."""

    step: int
    denoiser: str = "main"
    component: str = "transformer"
    #: The first step that the component serves.
    since: int = 0


@dataclass(frozen=True)
class Parity:
    """What differs between the models."""

    #: Of the fixture's folder.
    name: str
    pipeline: Callable[[], DiffusionPipeline]
    options: Options
    about: About
    prompt: str
    #: None where the guidance is embedded.
    negative_prompt: str | None
    guidance: float
    runs: Sequence[Run]
    #: Values of the manifest from the pipeline's calls of a step: latents, prompt values, provided values and the
    #: output ("velocity"), batch 1; branch is "cond" or "uncond".
    values: Callable[[DiffusionPipeline, list[Captured], str], dict[str, Tensor]]
    #: Ids that the engine's tokenizer must give, by encoder.
    ids: Callable[[DiffusionPipeline, str], dict[str, list[int]]]
    #: Of the denoisers after the first, where they have their own; `arguments` tells it to the pipeline.
    guidance_2: float | None = None
    steps: int = 20
    details: Sequence[Detail] = (Detail(10),)
    #: How often the pipeline calls the denoiser in a step.
    calls_per_step: int = 2
    #: Settings of the loaded pipeline that its folder does not hold.
    prepare: Callable[[DiffusionPipeline], None] = lambda pipe: None
    #: One run of a pipeline that is not called as the others are; None: `run_pipeline`.
    run: "Callable[[DiffusionPipeline, Parity, Run], dict[str, Tensor]] | None" = None
    #: Further arguments of the pipeline.
    arguments: dict = field(default_factory=dict)
    #: Noise level in [0, 1] of a step.
    sigma: Callable[[DiffusionPipeline, int], float] = lambda pipe, step: float(pipe.scheduler.sigmas[step])
    settings: Settings = Settings()
    #: Runs with diffusers' cache hooks.
    cached: Sequence[Cached] = ()


class Recorder:
    """Notes some calls of a module."""

    def __init__(self, module: torch.nn.Module, wanted: range):
        self.count, self.wanted, self.calls = 0, wanted, []
        self.handle = module.register_forward_hook(self.note, with_kwargs=True)

    def note(self, _module, args: tuple, kwargs: dict, output) -> None:
        if self.count in self.wanted:
            tensor = output[0] if isinstance(output, tuple) else output.sample
            kept = {k: v.clone() if isinstance(v, Tensor) else v for k, v in kwargs.items()}
            self.calls.append(Captured(kept | {f"arg{i}": v for i, v in enumerate(args)}, tensor.clone()))
        self.count += 1


def prompts(parity: Parity) -> dict[str, str]:
    negative = {} if parity.negative_prompt is None else {"negative_prompt": parity.negative_prompt}
    return {"prompt": parity.prompt, **negative}


@torch.no_grad()
def run_pipeline(pipe: DiffusionPipeline, parity: Parity, run: Run) -> dict[str, Tensor]:
    """Latents after the last step and frames, from the seed alone."""
    kept: dict[str, Tensor] = {}

    def last(_pipe, _step: int, _t, values: dict) -> dict:
        kept["latents"] = values["latents"]
        return {}

    frames = pipe(
        **prompts(parity), width=run.width, height=run.height, num_frames=run.frames,
        num_inference_steps=parity.steps, guidance_scale=parity.guidance,
        generator=torch.Generator().manual_seed(run.seed), output_type="pt", callback_on_step_end=last,
        **parity.arguments,
    ).frames
    return {f"{run.name}_latents": kept["latents"], f"{run.name}_frames": frames}


@torch.no_grad()
def pieces(model: Model, manifest: dict, pipe: DiffusionPipeline, detail: Detail, values: dict[str, Tensor]) -> dict:
    """What each graph of the denoiser has to give, from diffusers' own modules one after the other.

    The last one's output has to be what the pipeline's own call gave.
    """
    state, made = dict(values), {}
    programs = {program.name: program for program in model.programs}
    output = next(
        name for d in manifest["denoisers"] if d["id"] == detail.denoiser
        for name, value in d["values"].items() if value["kind"] == "output"
    )
    wanted = state.pop(output)
    for call in calls(manifest):
        if call.group != detail.denoiser:
            continue
        program = programs[call.graph]
        example = program.example(Size(1, 2, 2), torch.Generator().manual_seed(0))
        unknown = [name for name in example if call.inputs[name] not in state]
        if unknown:
            raise SystemExit(f"{program.name} reads {unknown}, which neither the pipeline's call nor a program gave.")
        given = program.reference(getattr(pipe, detail.component), take(call, example, state))
        give(call, program.outputs, given, state)
        made[call.graph] = {call.outputs[n]: t for n, t in zip(program.outputs, given, strict=True) if n in call.outputs}
    error = (state[output] - wanted).abs().max().item() / max(1.0, wanted.abs().max().item())
    print(f"pieces of {detail.denoiser} against the pipeline's own call: {error:.1e}")
    if not error <= PIECES_TOLERANCE:
        raise SystemExit(f"The references of {detail.denoiser} are not what diffusers computes: {error:.1e}.")
    return made


def write(output: Path, tensors: dict[str, Tensor], about: dict) -> None:
    data, table = bytearray(), {}
    for name, tensor in tensors.items():
        table[name] = {"offset": len(data), "dims": list(tensor.shape)}
        data += tensor.contiguous().float().numpy().astype("<f4").tobytes()
    (output / "golden.bin").write_bytes(data)
    (output / "golden.json").write_text(json.dumps(about | {"tensors": table}, indent=1) + "\n")
    print(f"{output}: {len(table)} tensors, {len(data):,} bytes")


class Golden:
    """Collects tensors under names and what `golden.json` says of them."""

    def __init__(self, parity: Parity, folder: Path):
        self.parity, self.folder, self.tensors = parity, Folder(folder), {}
        self.model = open_model(self.folder, parity.options)
        self.pipe = DiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
        self.pipe.set_progress_bar_config(disable=True)
        parity.prepare(self.pipe)

    def named(self, prefix: str, values: dict[str, Tensor]) -> dict[str, str]:
        """Keeps the tensors as `<prefix>.<value>`."""
        names = {value: f"{prefix}.{value}" for value in values}
        self.tensors |= {names[value]: tensor for value, tensor in values.items()}
        return names

    def details(self, manifest: dict, recorders: list[Recorder]) -> list[dict]:
        found, parity = [], self.parity
        for detail, recorder in zip(parity.details, recorders, strict=True):
            values = parity.values(self.pipe, recorder.calls, "cond")
            made = pieces(self.model, manifest, self.pipe, detail, values)
            step = detail.step
            found.append({
                "denoiser": detail.denoiser, "run": parity.runs[0].name, "step": step,
                "timestep": float(self.pipe.scheduler.timesteps[step]), "sigma": parity.sigma(self.pipe, step),
                "values": self.named(detail.denoiser, values),
                "outputs": {graph: self.named(graph, outputs) for graph, outputs in made.items()},
            })
        return found

    def prompt_values(self, manifest: dict, calls_of_step: list[Captured]) -> dict[str, dict[str, str]]:
        """The values that the text encoders make, by branch."""
        made = {output["value"] for encoder in manifest["text_encoders"] for output in encoder["outputs"].values()}
        branches = ["cond"] if self.parity.negative_prompt is None else ["cond", "uncond"]
        found = {}
        for branch in branches:
            values = self.parity.values(self.pipe, calls_of_step, branch)
            found[branch] = self.named(branch, {name: values[name] for name in values if name in made})
        return found

    def cached(self) -> dict[str, list[dict]]:
        """What `golden.json` says of runs with cache hooks; nothing where there are none."""
        found, parity = [], self.parity
        for cached in parity.cached:
            latents, about = run_cached(self.pipe, prompts(parity) | parity.arguments, parity.steps, cached)
            self.tensors[f"cached_{cached.name}_latents"] = latents
            found.append(about)
        return {"cached": found} if found else {}

    def write(self, output: Path) -> None:
        """@throws SystemExit where the references are not what the pipeline computes."""
        parity, manifest = self.parity, json.loads((output / "bundle" / "model.json").read_text())
        recorders = [
            Recorder(getattr(self.pipe, d.component), range(first, first + parity.calls_per_step))
            for d in parity.details for first in [parity.calls_per_step * (d.step - d.since)]
        ]
        run_one = parity.run or run_pipeline
        self.tensors |= run_one(self.pipe, parity, parity.runs[0])
        for recorder in recorders:
            recorder.handle.remove()
        details = self.details(manifest, recorders)
        for run in parity.runs[1:]:
            self.tensors |= run_one(self.pipe, parity, run)
        cached = self.cached()
        texts = [parity.prompt, *([""] if parity.negative_prompt is None else [parity.negative_prompt, ""])]
        write(output, self.tensors, {
            "prompt": parity.prompt, "negative_prompt": parity.negative_prompt, "steps": parity.steps,
            "guidance": parity.guidance, **({} if parity.guidance_2 is None else {"guidance_2": parity.guidance_2}),
            "runs": [asdict(run) for run in parity.runs],
            "ids": {text: parity.ids(self.pipe, text) for text in texts},
            "bundle_digest": hashlib.sha256((output / "bundle" / "model.json").read_bytes()).hexdigest(),
            "reference": f"diffusers {diffusers.__version__}, torch {torch.__version__}, cpu, float32",
            "prompt_values": self.prompt_values(manifest, recorders[0].calls), "details": details, **cached,
        })


def main(parity: Parity) -> None:
    """The command line of `python/parity/<model>.py`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help=f"default: test/fixtures/models/{parity.name}")
    parser.add_argument("--keep-bundle", action="store_true", help="do not export again")
    parser.add_argument("--folder", type=Path, help="also keep the diffusers folder, here")
    args = parser.parse_args()
    torch.set_num_threads(1)
    output = args.output or Path(__file__).parents[2] / "test/fixtures/models" / parity.name
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary) / parity.name
        parity.pipeline().save_pretrained(folder)
        output.mkdir(parents=True, exist_ok=True)
        if not args.keep_bundle:
            shutil.rmtree(output / "bundle", ignore_errors=True)
            source = Folder(folder)
            model = open_model(source, parity.options)
            export(source, model, parity.options, parity.about, output / "bundle", parity.settings)
        Golden(parity, folder).write(output)
