"""Writes the bundle: graphs, weights, tokenizer and manifest, checked against PyTorch before it is put in place.

    python -m shapes.export --checkpoint runs/dit/checkpoint.pt --decoder runs/decoder/checkpoint.pt --output ../../models/shapes

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
from .grammar import Scene, encode
from .graphs import write_graphs
from .manifest import dit_flops, evaluate, manifest, tokenizer
from .model import LATENT, ShapesModel, patchify, time_features
from .render import alphas, colours, paint, to_latents

TOLERANCE = 1e-5
FLOPS_TOLERANCE = 0.01


def rounded(module: torch.nn.Module) -> torch.nn.Module:
    """The weights as the bundle stores them."""
    for p in module.parameters():
        p.data = p.data.half().float()
    return module.eval()


def load_model(path: Path) -> tuple[ShapesModel, list[str]]:
    """The smoothed weights of a training run, rounded, and its vocabulary."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
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
        self.folder, self.rows = folder, []

    def run(self, name: str, **inputs: torch.Tensor) -> list[torch.Tensor]:
        outputs = session(self.folder / f"{name}.onnx").run(None, {key: value.numpy() for key, value in inputs.items()})
        return [torch.from_numpy(np.array(output)) for output in outputs]

    def compare(self, name: str, outputs: list[torch.Tensor], references: list[torch.Tensor]) -> None:
        """The difference may be as large as TOLERANCE times the largest value, if that is above one."""
        for output, reference in zip(outputs, references, strict=True):
            assert output.shape == reference.shape, f"{name}: {tuple(output.shape)} instead of {tuple(reference.shape)}"
            difference, size = (output - reference).abs().max().item(), reference.abs().max().item()
            self.rows.append((name, difference, size, difference <= TOLERANCE * max(1.0, size)))

    def graph(self, name: str, references: list[torch.Tensor], **inputs: torch.Tensor) -> None:
        self.compare(name, self.run(name, **inputs), references)

    def report(self) -> bool:
        worst = {}
        for name, difference, size, fine in self.rows:
            before = worst.get(name, (0.0, 0.0, True))
            worst[name] = (max(difference, before[0]), max(size, before[1]), fine and before[2])
        print(f"{'graph':28} {'max difference':>14} {'max value':>10}")
        for name, (difference, size, fine) in worst.items():
            print(f"{name:28} {difference:14.2e} {size:10.3g}{'' if fine else '  FAILED'}")
        return all(fine for *_, fine in self.rows)


def realistic_input() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A drawn scene's latents, the same with noise at 0.7, and its caption's ids."""
    scene = Scene("circle", "red", "blue", "large", "left", "normal")
    clean = to_latents(paint(alphas([scene], random.Random(3)), *colours([scene])))
    noise = torch.randn(1, *LATENT, generator=torch.Generator().manual_seed(3))
    return clean, 0.3 * clean + 0.7 * noise, torch.tensor([encode("a large red circle moves left on a blue background")])


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
    check.graph("front", [hidden, temb, conditioning, modulated], latents=latents, time_features=features, pooled=pooled)
    chained = check.run("front", latents=latents, time_features=features, pooled=pooled)[0]

    for i, block in enumerate(dit.blocks):
        shift1, scale1, gate1, shift2, scale2, gate2 = block.modulation(conditioning)
        read = {"conditioning": conditioning}
        x, name = hidden, f"block_{i}_self_attn"
        y = block.self_attn(block.norm1(x) * (1 + scale1) + shift1, dit.cos, dit.sin)
        check.graph(name, [y], hidden=x, **read, **rope)
        check.graph(f"{name}_apply", [x + gate1 * y], hidden=x, module_output=y, **read)
        x, name = x + gate1 * y, f"block_{i}_cross_attn"
        y = block.cross_attn(block.norm2(x), context)
        check.graph(name, [y], hidden=x, context=context)
        check.graph("cross_attn_apply", [x + y], hidden=x, module_output=y)
        x, name = x + y, f"block_{i}_ff"
        y = block.ff(block.norm3(x) * (1 + scale2) + shift2)
        check.graph(name, [y], hidden=x, **read)
        check.graph(f"{name}_apply", [x + gate2 * y], hidden=x, module_output=y, **read)
        after = block(hidden, conditioning, context, dit.cos, dit.sin)
        inputs = {"conditioning": conditioning, "context": context, **rope}
        check.graph(f"block_{i}", [after], hidden=hidden, **inputs)
        chained = check.run(f"block_{i}", hidden=chained, **inputs)[0]
        hidden = after

    velocity = (latents - dit(latents, features, context, pooled)) / sigma
    end = {"temb": temb, "latents": latents, "sigma": sigma}
    check.graph("head", [velocity], hidden=hidden, **end)
    whole = check.run("whole", latents=latents, time_features=features, sigma=sigma, context=context, pooled=pooled, **rope)
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
    blocks = sum(evaluate(segment["flops"]) for segment in main["segments"] if segment["id"].startswith("block"))
    fine = modules == blocks
    for name, claimed, work in (
        ("DiT", dit_flops(main), lambda: model.dit(latents, features, context, pooled)),
        ("text encoder", evaluate(made["text_encoders"][0]["flops"]), lambda: model.text(ids)),
        ("decoder", made["decoder"]["first"]["flops"] + made["decoder"]["next"]["flops"], lambda: decode(decoder, clean)),
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
    parser.add_argument("--decoder", type=Path, help="of shapes.train_decoder; without one an untrained decoder that only enlarges")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, words = load_model(args.checkpoint)
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
