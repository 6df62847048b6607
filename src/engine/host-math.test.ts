import { describe, expect, it } from "vitest";
import { guide, linearCombination, reduceHost, threeDotsAndDeviation } from "./host-math.ts";

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

describe.each([1, 4, 6, 7, 1000])("what is taken of %i numbers in one pass", (length) => {
  const wave = (phase: number) => Float32Array.from({ length }, (_, i) => Math.sin(phase * i + phase));
  const [x, y, z] = [wave(1), wave(2), wave(3)];
  const products = [x, y, z].map((other) => reduceHost("dot", x, other, length));

  it("has the scalar products to the bit as each is alone", () => {
    expect(threeDotsAndDeviation(x, y, z, 1.7, -0.7).slice(0, 3)).toEqual(products);
  });

  it("has the distance of the prediction as it would be made, but for its rounding", () => {
    const [, , , deviation] = threeDotsAndDeviation(x, y, z, 1.7, -0.7);
    const made = linearCombination([1.7, -0.7], [y, z]);
    expect(deviation / reduceHost("relative_l1", made, x, length)).toBeCloseTo(1, 7);
    expect(threeDotsAndDeviation(x, x, z, 1, 0)[3]).toBe(0);
  });
});

describe("linearCombination", () => {
  it("is rounded once, so that a sum of large and small terms keeps the small one", () => {
    const large = Float32Array.of(2 ** 24);
    const small = Float32Array.of(1);
    expect([...linearCombination([1, 1, -1], [large, small, large])]).toEqual([1]);
  });

  it("is the same sum, term after term, however many terms there are", () => {
    const tensors = Array.from({ length: 8 }, (_, t) => Float32Array.from(a, (x) => Math.sin((t + 1) * x)));
    for (let count = 1; count <= tensors.length; count++) {
      const used = tensors.slice(0, count);
      const sums = Array.from(a, (_, i) =>
        used.reduce((sum, tensor, t) => sum + (0.3 + t) * (tensor[i] as number), 0),
      );
      const coefficients = used.map((_, t) => 0.3 + t);
      expect([...linearCombination(coefficients, used)]).toEqual(sums.map(Math.fround));
    }
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
