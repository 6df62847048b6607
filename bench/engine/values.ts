/** Values for one forward pass of a denoiser: what the engine provides, and noise for the rest. */

import type { Bundle } from "../../src/engine/bundle/read.ts";
import { provide } from "../../src/engine/provided.ts";
import { randn } from "../../src/engine/random.ts";
import type { HostTensor } from "../../src/engine/segments/contract.ts";
import { videoShape } from "../../src/engine/shape.ts";
import { MixcacheError } from "../../src/errors.ts";

/** The time of a matrix product does not depend on the numbers, so that a prompt's values may be noise. */
export function forwardValues({ manifest }: Bundle): Record<string, HostTensor> {
  const { width, height, frames } = manifest.video.default;
  const shape = videoShape(manifest, width, height, frames);
  const denoiser = manifest.denoisers[0];
  if (!denoiser) throw new MixcacheError("bundle_invalid", "The bundle has no denoiser.");
  const [f, h, w] = shape.latent;
  const named: Readonly<Record<string, number>> = { tokens: shape.tokens, f, h, w };
  const made = new Set(denoiser.segments.flatMap(({ outputs }) => Object.values(outputs)));
  const needed = new Set(denoiser.segments.flatMap(({ inputs }) => Object.values(inputs)));
  const values: Record<string, HostTensor> = {};
  for (const name of needed) {
    const value = denoiser.values[name];
    if (!value || made.has(name)) continue;
    if (value.provided) {
      values[name] = provide(value.provided, shape, { sigma: 0.7, timestep: 700, guidanceScale: 3 });
      continue;
    }
    const dims = value.dims.map((size) => named[size] ?? size);
    if (!dims.every((size) => typeof size === "number")) {
      throw new MixcacheError(
        "bundle_unsupported",
        `The benchmark needs the size of ${name}, which varies in this bundle.`,
      );
    }
    values[name] = { dtype: "float32", dims, data: randn(1, dims) };
  }
  return values;
}
