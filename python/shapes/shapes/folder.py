"""The folder that the adherence scorer reads: `videos.json` (prompts and attributes) and `frames.bin`.

`frames.bin` holds uint8 RGB, [video, frame, height, width, 3], in the order of `videos.json`.
"""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from .grammar import Scene
from .render import FRAMES, SIZE

FPS = 8


def to_bytes(video: torch.Tensor) -> torch.Tensor:
    """RGB in [-1, 1], [batch, 3, frames, h, w] -> uint8 [batch, frames, h, w, 3]."""
    return ((video.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 4, 1).contiguous()


def write(output: Path, prompts: list[tuple[str, Scene]], frames: torch.Tensor) -> None:
    """frames: uint8 [video, frame, h, w, 3]."""
    output.mkdir(parents=True, exist_ok=True)
    videos = [{"prompt": text, **asdict(scene)} for text, scene in prompts]
    head = {"width": SIZE, "height": SIZE, "frames": FRAMES, "fps": FPS}
    (output / "videos.json").write_text(json.dumps({**head, "videos": videos}, indent=1) + "\n")
    (output / "frames.bin").write_bytes(frames.numpy().tobytes())
