"""Large models with random weights through the torch worker, on whatever GPU is there; nothing is downloaded.

    python bench/gpu/main.py                       Wan 1.3B and 14B at 480p × 81, HunyuanVideo; minutes on an H100
    python bench/gpu/main.py --tiny --device cpu   sees that it works

Needs PyTorch and diffusers (python/requirements.txt). With Node 24 and the repository's node_modules the engine itself
drives the worker too. Prints a table; `--json file` writes everything.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import paths
import torch
from cases import BEST_STEP, CASES, TINY
from client import CallFailed, Remote
from drive import Drive, flops_of, shape_of
from mixcache_models.digest import torch_entry
from mixcache_models.program import About, ModelError, Options
from mixcache_models.published import Published, write_folder
from mixcache_models.registry import open_model
from random_folder import RandomFolder
from report import markdown

HERE = Path(__file__).parent
CHILD_SECONDS = 1800
NO_NODE = "needs Node 24 and npm install in the repository."
#: Whose first segment runs on ONNX Runtime, too.
IN_ONNX = ("wan-1.3b", "wan-tiny")


def prepare(case: Published, folder: Path) -> dict:
    """The folder of configs and its manifest."""
    write_folder(case, folder)
    options = Options(cuts=case.cuts)
    opened = RandomFolder(folder)
    model = open_model(opened, options)
    about = About(case.name, case.title, "none", case.width, case.height, case.frames)
    manifest = model.manifest(about) | {
        "engines": ["torch"], "torch": torch_entry(opened, model, options), "variants": [],
        "files": {name: empty_file(folder / name) for name in model.tokenizers},
    }
    (folder / "model.json").write_text(json.dumps(manifest))
    return manifest


def empty_file(path: Path) -> dict:
    """Stands in for a tokenizer, which nobody asks."""
    path.write_bytes(b"{}")
    return {"bytes": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}


def child(command: list[str], answers: bool = True) -> dict:
    """The JSON that a script prints last. @throws CallFailed with the last line of what it says otherwise"""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise CallFailed(f"{Path(command[1]).name} was not done after {CHILD_SECONDS} s.") from None
    sys.stderr.write(done.stderr)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise CallFailed(f"{Path(command[1]).name} ended with {done.returncode}: {said}")
    return json.loads(done.stdout.splitlines()[-1]) if answers else {}


def find_node() -> str | None:
    """Node, where the repository's packages are installed too."""
    local = paths.ROOT / "node_modules/.bin/node"
    node = str(local) if local.exists() else shutil.which("node")
    return node if (paths.ROOT / "node_modules/zod").is_dir() else None


def segment(case: Published, folder: Path, manifest: dict, where: list[str], attention: str) -> dict:
    """Seconds of the first segment with blocks. @throws CallFailed"""
    denoiser, shape = manifest["denoisers"][0], shape_of(case, manifest)
    part = denoiser["segments"][1]
    dims = {own: shape.dims(denoiser["values"][name]["dims"]) for own, name in part["inputs"].items()}
    program, output = part["graph"].removesuffix(".onnx"), folder / f"segment-{attention}"
    command = [sys.executable, str(HERE / "segment.py"), str(folder), program, str(output)]
    child([*command, "--attention", attention, "--dtype", "float16"], answers=False)
    node, device = where
    measured = child([node, str(HERE / "segment.ts"), str(output), device, json.dumps(dims), "3"])
    return measured | {"tflop": flops_of(part, shape) / 1e12, "tokens": shape.tokens}


