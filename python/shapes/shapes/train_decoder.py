"""Trains the streaming decoder on crops of videos that are drawn as it goes.

    python -m shapes.train_decoder --output runs/decoder --minutes 15

The same command resumes. At the end it prints the PSNR on held-out scenes.
"""

import argparse
import json
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from .decoder import Decoder, decode
from .grammar import is_held_out, sample_scene
from .render import FRAMES, SIZE, alphas, colours, paint, to_latents

#: Side of a training crop in latent pixels, and the rim that is left out of the loss because it lacks context.
CROP, RIM = 20, 3
#: Share of the samples whose following latent is withheld although there is one.
WITHHELD = 0.1


class Crops:
    """A pool of drawn alphas (uint8), renewed a little with every batch; places and colours are fresh each time."""

    def __init__(self, capacity: int, seed: int):
        self.rng, self.capacity = random.Random(seed), capacity
        self.alpha = torch.empty(capacity, FRAMES, SIZE, SIZE, dtype=torch.uint8)
        self.count, self.at = 0, 0

    def draw(self, count: int):
        scenes = [sample_scene(self.rng, "full") for _ in range(count)]
        for alpha in (alphas(scenes, self.rng) * 255).round().to(torch.uint8):
            self.alpha[self.at] = alpha
            self.at = (self.at + 1) % self.capacity
            self.count = min(self.count + 1, self.capacity)

    def _crop(self):
        """Six frames of alpha [6, 2 CROP, 2 CROP] near an object: those of the latent in the middle and its neighbours.

        A neighbour that is missing or withheld is the latent's own two frames.
        """
        video = self.alpha[self.rng.randrange(self.count)]
        index = self.rng.randrange(FRAMES // 2)
        before = max(index - 1, 0)
        after = index if self.rng.random() < WITHHELD else min(index + 1, FRAMES // 2 - 1)
        clip = video[[2 * before, 2 * before + 1, 2 * index, 2 * index + 1, 2 * after, 2 * after + 1]]
        rows, columns = (clip[2].amax(axis).nonzero()[:, 0] for axis in (1, 0))
        y, x = (self._corner(int(found[0]), int(found[-1])) for found in (rows, columns))
        return clip[:, y : y + 2 * CROP, x : x + 2 * CROP]

    def _corner(self, low: int, high: int) -> int:
        """An even corner whose crop is centred within half the object's extent of its centre."""
        centre = self.rng.uniform(0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high) + self.rng.uniform(-6, 6)
        return 2 * round(min(max(centre - CROP, 0), SIZE - 2 * CROP) / 2)

    def batch(self, size: int):
        """Videos [size, 3, 6, 2 CROP, 2 CROP] in [-1, 1] and their alphas [size, 6, ...]."""
        alpha = torch.stack([self._crop() for _ in range(size)]).float() / 255
        colour, background = colours([sample_scene(self.rng, "full") for _ in range(size)])
        other = (torch.rand(size, 1) < 0.2).float()
        colour = other * (torch.rand(size, 3) * 2 - 1) + (1 - other) * colour
        background = other * (torch.rand(size, 3) * 2 - 1) + (1 - other) * background
        return paint(alpha, colour, background), alpha


def imperfect(latents: torch.Tensor) -> torch.Tensor:
    """Blurs and adds noise to half of the batch, as the latents of a DiT are; [batch, 3, 3, h, w]."""
    b, c, f, h, w = latents.shape
    flat = latents.reshape(b * c, 1, f, h, w)
    around = F.avg_pool2d(F.pad(flat[:, 0], (1, 1, 1, 1), mode="replicate"), 3, 1).reshape(latents.shape)
    strength = torch.rand(b, 1, 1, 1, 1)
    chosen = (torch.rand(b, 1, 1, 1, 1) < 0.5).float()
    latents = latents + chosen * 0.6 * strength * (around - latents)
    return latents + chosen * 0.1 * torch.rand(b, 1, 1, 1, 1) * torch.randn_like(latents)


def weights(alpha: torch.Tensor) -> torch.Tensor:
    """Pixels near a border in either frame count five times, inner ones of the object twice; [batch, 2, h, w]."""
    both = alpha.amax(1, keepdim=True), -alpha.amin(1, keepdim=True)
    spread = F.max_pool2d(both[0], 3, 1, 1) + F.max_pool2d(both[1], 3, 1, 1)
    return 1 + 4 * (spread > 0.1).float() + (alpha > 0.5).float()


@torch.no_grad()
def quality(decoder: Decoder, count: int = 96) -> dict:
    """PSNR (dB, peak to peak 2) on held-out clean scenes, over the pixels that the object touches in the true frame."""
    rng = random.Random(20261122)
    scenes = []
    while len(scenes) < count:
        scene = sample_scene(rng, "full")
        if is_held_out(scene):
            scenes.append(scene)
    alpha = alphas(scenes, rng)
    video = paint(alpha, *colours(scenes))
    latents = to_latents(video)

    def psnr(frames):
        error = ((frames - video) ** 2).mean(1)
        touched = alpha > 0.02
        each = torch.stack([e[t].mean() for e, t in zip(error, touched)])
        return {
            "object": round((10 * torch.log10(4 / error[touched].mean())).item(), 2),
            "object_mean_over_videos": round((10 * torch.log10(4 / each)).clamp(max=60).mean().item(), 2),
            "object_worst_video": round((10 * torch.log10(4 / each.max())).item(), 2),
            "whole": round((10 * torch.log10(4 / error.mean())).item(), 2),
        }

    before = torch.cat([latents[:, :, :1], latents[:, :, :-1]], 2).transpose(1, 2).flatten(0, 1)
    own = latents.transpose(1, 2).flatten(0, 1)
    causal = decoder(before, own, own).unflatten(0, (count, -1)).transpose(1, 2).flatten(2, 3)
    nearest = latents.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4)
    return {"lookahead": psnr(decode(decoder, latents)), "causal": psnr(causal.clamp(-1, 1)), "nearest": psnr(nearest)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--adam-rate", type=float, default=2e-3)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.output.mkdir(parents=True, exist_ok=True)
    checkpoint_path = args.output / "checkpoint.pt"

    model = Decoder()
    ema = {k: v.clone() for k, v in model.state_dict().items()}
    hidden = [p for name, p in model.named_parameters() if name.startswith("blocks") and name.endswith("weight")]
    others = [p for name, p in model.named_parameters() if not (name.startswith("blocks") and name.endswith("weight"))]
    optimisers = [
        (torch.optim.Muon(hidden, lr=args.muon_rate, weight_decay=0.01, momentum=0.95), args.muon_rate),
        (torch.optim.AdamW(others, lr=args.adam_rate, betas=(0.9, 0.98), weight_decay=0.01), args.adam_rate),
    ]
    state = {"step": 0, "samples": 0, "seconds": 0.0}
    if checkpoint_path.exists():
        saved = torch.load(checkpoint_path, weights_only=True)
        model.load_state_dict(saved["model"])
        for (optimiser, _), restored in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(restored)
        ema, state = saved["ema"], saved["state"]

    def save():
        partial = checkpoint_path.with_suffix(".partial")
        torch.save({"model": model.state_dict(), "ema": ema, "state": state, "config": model.config,
                    "optimisers": [o.state_dict() for o, _ in optimisers]}, partial)
        partial.rename(checkpoint_path)

    network = model if args.no_compile else torch.compile(model)
    crops = Crops(4000, args.seed + state["step"])
    crops.draw(512)
    total = args.minutes * 60
    inner = slice(2 * RIM, 2 * (CROP - RIM))
    started, base, window, mean_loss = time.monotonic(), state["seconds"], time.monotonic(), 0.0
    saved_at = time.monotonic()
    while state["seconds"] < total:
        crops.draw(4)
        video, alpha = crops.batch(args.batch)
        before, own, after = imperfect(to_latents(video)).unbind(2)
        rate = min(1.0, (state["step"] + 1) / 40) * (1 - state["seconds"] / total)
        for optimiser, peak in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = peak * rate
        with torch.autocast("cpu", dtype=torch.bfloat16):
            frames = network(before, own, after)
        error = (frames.float() - video[:, :, 2:4]).abs() * weights(alpha[:, 2:4])[:, None]
        loss = error[..., inner, inner].mean()
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
        mean_loss = loss.item() if not mean_loss else 0.98 * mean_loss + 0.02 * loss.item()
        if state["step"] % 100 == 0:
            speed = 100 * args.batch / (time.monotonic() - window)
            window = time.monotonic()
            print(json.dumps({"step": state["step"], "minutes": round(state["seconds"] / 60, 1),
                              "loss": round(mean_loss, 5), "samples_per_second": round(speed, 1)}), flush=True)
        if time.monotonic() - saved_at > 120:
            save()
            saved_at = time.monotonic()
    save()
    model.load_state_dict(ema)
    print(json.dumps(quality(model)), flush=True)


if __name__ == "__main__":
    main()
