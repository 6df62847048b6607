"""Draws scenes by signed distances with anti-aliasing: 16 frames of 64x64.

A video of one object is `background + alpha * (colour - background)`, so the renderer makes alphas only.
"""

import math
import random

import torch

from .grammar import BACKGROUNDS, OBJECT_COLOURS, SHAPES, Scene

FRAMES, SIZE = 16, 64
RADIUS = {"small": 5.5, "medium": 8.5, "large": 12.0}
_TRAVEL = {"slow": 14.0, "normal": 26.0, "fast": 36.0}
_TURN = {"slow": 0.25, "normal": 0.5, "fast": 1.0}
_PERIODS = {"slow": 0.75, "normal": 1.0, "fast": 1.5}


def trajectory(scene: Scene, rng: random.Random) -> list[tuple[float, float, float, float]]:
    """(x, y, radius, angle) of each frame, in pixels and radians; the object stays in the picture."""
    r = RADIUS[scene.size]
    dx = ("right" in scene.motion) - ("left" in scene.motion)
    dy = ("down" in scene.motion) - ("up" in scene.motion)
    reach = min(_TRAVEL[scene.speed], SIZE - 2 * r - 2)
    if dx and dy:
        reach *= 0.8
    lo, hi = r + 1, SIZE - r - 1
    half_x, half_y, orbit = abs(dx) * reach / 2, abs(dy) * reach / 2, min(15.0, (hi - lo) / 2)
    if scene.motion == "grow" or scene.motion == "shrink":
        lo, hi = lo + 0.4 * r, hi - 0.4 * r
    if scene.motion == "orbit":
        half_x = half_y = orbit
    if scene.motion == "bounce":
        half_y = min(14.0, (hi - lo) / 2)
    cx = rng.uniform(lo + half_x, hi - half_x)
    cy = rng.uniform(lo + half_y, hi - half_y)
    phase, turn = rng.random(), rng.choice([-1, 1])
    path = []
    for frame in range(FRAMES):
        t = frame / (FRAMES - 1)
        x, y, radius, angle = cx + dx * reach * (t - 0.5), cy + dy * reach * (t - 0.5), r, 0.0
        if scene.motion == "grow":
            radius = r * (0.5 + 0.9 * t)
        elif scene.motion == "shrink":
            radius = r * (1.4 - 0.9 * t)
        elif scene.motion == "spin":
            angle = 2 * math.pi * (_TURN[scene.speed] * t * turn + phase)
        elif scene.motion == "orbit":
            a = 2 * math.pi * (_PERIODS[scene.speed] * t * turn + phase)
            x, y = cx + orbit * math.cos(a), cy + orbit * math.sin(a)
        elif scene.motion == "bounce":
            y = cy + half_y - 2 * half_y * abs(math.sin(math.pi * (2 * _PERIODS[scene.speed] * t + phase)))
        path.append((x, y, radius, angle))
    return path


def _polygon_fold(px, py, sides: int):
    """Folds the plane into half a sector around the upward axis: distance from the centre stays."""
    angle = torch.atan2(px, -py)
    sector = 2 * math.pi / sides
    folded = (torch.remainder(angle + sector / 2, sector) - sector / 2).abs()
    length = torch.sqrt(px * px + py * py)
    return length * torch.sin(folded), length * torch.cos(folded)


def distance(shape: str, px, py):
    """Signed distance (negative inside) of a shape whose size is about one unit; y points down."""
    if shape == "circle":
        return torch.sqrt(px * px + py * py) - 0.95
    if shape == "ring":
        return (torch.sqrt(px * px + py * py) - 0.77).abs() - 0.25
    if shape == "square":
        return torch.maximum(px.abs(), py.abs()) - 0.82
    if shape == "cross":
        ax, ay = px.abs(), py.abs()
        long, short = torch.maximum(ax, ay), torch.minimum(ax, ay)
        return torch.maximum(long - 1.0, short - 0.33)
    if shape == "triangle":
        fx, fy = _polygon_fold(px, py, 3)
        half = math.pi / 3
        return fx * math.sin(half) + fy * math.cos(half) - 0.58
    fx, fy = _polygon_fold(px, py, 5)
    outer, inner, half = 1.15, 0.50, math.pi / 5
    ex, ey = inner * math.sin(half), inner * math.cos(half) - outer
    length = math.hypot(ex, ey)
    return (fx * -ey + (fy - outer) * ex) / length


def alphas(scenes: list[Scene], rng: random.Random, device="cpu") -> torch.Tensor:
    """Coverage of the object, [batch, frames, height, width] in [0, 1]."""
    path = torch.tensor([trajectory(s, rng) for s in scenes], device=device)
    axis = torch.arange(SIZE, device=device) + 0.5
    out = torch.empty(len(scenes), FRAMES, SIZE, SIZE, device=device)
    names = list(SHAPES)
    kind = torch.tensor([names.index(s.shape) for s in scenes], device=device)
    for index, name in enumerate(names):
        rows = (kind == index).nonzero()[:, 0]
        if not len(rows):
            continue
        x, y, r, angle = (v[..., None, None] for v in path[rows].unbind(-1))
        dx, dy = (axis - x) / r, (axis[:, None] - y) / r
        cos, sin = torch.cos(angle), torch.sin(angle)
        px, py = dx * cos + dy * sin, dy * cos - dx * sin
        out[rows] = (0.5 - distance(name, px, py) * r).clamp(0, 1)
    return out


def colours(scenes: list[Scene], device="cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Object and background colours in [-1, 1], each [batch, 3]."""
    to = lambda rows: torch.tensor(rows, device=device) / 127.5 - 1.0
    return to([OBJECT_COLOURS[s.colour] for s in scenes]), to([BACKGROUNDS[s.background] for s in scenes])


def paint(alpha: torch.Tensor, colour: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
    """alpha [batch, frames, h, w] -> RGB in [-1, 1], [batch, 3, frames, h, w]."""
    b, c = background[:, :, None, None, None], colour[:, :, None, None, None]
    return b + alpha[:, None] * (c - b)


def to_latents(video: torch.Tensor) -> torch.Tensor:
    """The 2x2x2 area average, [..., frames, h, w] -> [..., frames/2, h/2, w/2]."""
    *lead, f, h, w = video.shape
    return video.reshape(*lead, f // 2, 2, h // 2, 2, w // 2, 2).mean((-5, -3, -1))