class Bench:
    def __init__(self, args: argparse.Namespace):
        self.args, self.entries, self.segments, self.skipped = args, [], [], []

    def remote(self, case: Published, folder: Path, manifest: dict, mode: str, flags: list[str]) -> dict | None:
        args = self.args
        flags = ["--device", args.device, "--dtype", args.dtype, *flags]
        try:
            with Remote(sys.executable, folder, manifest, flags) as client:
                measured = Drive(client, manifest, case).steps(args.steps, args.warm_up)
                about = client.about
        except CallFailed as error:
            self.skipped.append(f"{case.title}, {mode}: {error}")
            return None
        entry = measured | {
            "case": case.name, "title": case.title, "mode": mode, "published": BEST_STEP.get(case.name),
            "attention": about["attention"], "width": case.width, "height": case.height, "frames": case.frames,
        }
        self.entries.append(entry)
        return entry

    def local(self, case: Published, folder: Path, entry: dict) -> None:
        """What the protocol costs, and the largest activations."""
        args = self.args
        try:
            alone = child([
                sys.executable, str(HERE / "local.py"), case.name, str(folder), str(folder / "model.json"), "--device",
                args.device, "--dtype", args.dtype, "--steps", str(args.steps),
            ])
        except CallFailed as error:
            self.skipped.append(f"{case.title}, without the protocol: {error}")
            return
        entry |= {
            "local": alone, "activations": alone["activations"],
            "over_local": entry["median_seconds"] / alone["median_seconds"] - 1,
        }

    def engine(self, case: Published, folder: Path, base: dict) -> None:
        """The engine in TypeScript instead of the client in Python."""
        node = find_node()
        if node is None:
            self.skipped.append(f"{case.title}, driven by the engine: {NO_NODE}")
            return
        args = self.args
        command = [
            sys.executable, "-u", str(HERE / "worker.py"), "--weights", str(folder), "--device", args.device, "--dtype",
            args.dtype,
        ]
        try:
            measured = child([
                node, str(HERE / "engine.ts"), str(folder), json.dumps(command), str(args.steps + args.warm_up),
                str(args.warm_up), str(case.text),
            ])
        except CallFailed as error:
            self.skipped.append(f"{case.title}, driven by the engine: {error}")
            return
        self.entries.append(base | {"over_local": None, "activations": None, "mode": "engine (Node)"} | measured)

    def onnx(self, case: Published, folder: Path, manifest: dict) -> None:
        """The first segment with blocks on ONNX Runtime: whole with one operator for attention, short without."""
        device = "cpu" if self.args.device == "cpu" else "webgpu"
        for attention, frames in (("fused", case.frames), ("portable", 5)):
            what = f"{case.title}, ONNX Runtime on {device}: first segment, float16, {attention} attention, {frames} frames"
            node = find_node()
            if node is None:
                self.skipped.append(f"{what}: {NO_NODE}")
                continue
            try:
                short = replace(case, frames=frames)
                measured = segment(short, folder, manifest, [node, device], attention)
                self.segments.append({"what": what} | measured)
            except CallFailed as error:
                self.skipped.append(f"{what}: {error}")

    def case(self, case: Published) -> None:
        with tempfile.TemporaryDirectory(prefix="mixcache-gpu-") as temporary:
            folder = Path(temporary)
            try:
                manifest = prepare(case, folder)
            except ModelError as error:
                self.skipped.append(f"{case.title}: {error}")
                return
            entry = self.remote(case, folder, manifest, "eager", [])
            if entry is None:
                return
            self.local(case, folder, entry)
            self.engine(case, folder, entry)
            if self.args.compile:
                self.remote(case, folder, manifest, "compiled", ["--compile"])
            if case.name in IN_ONNX:
                self.onnx(case, folder, manifest)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(case.name for case in CASES)
    parser.add_argument("--models", help=f"some of {names}; default: all")
    parser.add_argument("--tiny", action="store_true", help="the same architectures, so small that a CPU runs them")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16", "float32"])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="leave out torch.compile")
    parser.add_argument("--strict", action="store_true", help="fail where anything was skipped")
    parser.add_argument("--json", type=Path)
    return parser


def main() -> None:
    args = arguments().parse_args()
    if args.device == "cpu" and not args.tiny:
        raise SystemExit("There is no GPU that this PyTorch can use. Give --tiny to see that the script works.")
    known = {case.name: case for case in (TINY if args.tiny else CASES)}
    names = args.models.split(",") if args.models else list(known)
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"--models knows no {', '.join(unknown)}; there are {', '.join(known)}.")
    chosen = [known[name] for name in names]
    peak = child([sys.executable, str(HERE / "peak.py"), args.device])
    bench, started = Bench(args), time.time()
    for case in chosen:
        print(f"measuring {case.title}", file=sys.stderr, flush=True)
        bench.case(case)
        # After each case: a machine that is taken away has shown what it has.
        if args.json:
            told = {"date": time.strftime("%Y-%m-%d"), "peak": peak, "entries": bench.entries}
            told |= {"segments": bench.segments, "skipped": bench.skipped}
            args.json.write_text(json.dumps(told, indent=2) + "\n")
    print(f"{time.strftime('%Y-%m-%d')}, {time.time() - started:.0f} s")
    print(markdown(peak, bench.entries, bench.segments, bench.skipped))
    if args.strict and bench.skipped:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
