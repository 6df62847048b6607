/** Gaussian disturbances of a given relative size, by which calibration learns what an error costs. */

import { MixcacheError } from "../errors.ts";
import { reduceHost } from "./host-math.ts";
import { randn } from "./random.ts";
import type { SegmentBackend, State } from "./segments/contract.ts";

/** g / ‖g‖ · norm for Gaussian g with these dims. */
function gaussian(seed: number, dims: readonly number[], norm: number): Float32Array {
  const noise = randn(BigInt(seed), dims);
  const scale = norm / Math.sqrt(reduceHost("dot", noise, noise, noise.length));
  return noise.map((x) => x * scale);
}

/** output + ratio · ‖reference‖ · g/‖g‖; the reference is what is disturbed: the output itself or a part of it. */
export function perturbHost(
  output: Float32Array,
  reference: Float32Array,
  ratio: number,
  seed: number,
): Float32Array {
  const norm = ratio * Math.sqrt(reduceHost("dot", reference, reference, reference.length));
  const noise = gaussian(seed, [output.length], norm);
  return output.map((x, i) => x + (noise[i] ?? 0));
}

/**
 * The same for tensors in the backend, each by its own norm; the result is the caller's.
 * @throws MixcacheError `bundle_unsupported` for streams that are not float32.
 */
export async function perturbState(
  backend: SegmentBackend,
  state: State,
  ratio: number,
  seed: number,
): Promise<State> {
  const noise: Record<string, Awaited<ReturnType<SegmentBackend["upload"]>>> = {};
  try {
    for (const [index, [name, handle]] of Object.entries(state).entries()) {
      const { dtype, dims } = handle;
      if (dtype !== "float32") {
        throw new MixcacheError(
          "bundle_unsupported",
          `Calibration disturbs float32 streams only; ${name} is ${dtype}. Use the float32 variant of the bundle.`,
        );
      }
      const norm = ratio * Math.sqrt(await backend.reduce("dot", handle, handle));
      noise[name] = await backend.upload({ dtype, dims, data: gaussian(seed + index, dims, norm) });
    }
    return await backend.combine([1, 1], [state, noise]);
  } finally {
    backend.release(noise);
  }
}
