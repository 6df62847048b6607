"""Writes the bundle: graphs, weights, tokenizer and manifest, checked against PyTorch before it is put in place.

    python -m shapes.export --checkpoint runs/dit/checkpoint.pt --decoder runs/decoder/checkpoint.pt \\
        --output ../../models/shapes

The reference is the same model with the same fp16-rounded weights, computing in fp32.
"""

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch.utils.flop_counter import FlopCounterMode

from .adapters import DECODER_LATENTS
from .decoder import Decoder, decode
from .grammar import VOCABULARY, Scene, encode
from .graphs import write_graphs
from .manifest import dit_flops, evaluate, manifest, tokenizer
from .model import LATENT, ShapesModel, patchify, time_features
from .render import alphas, colours, paint, to_latents

#: Largest difference of a value, and the same for large ones as a share of the largest value of the tensor.
TOLERANCE, RELATIVE_TOLERANCE = 1e-5, 2e-6
FLOPS_TOLERANCE = 0.01


def rounded(module: torch.nn.Module) -> torch.nn.Module:
    """The weights as the bundle stores them."""
    for p in module.parameters():
        p.data = p.data.half().float()
    return module.eval()


def load_model(path: Path) -> tuple[ShapesModel, list[str]]:
    """The averaged weights of a training run, rounded, and its vocabulary."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    if saved["vocabulary"] != VOCABULARY:
        raise SystemExit(f"{path} was trained with another vocabulary")
    model = ShapesModel(**saved["config"])
    model.load_state_dict(saved["ema"])
    return rounded(model), saved["vocabulary"]


def load_decoder(path: Path) -> Decoder:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    decoder = Decoder(**saved["config"])
    decoder.load_state_dict(saved["ema"])
    return rounded(decoder)


def session(path: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Check:
    """Runs graphs on the reference's own inputs and notes how far they are from it."""

    def __init__(self, folder: Path):
        self.folder, self.worst = folder, {}

    def run(self, name: str, **inputs: torch.Tensor) -> list[torch.Tensor]:
        outputs = session(self.folder / f"{name}.onnx").run(None, {key: value.numpy() for key, value in inputs.items()})
        return [torch.from_numpy(np.array(output)) for output in outputs]

    def compare(self, name: str, outputs: list[torch.Tensor], references: list[torch.Tensor]) -> None:
        for output, reference in zip(outputs, references, strict=True):
            assert output.shape == reference.shape, f"{name}: {output.shape} instead of {reference.shape}"
            difference, size = (output - reference).abs().max().item(), reference.abs().max().item()
            before = self.worst.get(name, (0.0, 0.0, True))
            fine = before[2] and difference <= max(TOLERANCE, RELATIVE_TOLERANCE * size)
            self.worst[name] = (max(difference, before[0]), max(size, before[1]), fine)

    def graph(self, name: str, references: list[torch.Tensor], **inputs: torch.Tensor) -> None:
        self.compare(name, self.run(name, **inputs), references)

    def report(self) -> bool:
        print(f"{'graph':28} {'max difference':>14} {'max value':>10}")
        for name, (difference, size, fine) in self.worst.items():
            print(f"{name:28} {difference:14.2e} {size:10.3g}{'' if fine else '  FAILED'}")
        return all(fine for *_, fine in self.worst.values())


def realistic_input() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A drawn scene's latents, the same with noise at 0.7, and its caption's ids."""
    scene = Scene("circle", "red", "blue", "large", "left", "normal")
    clean = to_latents(paint(alphas([scene], random.Random(3)), *colours([scene])))
    noise = torch.randn(1, *LATENT, generator=torch.Generator().manual_seed(3))
    ids = torch.tensor([encode("a large red circle moves left on a blue background")])
    return clean, 0.3 * clean + 0.7 * noise, ids


def check_modules(check: Check, index: int, block, x: torch.Tensor, inputs: dict[str, torch.Tensor]) -> None:
    """A block's finer partition; each module starts from where the one before it ended."""
    read, context = {"conditioning": inputs["conditioning"]}, inputs["context"]
    rope = {name: inputs[name] for name in ("rope_cos", "rope_sin")}
    shift1, scale1, gate1, shift2, scale2, gate2 = block.modulation(inputs["conditioning"])

    name = f"block_{index}_self_attn"
    y = block.self_attn(block.norm1(x) * (1 + scale1) + shift1, *rope.values())
    check.graph(name, [y], hidden=x, **read, **rope)
    check.graph(f"{name}_apply", [x + gate1 * y], hidden=x, module_output=y, **read)
    x = x + gate1 * y

    y = block.cross_attn(block.norm2(x), context)
    check.graph(f"block_{index}_cross_attn", [y], hidden=x, context=context)
    check.graph("cross_attn_apply", [x + y], hidden=x, module_output=y)
    x = x + y

    name = f"block_{index}_ff"
    y = block.ff(block.norm3(x) * (1 + scale2) + shift2)
    check.graph(name, [y], hidden=x, **read)
    check.graph(f"{name}_apply", [x + gate2 * y], hidden=x, module_output=y, **read)


