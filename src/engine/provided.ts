/**
 * Values that the engine computes itself, in float64 rounded once to float32: sines and cosines differ between
 * devices, so no graph makes them.
 */

import type { ProvidedValue } from "./bundle/manifest.ts";
import type { HostTensor } from "./segments/contract.ts";
import type { VideoShape } from "./shape.ts";

/** What provided values may depend on. */
export interface StepNumbers {
  /** Noise level in [0, 1]. */
  readonly sigma: number;
  /** As the scheduler counts, 0 to 1000. */
  readonly timestep: number;
  readonly guidanceScale: number;
}

/** A float32 tensor for one `provided` entry of the manifest. */
export function provide(value: ProvidedValue, shape: VideoShape, step: StepNumbers): HostTensor {
  switch (value.make) {
    case "timestep_sinusoid":
      return timestepSinusoid(value, step[value.of]);
    case "timestep":
      return scalar(step.timestep);
    case "sigma":
      return scalar(step.sigma);
    case "guidance":
      return scalar(step.guidanceScale * value.scale);
    case "rope":
      return ropeTable(value, shape);
  }
}

function scalar(number: number): HostTensor {
  return { dtype: "float32", dims: [1], data: Float32Array.of(number) };
}

/** [1, dim]: cosines and sines of `scale · t · max_period^(−i / (dim/2))` (Vaswani et al., as in diffusers). */
function timestepSinusoid(value: ProvidedValue & { make: "timestep_sinusoid" }, t: number): HostTensor {
  const half = value.dim / 2;
  const data = new Float32Array(value.dim);
  for (let i = 0; i < half; i++) {
    const angle = t * value.scale * Math.exp((-Math.log(value.max_period) * i) / half);
    data[i] = value.cosines_first ? Math.cos(angle) : Math.sin(angle);
    data[half + i] = value.cosines_first ? Math.sin(angle) : Math.cos(angle);
  }
  return { dtype: "float32", dims: [1, value.dim], data };
}

/**
 * Rotary angles of every token for half a head's channels: per axis, position · theta^(−2k / axis channels), the
 * axes one after the other; tokens run over frames, rows, columns (Su et al., arXiv 2104.09864, in three dimensions).
 */
function ropeTable(value: ProvidedValue & { make: "rope" }, { grid, tokens }: VideoShape): HostTensor {
  const half = (value.axes[0] + value.axes[1] + value.axes[2]) / 2;
  const data = new Float32Array(tokens * half);
  const wave = value.part === "cos" ? Math.cos : Math.sin;
  let at = 0;
  for (let token = 0; token < tokens; token++) {
    const column = token % grid[2];
    const row = Math.floor(token / grid[2]) % grid[1];
    const frame = Math.floor(token / (grid[1] * grid[2]));
    [frame, row, column].forEach((position, axis) => {
      const channels = value.axes[axis] ?? 0;
      for (let k = 0; k < channels; k += 2) data[at++] = wave(position * value.theta ** (-k / channels));
    });
  }
  return { dtype: "float32", dims: value.dims.map((d) => (d === "tokens" ? tokens : Number(d))), data };
}
