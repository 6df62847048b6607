import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import fixture from "../../test/fixtures/noise.json" with { type: "json" };
import { fma } from "./random/fma.ts";
import { randn } from "./random.ts";

const hex = (bits: number) => bits.toString(16).padStart(8, "0");

/** The bytes in little-endian order, whatever the machine's. */
function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setFloat32(i * 4, value, true);
  });
  return bytes;
}

describe(`randn gives the bits of torch ${fixture.torch_version}`, () => {
  it.each(fixture.cases)("seed $seed, shape $shape", ({ seed, shape, first_bits, sha256 }) => {
    const noise = randn(BigInt(seed), shape);
    const bits = new Uint32Array(noise.buffer).subarray(0, first_bits.length);
    expect(Array.from(bits, hex)).toEqual(first_bits.map(hex));
    expect(createHash("sha256").update(littleEndian(noise)).digest("hex")).toBe(sha256);
  });
});

describe("randn's arguments", () => {
  it("takes a seed as a number or as a bigint", () => {
    expect(randn(2 ** 32 + 7, [20])).toEqual(randn(7n, [20]));
    expect(randn(2n ** 64n - 1n, [3])).toEqual(randn(2 ** 32 - 1, [3]));
  });

  it.each([-1, -1n, 2n ** 64n])("refuses the seed %s as out of range", (seed) => {
    expect(() => randn(seed, [4])).toThrow(
      new RangeError(`seed ${seed} is out of range. Give an integer from 0 to 2^64 - 1.`),
    );
  });

  it.each([Number.NaN, 1.5, Number.POSITIVE_INFINITY])("refuses the seed %s as no integer", (seed) => {
    expect(() => randn(seed, [4])).toThrow(
      new RangeError(`seed ${seed} is not an integer. Give one from 0 to 2^64 - 1.`),
    );
  });

  it("refuses a number too large to be exact, which a bigint would be", () => {
    expect(() => randn(2 ** 53, [4])).toThrow(
      /^seed 9007199254740992 is not exact as a number\. Give it as a bigint\.$/,
    );
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses the size %s", (size) => {
    expect(() => randn(0, [2, size])).toThrow(
      new RangeError(`shape [2, ${size}] has the size ${size}. Give integers of at least 0.`),
    );
  });

  it("refuses more values than an array holds", () => {
    expect(() => randn(0, [2 ** 20, 2 ** 20])).toThrow(
      /^shape \[1048576, 1048576\] has more than \d+ values\. Give smaller sizes\.$/,
    );
  });
});

describe("fma", () => {
  // Half of float32's step above 1 is 2^-24: products at and about it, most too close for float64 to tell.
  const step = 2 ** -23;
  it.each([
    ["a tie goes to even, down", 2 ** -12, 2 ** -12, 1, 1],
    ["a tie goes to even, up", 2 ** -12, 2 ** -12, 1 + step, 1 + 2 * step],
    ["2^-70 below a tie", 1 + step, 2 ** -24 * (1 - step), 1 + step, 1 + step],
    ["2^-60 above a tie", 1 + 2 ** -12, 2 ** -24 * (1 - 2 ** -12 + 2 ** -24), 1, 1 + step],
    ["2^-60 above a tie, negated", -1 - 2 ** -12, 2 ** -24 * (1 - 2 ** -12 + 2 ** -24), -1, -1 - step],
    ["exact", 3, 0.25, -0.75, 0],
  ])("%s", (_, a, b, c, expected) => {
    expect([a, b, c].map(Math.fround)).toEqual([a, b, c]);
    expect(fma(a, b, c)).toBe(expected);
  });
});