@torch.no_grad()
def check_graphs(folder: Path, model: ShapesModel, decoder: Decoder) -> bool:
    check, dit = Check(folder), model.dit
    clean, latents, ids = realistic_input()
    sigma = torch.tensor([0.7])
    features = time_features(sigma)
    rope = {"rope_cos": dit.cos, "rope_sin": dit.sin}

    context, pooled = model.text(ids)
    check.graph("text", [context, pooled], input_ids=ids)

    hidden = dit.patch(patchify(latents)) + dit.position
    temb, conditioning = dit.conditioning(features, pooled)
    shift, scale, *_ = dit.blocks[0].modulation(conditioning)
    modulated = dit.blocks[0].norm1(hidden) * (1 + scale) + shift
    begin = {"latents": latents, "time_features": features, "pooled": pooled}
    check.graph("front", [hidden, temb, conditioning, modulated], **begin)
    chained = check.run("front", **begin)[0]

    for i, block in enumerate(dit.blocks):
        inputs = {"conditioning": conditioning, "context": context, **rope}
        check_modules(check, i, block, hidden, inputs)
        chained = check.run(f"block_{i}", hidden=chained, **inputs)[0]
        hidden, before = block(hidden, conditioning, context, dit.cos, dit.sin), hidden
        check.graph(f"block_{i}", [hidden], hidden=before, **inputs)

    velocity = (latents - dit(latents, features, context, pooled)) / sigma
    end = {"temb": temb, "latents": latents, "sigma": sigma}
    check.graph("head", [velocity], hidden=hidden, **end)
    whole = check.run("whole", **begin, sigma=sigma, context=context, **rope)
    check.compare("whole", whole, [velocity])
    check.compare("whole against its segments", check.run("head", hidden=chained, **end), whole)

    first, state = check.run("decoder_first", latents=clean[:, :, :DECODER_LATENTS].contiguous())
    following, _ = check.run("decoder_next", latents=clean[:, :, DECODER_LATENTS:].contiguous(), state=state)
    frames = decode(decoder, clean)
    check.compare("decoder_first", [first], [frames[:, :, : first.shape[2]]])
    check.compare("decoder_next", [following], [frames[:, :, first.shape[2] :]])
    return check.report()


@torch.no_grad()
def check_flops(made: dict, model: ShapesModel, decoder: Decoder) -> bool:
    clean, latents, ids = realistic_input()
    features, main = time_features(torch.tensor([0.7])), made["denoisers"][0]
    context, pooled = model.text(ids)
    modules = sum(evaluate(step["compute"]["flops"]) for step in main["modules"])
    blocks = sum(evaluate(s["flops"]) for s in main["segments"] if s["id"].startswith("block"))
    fine = modules == blocks
    for name, claimed, work in (
        ("DiT", dit_flops(main), lambda: model.dit(latents, features, context, pooled)),
        ("text encoder", evaluate(made["text_encoders"][0]["flops"]), lambda: model.text(ids)),
        ("decoder", sum(made["decoder"][k]["flops"] for k in ("first", "next")), lambda: decode(decoder, clean)),
    ):
        with FlopCounterMode(display=False) as counter:
            work()
        counted = counter.get_total_flops()
        print(f"{name}: {claimed:,} FLOPs in the manifest, {counted:,} counted ({claimed / counted - 1:+.3%})")
        fine = fine and abs(claimed / counted - 1) <= FLOPS_TOLERANCE
    return fine


def install(made: Path, output: Path) -> None:
    """Renames the finished folder into place; the model card in the old one stays."""
    if (output / "README.md").exists():
        shutil.copy(output / "README.md", made / "README.md")
    made.chmod(0o755)
    old = made.with_name(f"{made.name}-old")
    if output.exists():
        output.rename(old)
    made.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def write_bundle(folder: Path, model: ShapesModel, words: list[str], decoder: Decoder) -> dict:
    write_graphs(folder, model, decoder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(words), indent=1) + "\n")
    made = manifest(folder, model.config, decoder.config)
    (folder / "model.json").write_text(json.dumps(made, indent=1) + "\n")
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="of shapes.train")
    parser.add_argument("--decoder", type=Path, help="of shapes.train_decoder; without one the decoder only enlarges")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, words = load_model(args.checkpoint)
    torch.manual_seed(0)
    decoder = load_decoder(args.decoder) if args.decoder else rounded(Decoder())
    args.output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".export-", suffix=".partial", dir=args.output.parent))
    try:
        made = write_bundle(folder, model, words, decoder)
        # Both are run so that one failure does not hide the other.
        if not all([check_graphs(folder, model, decoder), check_flops(made, model, decoder)]):
            raise SystemExit("the graphs do not agree with PyTorch: nothing was installed")
        total = sum(path.stat().st_size for path in folder.iterdir())
        install(folder, args.output)
        print(f"{args.output}: {len(made['files']) + 1} files, {total:,} bytes")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
