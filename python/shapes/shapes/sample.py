"""Makes videos of held-out captions with a checkpoint: a contact sheet, and a folder for the adherence scorer.

    python -m shapes.sample --checkpoint runs/cpu/checkpoint.pt --decoder runs/decoder/checkpoint.pt --count 24 --output out/
"""

import argparse
import time
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from .decoder import Decoder, decode
from .folder import to_bytes, write
from .grammar import TEST_SEED, encode, held_out
from .model import LATENT, ShapesModel, time_features


def load_model(path: Path) -> ShapesModel:
    """The averaged weights of a checkpoint by shapes.train."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = ShapesModel(**saved["config"])
    model.load_state_dict(saved["ema"])
    print(f"checkpoint after {saved['state']['samples']} samples, {saved['state']['seconds'] / 60:.1f} minutes")
    return model.eval()


def load_decoder(path: Path) -> Decoder:
    """The averaged weights of a checkpoint by shapes.train_decoder."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    decoder = Decoder(**saved["config"])
    decoder.load_state_dict(saved["ema"])
    return decoder.eval()


def sigmas(steps: int, shift: float) -> torch.Tensor:
    """Noise levels from 1 to 0, [steps + 1], moved up by `shift`."""
    s = torch.linspace(1, 0, steps + 1)
    return shift * s / (1 + (shift - 1) * s)


@torch.no_grad()
def generate(model: ShapesModel, captions: list[str], steps: int, guidance: float, shift: float, seed: int):
    """Euler steps of the guided velocity (x_t - x) / sigma -> latents [batch, 3, 8, 32, 32]."""
    count = len(captions)
    context, pooled = model.text(torch.tensor([encode(c) for c in captions] + [encode("")] * count))
    x = torch.randn(count, *LATENT, generator=torch.Generator().manual_seed(seed))
    levels = sigmas(steps, shift)
    for now, then in zip(levels[:-1], levels[1:]):
        features = time_features(now.expand(2 * count))
        told, free = model.dit(x.repeat(2, 1, 1, 1, 1), features, context, pooled).chunk(2)
        clean = free + guidance * (told - free)
        x = x + (then - now) * (x - clean) / now
    return x


def contact_sheet(captions: list[str], frames: torch.Tensor) -> Image.Image:
    """A row per video: its caption, then every second frame. frames: uint8 [video, frame, h, w, 3]."""
    shown = frames[:, ::2]
    count, columns, height, width = shown.shape[:4]
    row = height + 14
    sheet = Image.new("RGB", (columns * (width + 2), count * row), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (text, video) in enumerate(zip(captions, shown)):
        draw.text((2, index * row), text, fill="black")
        for column, frame in enumerate(video):
            sheet.paste(Image.fromarray(frame.numpy()), (column * (width + 2), index * row + 12))
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--decoder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--prompt-seed", type=int, default=TEST_SEED)
    parser.add_argument("--prompts", nargs="+", help="captions of your own: a contact sheet only")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--shift", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, decoder = load_model(args.checkpoint), load_decoder(args.decoder)
    prompts = [] if args.prompts else held_out(args.count, args.prompt_seed)
    captions = args.prompts or [text for text, _ in prompts]

    started, parts = time.monotonic(), []
    for start in range(0, len(captions), args.batch):
        chunk = captions[start : start + args.batch]
        latents = generate(model, chunk, args.steps, args.guidance, args.shift, args.seed + start)
        with torch.no_grad():
            parts.append(to_bytes(decode(decoder, latents)))
    frames = torch.cat(parts)
    print(f"{len(captions)} videos in {time.monotonic() - started:.1f} s")
    args.output.mkdir(parents=True, exist_ok=True)
    contact_sheet(captions, frames).save(args.output / "sheet.png")
    if prompts:
        write(args.output, prompts, frames)


if __name__ == "__main__":
    main()
