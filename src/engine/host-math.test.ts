import { describe, expect, it } from "vitest";
import { guide, linearCombination, reduceHost } from "./host-math.ts";

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
