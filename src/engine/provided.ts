/**
 * Values that the engine computes itself, in float64 rounded once to float32: sines and cosines differ between
 * devices, so no graph makes them.
 */

import type { ProvidedValue } from "./bundle/manifest.ts";
import { centredPositions, gridPositions } from "./positions.ts";
import type { HostTensor } from "./segments/contract.ts";
import type { VideoShape } from "./shape.ts";
import { timestepSinusoid } from "./timestep-sinusoid.ts";

/** What provided values may depend on. */
export interface StepNumbers {
  /** Noise level in [0, 1]. */
  readonly sigma: number;
  /** As the scheduler counts, 0 to 1000. */
  readonly timestep: number;
  readonly guidanceScale: number;
}

const AXES = ["frames", "rows", "columns"] as const;

/** A float32 tensor for one `provided` entry of the manifest. */
export function provide(value: ProvidedValue, shape: VideoShape, step: StepNumbers): HostTensor {
  switch (value.make) {
    case "timestep_sinusoid":
      return timestepSinusoid(value, value.of === "guidance" ? step.guidanceScale : step[value.of]);
    case "timestep":
      return scalar(step.timestep);
    case "sigma":
      return scalar(step.sigma);
    case "guidance":
      return scalar(step.guidanceScale * value.scale);
    case "rope":
      return ropeTable(value, shape);
    case "position_sinusoid":
      return positionSinusoid(value, shape);
  }
}

function scalar(number: number): HostTensor {
  return { dtype: "float32", dims: [1], data: Float32Array.of(number) };
}

/** [positions, dim]: for each place along one axis of the token grid, sines of position / scale, then cosines. */
function positionSinusoid(
  value: ProvidedValue & { make: "position_sinusoid" },
  shape: VideoShape,
): HostTensor {
  const places = gridPositions(shape)[AXES.indexOf(value.axis)] ?? new Float32Array(0);
  const half = value.dim / 2;
  const data = new Float32Array(places.length * value.dim);
  for (const [at, place] of places.entries()) {
    const position = Math.fround(place / value.scale);
    for (let i = 0; i < half; i++) {
      const angle = position * value.max_period ** (-i / half);
      data[at * value.dim + i] = Math.sin(angle);
      data[at * value.dim + half + i] = Math.cos(angle);
    }
  }
  return { dtype: "float32", dims: [places.length, value.dim], data };
}

/**
 * Rotary angles of every token for half a head's channels: per axis, position · theta^(−2k / axis channels), the
 * axes one after the other; tokens run over frames, rows, columns (Su et al., arXiv 2104.09864, in three dimensions).
 */
function ropeTable(value: ProvidedValue & { make: "rope" }, shape: VideoShape): HostTensor {
  const { grid, tokens } = shape;
  const [frames, rows, columns] = value.base_grid
    ? centredPositions(shape, value.base_grid)
    : gridPositions(shape);
  const half = (value.axes[0] + value.axes[1] + value.axes[2]) / 2;
  const data = new Float32Array(tokens * half);
  const wave = value.part === "cos" ? Math.cos : Math.sin;
  const angle = value.precision === "float32" ? angleFloat32(value.theta) : angleFloat64(value.theta);
  let at = 0;
  for (let token = 0; token < tokens; token++) {
    const position = [
      frames[Math.floor(token / (grid[1] * grid[2]))],
      rows[Math.floor(token / grid[2]) % grid[1]],
      columns[token % grid[2]],
    ];
    for (const [axis, channels] of value.axes.entries()) {
      for (let k = 0; k < channels; k += 2) data[at++] = wave(angle(position[axis] ?? 0, k / channels));
    }
  }
  return { dtype: "float32", dims: value.dims.map((d) => (d === "tokens" ? tokens : Number(d))), data };
}

type Angle = (position: number, exponent: number) => number;

function angleFloat64(theta: number): Angle {
  return (position, exponent) => position * theta ** -exponent;
}

/** The same with every operation rounded, as torch has it where tables are made of float32 tensors. */
function angleFloat32(theta: number): Angle {
  const { fround } = Math;
  return (position, exponent) => fround(position * fround(1 / fround(theta ** fround(exponent))));
}
