/** The arithmetic that is written as graphs gives what the host's arithmetic gives, as exactly as float32 can. */

import fc from "fast-check";
import { Tensor } from "onnxruntime-common";
import { afterAll, describe, expect, it } from "vitest";
import { linearCombination, reduceHost } from "../../src/engine/host-math.ts";
import type { Reduction } from "../../src/engine/segments/contract.ts";
import type { OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import { DeviceTensors } from "../../src/engine/segments/onnx-device.ts";

const KINDS: readonly Reduction[] = ["l1", "relative_l1", "l2", "dot", "token_norm_ratio"];
/** A few roundings of float32 (2⁻²⁴ each), relative to the size of what is summed. */
const ROUNDING = 1e-6;

const dims = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const count = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);
/** Of ordinary size, zeros among them: squares of the smallest numbers are none in float32. */
const number = fc.oneof(
  fc.constant(0),
  fc.double({ min: 1e-3, max: 1e3, noNaN: true }).map(Math.fround),
  fc.double({ min: -1e3, max: -1e-3, noNaN: true }).map(Math.fround),
);
const data = (length: number) =>
  fc.array(number, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));
const some = dims.chain((sizes) =>
  fc.tuple(fc.constant(sizes), data(count(sizes)), data(count(sizes)), data(count(sizes))),
);

const tensor = (values: Float32Array, sizes: readonly number[]) => new Tensor("float32", values, sizes);

/** Describes it where graphs are opened so; `runs` is how many tensors each property is tried with. */
export function describeGlue(open: NonNullable<OnnxRuntime["createGlue"]>, runs: number): void {
  const tensors = new DeviceTensors(open);
  afterAll(() => tensors.dispose());

  async function combined(
    coefficients: readonly number[],
    terms: readonly Float32Array[],
    sizes: readonly number[],
  ) {
    const made = await tensors.combine(
      coefficients,
      terms.map((values) => tensor(values, sizes)),
      "x",
    );
    return (await tensors.read(made)) as Float32Array;
  }

  describe("combine", () => {
    it("of sums and differences of two is the host's to the bit", async () => {
      await fc.assert(
        fc.asyncProperty(some, fc.constantFrom([1, 1], [1, -1], [-1, 1]), async ([sizes, a, b], signs) => {
          expect(await combined(signs, [a, b], sizes)).toEqual(linearCombination(signs, [a, b]));
        }),
        { numRuns: runs },
      );
    });

    it("of any coefficients is the host's but for float32's roundings", async () => {
      const coefficient = fc.oneof(
        fc.constantFrom(1, -1, 0),
        number.map((x) => x / 1e3),
      );
      const coefficients = fc.array(coefficient, { minLength: 1, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(some, coefficients, async ([sizes, ...three], of) => {
          const terms = three.slice(0, of.length);
          const made = await combined(of, terms, sizes);
          const wanted = linearCombination(of, terms);
          for (const [i, x] of made.entries()) {
            const scale = terms.reduce((sum, term, t) => sum + Math.abs((of[t] ?? 0) * (term[i] ?? 0)), 0);
            expect(Math.abs(x - (wanted[i] ?? Number.NaN))).toBeLessThanOrEqual(ROUNDING * scale);
          }
        }),
        { numRuns: runs },
      );
    });

    it("of one tensor is another tensor, which outlives it", async () => {
      const a = tensor(Float32Array.of(1, 2), [2]);
      const copy = await tensors.combine([1], [a], "x");
      a.dispose();
      expect(await tensors.read(copy)).toEqual(Float32Array.of(1, 2));
    });

    it("refuses what the device would broadcast in silence, and integers", async () => {
      const [a, b] = [tensor(Float32Array.of(1, 2), [1, 2]), tensor(Float32Array.of(1), [1, 1])];
      await expect(tensors.combine([1, 1], [a, b], "hidden")).rejects.toThrow(
        "hidden: float32 [1,2] and float32 [1,1] don't go together.",
      );
      await expect(tensors.reduce("dot", a, b)).rejects.toThrow(/don't go together/);
      const ids = new Tensor("int64", BigInt64Array.of(1n), [1]);
      await expect(tensors.combine([2], [ids], "ids")).rejects.toThrow(/ids is int64; float32 or float16/);
    });
  });

  describe.each(KINDS)("%s", (kind) => {
    it("is the host's but for float32's roundings, zeros in denominators among them", async () => {
      await fc.assert(
        fc.asyncProperty(some, async ([sizes, a, b]) => {
          const made = await tensors.reduce(kind, tensor(a, sizes), tensor(b, sizes));
          const wanted = reduceHost(kind, a, b, sizes.at(-1) ?? 1);
          if (!Number.isFinite(wanted)) {
            expect(made).toBe(wanted);
            return;
          }
          // A dot product may be small where its terms are not.
          const scale = kind === "dot" ? reduceHost("dot", a.map(Math.abs), b.map(Math.abs), 1) : wanted;
          expect(Math.abs(made - wanted)).toBeLessThanOrEqual(10 * ROUNDING * scale);
        }),
        { numRuns: runs },
      );
    });

    it.each([
      ["both are zero", [0, 0], [0, 0]],
      ["the older one is zero", [1, 2], [0, 0]],
      ["the newer one is zero", [0, 0], [1, 2]],
      ["they are the same", [3, -4], [3, -4]],
    ])("is the very number of the host where %s", async (_, one, other) => {
      const [a, b] = [Float32Array.from(one), Float32Array.from(other)];
      expect(await tensors.reduce(kind, tensor(a, [1, 2]), tensor(b, [1, 2]))).toBe(
        reduceHost(kind, a, b, 2),
      );
    });

    it("loses little of many", async () => {
      const sizes = [1, 4096, 64];
      const wave = (shift: number) =>
        Float32Array.from({ length: count(sizes) }, (_, i) => 1 + Math.sin(i + shift));
      const [a, b] = [wave(0), wave(0.1)];
      const made = await tensors.reduce(kind, tensor(a, sizes), tensor(b, sizes));
      const wanted = reduceHost(kind, a, b, 64);
      expect(Math.abs(made / wanted - 1)).toBeLessThan(1e-5);
    });
  });
}
