import { describe, expect, it } from "vitest";
import { combinedRelativeL1, guide, linearCombination, reduceHost } from "./host-math.ts";

const a = Float32Array.of(1, 2, 3, 4);
const b = Float32Array.of(1, 1, 2, 2);

describe("reduceHost", () => {
  it.each([
    ["l1", 1],
    ["relative_l1", 4 / 6],
    ["l2", Math.sqrt(6)],
    ["dot", 17],
    ["token_norm_ratio", (Math.sqrt(5 / 2) + Math.sqrt(25 / 8)) / 2],
  ] as const)("%s is what its definition says", (kind, expected) => {
    expect(reduceHost(kind, a, b, 2)).toBeCloseTo(expected, 12);
  });
});

describe("linearCombination", () => {
  it("is rounded once, so that a sum of large and small terms keeps the small one", () => {
    const large = Float32Array.of(2 ** 24);
    const small = Float32Array.of(1);
    expect([...linearCombination([1, 1, -1], [large, small, large])]).toEqual([1]);
  });

  it("with the single coefficient 1 returns the tensor's bits in a new array", () => {
    const copy = linearCombination([1], [a]);
    expect(copy).toEqual(a);
    expect(copy).not.toBe(a);
  });
});

describe("guide", () => {
  it("is the conditional prediction at a scale of 1 and the unconditional one at 0", () => {
    expect([...guide(a, b, 1)]).toEqual([...a]);
    expect([...guide(a, b, 0)]).toEqual([...b]);
  });

  it("rounds after each operation, as PyTorch does", () => {
    const c = Float32Array.of(0.1);
    const u = Float32Array.of(0.7);
    const f = Math.fround;
    expect(guide(c, u, 3.3)[0]).toBe(f(f(0.7) + f(f(3.3) * f(f(0.1) - f(0.7)))));
  });
});

describe("the distance of a combination", () => {
  it("is that of the combination itself, to the last bit", () => {
    const tensor = (seed: number) => Float32Array.from({ length: 257 }, (_, i) => Math.sin(seed * (i + 1)));
    const [x, y, z, b] = [tensor(0.7), tensor(1.3), tensor(2.9), tensor(0.4)];
    for (const tensors of [[x], [x, y], [x, y, z]]) {
      const coefficients = [1.7, -0.7, 0.1].slice(0, tensors.length);
      const combined = linearCombination(coefficients, tensors);
      expect(combinedRelativeL1(coefficients, tensors, b)).toBe(reduceHost("relative_l1", combined, b, 257));
    }
  });
});
