"""Trains the DiT and its text encoder on videos that are drawn as it goes.

    python -m shapes.train --output runs/cpu --minutes 100

The rate follows the clock (warm up, then linear decay to zero at --minutes), and every checkpoint
can be resumed with the same command, so a run fits machines that come and go.
"""

import argparse
import json
import random
import time
from pathlib import Path

import torch

from .grammar import MAX_TOKENS, VOCABULARY, caption, encode, is_held_out, sample_scene
from .model import LATENT, ShapesModel, time_features
from .muon import Muon
from .render import alphas, colours, paint, to_latents


class Data:
    """A pool of drawn alphas, renewed a little with every batch; colours and captions are fresh each time."""

    def __init__(self, capacity: int, device: str, seed: int):
        self.rng, self.device, self.capacity = random.Random(seed), device, capacity
        self.alpha = torch.empty(capacity, *LATENT[1:], dtype=torch.uint8, device=device)
        self.scenes, self.at = [], 0

    def draw(self, count: int, stage: str):
        scenes = [sample_scene(self.rng, stage) for _ in range(count)]
        drawn = (to_latents(alphas(scenes, self.rng, self.device)) * 255).round().to(torch.uint8)
        for scene, alpha in zip(scenes, drawn):
            if len(self.scenes) < self.capacity:
                self.scenes.append(scene)
            self.scenes[self.at] = scene
            self.alpha[self.at] = alpha
            self.at = (self.at + 1) % self.capacity

    def batch(self, size: int, stage: str):
        picks, scenes = [], []
        while len(picks) < size:
            index = self.rng.randrange(len(self.scenes))
            palette = sample_scene(self.rng, stage)
            drawn = self.scenes[index]
            scene = type(drawn)(drawn.shape, palette.colour, palette.background, drawn.size, drawn.motion, drawn.speed)
            if not is_held_out(scene):
                picks.append(index)
                scenes.append(scene)
        alpha = self.alpha[torch.tensor(picks, device=self.device)].float() / 255
        ids = [encode("" if self.rng.random() < 0.1 else caption(s, self.rng)) for s in scenes]
        return paint(alpha, *colours(scenes, self.device)), alpha, torch.tensor(ids, device=self.device)


def split_parameters(model):
    """Hidden matrices go to Muon, everything else to AdamW."""
    muon, adam = [], []
    for name, p in model.named_parameters():
        hidden = p.ndim == 2 and ".blocks." in name and not name.endswith("table")
        (muon if hidden else adam).append(p)
    return muon, adam


def has_bf16() -> bool:
    """Without instructions for it, a CPU multiplies bfloat16 many times slower than float32."""
    return torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--core-share", type=float, default=0.35, help="part of the time on the core grammar")
    parser.add_argument("--dim", type=int, default=160)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--adam-rate", type=float, default=2e-3)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--object-weight", type=float, default=2, help="what an error on the object adds to its weight")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=has_bf16(), help="default: where matrices multiply fast in it")
    parser.add_argument("--from-weights", type=Path, help="start from the weights of another run's checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.output.mkdir(parents=True, exist_ok=True)
    checkpoint_path = args.output / "checkpoint.pt"

    model = ShapesModel(len(VOCABULARY), MAX_TOKENS, args.dim, args.layers).to(args.device)
    ema = {k: v.clone() for k, v in model.state_dict().items()}
    muon_params, adam_params = split_parameters(model)
    optimisers = [
        (Muon(muon_params, args.muon_rate, 0.01, 0.95, torch.bfloat16 if args.bf16 else torch.float32), args.muon_rate),
        (torch.optim.AdamW(adam_params, lr=args.adam_rate, betas=(0.9, 0.98), weight_decay=0.01), args.adam_rate),
    ]
    state = {"step": 0, "samples": 0, "seconds": 0.0}
    if checkpoint_path.exists():
        saved = torch.load(checkpoint_path, map_location=args.device, weights_only=True)
        model.load_state_dict(saved["model"])
        ema, state = saved["ema"], saved["state"]
        for (optimiser, _), s in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(s)
    elif args.from_weights:
        ema = torch.load(args.from_weights, map_location=args.device, weights_only=True)["ema"]
        model.load_state_dict(ema)

    def save():
        partial = checkpoint_path.with_suffix(".partial")
        torch.save({"model": model.state_dict(), "ema": ema, "state": state, "config": model.config,
                    "vocabulary": VOCABULARY, "optimisers": [o.state_dict() for o, _ in optimisers]}, partial)
        partial.rename(checkpoint_path)

    network = model if args.no_compile else torch.compile(model)
    data = Data(24_000, args.device, args.seed + state["step"])
    total = args.minutes * 60
    stage = "core" if state["seconds"] < args.core_share * total else "full"
    data.draw(2048, stage)
    started, base, window, mean_loss = time.monotonic(), state["seconds"], time.monotonic(), 0.0
    saved_at = time.monotonic()
    while state["seconds"] < total:
        progress = state["seconds"] / total
        stage = "core" if progress < args.core_share else "full"
        data.draw(args.batch // 4, stage)
        clean, alpha, ids = data.batch(args.batch, stage)
        rate = min(1.0, (state["step"] + 1) / 40) * (1 - progress)
        for optimiser, peak in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
        normal = torch.randn(args.batch, device=args.device)
        t = torch.sigmoid(normal)
        t = 3 * t / (1 + 2 * t)
        level = t[:, None, None, None, None]
        noisy = (1 - level) * clean + level * torch.randn_like(clean)
        with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.bf16):
            predicted = network(noisy, time_features(t), ids)
        weight = (1 + args.object_weight * (alpha[:, None] > 0.02)) / level.clamp(min=0.3)
        loss = (weight * (predicted.float() - clean) ** 2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser, _ in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        decay = min(args.ema, (1 + state["step"]) / (10 + state["step"]))
        with torch.no_grad():
            current = model.state_dict()
            torch._foreach_lerp_(list(ema.values()), [current[k] for k in ema], 1 - decay)
        state["step"] += 1
        state["samples"] += args.batch
        state["seconds"] = base + time.monotonic() - started
        mean_loss = loss.item() if not mean_loss else 0.95 * mean_loss + 0.05 * loss.item()
        if state["step"] % 25 == 0:
            speed = 25 * args.batch / (time.monotonic() - window)
            window = time.monotonic()
            print(json.dumps({"step": state["step"], "samples": state["samples"], "minutes": round(state["seconds"] / 60, 1),
                              "stage": stage, "loss": round(mean_loss, 5), "samples_per_second": round(speed, 1)}), flush=True)
        if time.monotonic() - saved_at > 120:
            save()
            saved_at = time.monotonic()
    save()


if __name__ == "__main__":
    main()
