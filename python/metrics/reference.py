"""Writes test/fixtures/metrics.json: what reference implementations give for videos that both languages can make.

    python3 -m venv VENV && VENV/bin/pip install torch==2.13.0 torchvision piq==0.8.0 scikit-image==0.26.0 scipy==1.17.1
    VENV/bin/python python/metrics/reference.py

PSNR and SSIM are scikit-image's, HaarPSI and GMSD piq's, the Laplacian is SciPy's. The videos are those of
src/engine/metrics/testing.ts, made of integers only; a checksum tells whether both sides made the same.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import piq
import scipy
import skimage
import torch
from scipy.ndimage import laplace
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

SIZES = [(48, 32, 3), (37, 29, 2), (64, 64, 2)]
# As HaarPSI's authors round YIQ; piq has a fourth digit.
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], dtype=torch.float64)


def scramble(values: np.ndarray) -> np.ndarray:
    """32 bits that look random (the integer hash lowbias32)."""
    x = values.astype(np.uint32)
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def scene(width: int, height: int, count: int) -> np.ndarray:
    """A disc that moves over a textured gradient, uint8 [count, height, width, 3]."""
    t, y, x, c = np.indices((count, height, width, 3))
    ground = 40 + (100 * x) // width + (40 * y) // height + 15 * c
    texture = (scramble(np.arange(t.size)) % 12).reshape(t.shape)
    inside = (x - width // 4 - 3 * t) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2
    return np.where(inside, 200 - 60 * c, ground + texture).astype(np.uint8)


def noisy(video: np.ndarray, most: int) -> np.ndarray:
    random = scramble(np.arange(video.size) + 1_000_003) % (2 * most + 1)
    return np.clip(video.astype(int) + random.reshape(video.shape).astype(int) - most, 0, 255).astype(np.uint8)


def blurred(video: np.ndarray) -> np.ndarray:
    padded = np.pad(video.astype(int), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = video.shape[1:3]
    total = sum(padded[:, dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3))
    return (total // 9).astype(np.uint8)


DISTORTIONS = {
    "noise 2": lambda video: noisy(video, 2),
    "noise 30": lambda video: noisy(video, 30),
    "blur": blurred,
    "brighter by 7": lambda video: video + 7,
    "frozen": lambda video: np.repeat(video[:1], len(video), axis=0),
    "red and blue swapped": lambda video: video[..., ::-1],
}


def measure(reference: np.ndarray, video: np.ndarray) -> dict:
    a, b = reference / 255, video / 255
    planes = [torch.from_numpy(v.transpose(0, 3, 1, 2).copy()) for v in (a, b)]
    frames = list(zip(a, b, strict=True))
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return {
        "psnr": np.mean([psnr(x, y) for x, y in frames]),
        "psnr_video": psnr(a, b),
        "ssim": np.mean([structural_similarity(x, y, channel_axis=2, data_range=1, **window) for x, y in frames]),
        "haarpsi": float(piq.haarpsi(*planes)),
        "gmsd": float(piq.gmsd(*planes)),
        "psnr_temporal": psnr(np.diff(a, axis=0), np.diff(b, axis=0)),
        "sharpness_ratio": sharpness(b) / sharpness(a),
    }


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 100.0 if np.mean((a - b) ** 2) < 1e-10 else peak_signal_noise_ratio(a, b, data_range=1)


def sharpness(video: np.ndarray) -> float:
    luminance = video @ YIQ[0].numpy()
    return float(np.mean([laplace(frame)[1:-1, 1:-1].var() for frame in luminance]))


def checksum(video: np.ndarray) -> int:
    total = 0
    for byte in video.tobytes():
        total = (total * 31 + byte) % 2**32
    return total


def case(size: tuple[int, int, int], name: str) -> dict:
    reference = scene(*size)
    video = DISTORTIONS[name](reference)
    return {
        "size": size,
        "distortion": name,
        "checksums": [checksum(reference), checksum(np.ascontiguousarray(video))],
        "metrics": measure(reference, video),
    }


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=root / "test/fixtures/metrics.json")
    out = parser.parse_args().output
    # `piq.haarpsi` is the function; its module has the name that it calls.
    sys.modules["piq.haarpsi"].rgb2yiq = lambda x: torch.einsum("ij,njhw->nihw", YIQ, x)
    fixture = {
        "versions": {"piq": piq.__version__, "skimage": skimage.__version__, "scipy": scipy.__version__},
        "cases": [case(size, name) for size in SIZES for name in DISTORTIONS],
    }
    out.write_text(json.dumps(fixture, indent=1) + "\n")


if __name__ == "__main__":
    main()
