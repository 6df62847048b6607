/** Sinusoids of one number, the timestep or the guidance scale. */

import type { ProvidedValue } from "./bundle/manifest.ts";
import type { HostTensor } from "./segments/contract.ts";

type Sinusoid = ProvidedValue & { make: "timestep_sinusoid" };

/** [1, dim]: cosines and sines of `t · scale · max_period^(−i / (dim/2))` (Vaswani et al., as in diffusers). */
export function timestepSinusoid(value: Sinusoid, t: number): HostTensor {
  const half = value.dim / 2;
  const data = new Float32Array(value.dim);
  const angleOf = value.precision === "float64" ? exactAngles(value, t) : roundedAngles(value, t);
  for (let i = 0; i < half; i++) {
    const angle = angleOf(i);
    data[i] = value.cosines_first ? Math.cos(angle) : Math.sin(angle);
    data[half + i] = value.cosines_first ? Math.sin(angle) : Math.cos(angle);
  }
  return { dtype: "float32", dims: [1, value.dim], data };
}

function exactAngles({ dim, scale, max_period }: Sinusoid, t: number): (i: number) => number {
  return (i) => t * scale * Math.exp((-Math.log(max_period) * i) / (dim / 2));
}

/**
 * Rounded after each operation, as diffusers' `get_timestep_embedding` computes them. At a thousandfold guidance scale
 * the rounding turns angles by almost a thousandth, and that is what models were trained on.
 */
function roundedAngles({ dim, scale, max_period, precision }: Sinusoid, t: number): (i: number) => number {
  const { fround } = Math;
  const hold = precision === "bfloat16" ? toBfloat16 : fround;
  const x = hold(fround(hold(t) * scale));
  const rate = fround(-Math.log(max_period));
  return (i) => fround(x * fround(Math.exp(fround(fround(rate * i) / (dim / 2)))));
}

/** The nearest bfloat16 number, the even one of two that are as near. */
function toBfloat16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  const [all = 0] = bits;
  bits[0] = (all + 0x7fff + ((all >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0] ?? Number.NaN;
}
