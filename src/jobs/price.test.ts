import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shapesManifest } from "../../test/support/policies.ts";
import { resolveSettings } from "../engine/settings.ts";
import type { PriceTerms, Usage } from "./money-contract.ts";
import { bill, billRoundedUp, type Price, priceFor, termsOf } from "./price.ts";
import { holdFor, mostUsage } from "./price-hold.ts";

const terms = (unit: PriceTerms["unit"], microsPerUnit: string): PriceTerms => ({
  currency: "USD",
  unit,
  microsPerUnit,
});

const usage: fc.Arbitrary<Usage> = fc.record({
  flops: fc.bigInt(0n, 10n ** 19n),
  engineMs: fc.bigInt(0n, 10n ** 9n),
  videoMs: fc.bigInt(0n, 10n ** 7n),
});
const anyTerms = fc
  .record({
    unit: fc.constantFrom("tflop" as const, "gpu_second" as const, "video_second" as const),
    whole: fc.bigInt(0n, 999_999_999_999n),
    fraction: fc.stringMatching(/^(\.\d{1,6})?$/),
  })
  .map(({ unit, whole, fraction }) => terms(unit, `${whole}${fraction}`));

describe("a bill", () => {
  it.each([
    ["tflop", "500", { flops: 2_500_000_000_000n }, 1250n],
    ["tflop", "0.000001", { flops: 999_999_999_999_999_999n }, 0n],
    ["tflop", "0.000001", { flops: 1_000_000_000_000_000_000n }, 1n],
    // 1.85 micro-dollars a TFLOP: two dollars an hour at 300 TFLOP/s.
    ["tflop", "1.85", { flops: 1_000_000_000_000_000_003n }, 1_850_000n],
    ["gpu_second", "555.5", { engineMs: 2001n }, 1111n],
    ["video_second", "40000", { videoMs: 5063n }, 202_520n],
  ] as const)("for a %s of %s micros and %o is %i", (unit, micros, used, cost) => {
    const nothing = { flops: 0n, engineMs: 0n, videoMs: 0n };
    expect(bill(terms(unit, micros), { ...nothing, ...used })).toBe(cost);
  });

  it("is never more than the price, and less by under one micro-unit", () => {
    fc.assert(
      fc.property(anyTerms, usage, (price, used) => {
        const [low, high] = [bill(price, used), billRoundedUp(price, used)];
        expect(high - low === 0n || high - low === 1n).toBe(true);
        const [quantity, unit] = {
          tflop: [used.flops, 10n ** 12n] as const,
          gpu_second: [used.engineMs, 1000n] as const,
          video_second: [used.videoMs, 1000n] as const,
        }[price.unit];
        const [whole = "", fraction = ""] = price.microsPerUnit.split(".");
        const exact = quantity * BigInt(whole + fraction.padEnd(6, "0"));
        expect(low * unit * 1_000_000n).toBeLessThanOrEqual(exact);
        expect(high * unit * 1_000_000n).toBeGreaterThanOrEqual(exact);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("of less work is not more", () => {
    fc.assert(
      fc.property(anyTerms, usage, fc.double({ min: 0, max: 1, noNaN: true }), (price, used, share) => {
        const part = (whole: bigint) => (whole * BigInt(Math.round(share * 1e6))) / 1_000_000n;
        const less = {
          flops: part(used.flops),
          engineMs: part(used.engineMs),
          videoMs: part(used.videoMs),
        };
        expect(bill(price, less)).toBeLessThanOrEqual(billRoundedUp(price, used));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it.each(["", "-1", "1e3", "1.2345678", "1,5", ".5", "1."])("is refused for a price of “%s”", (micros) => {
    const nothing = { flops: 0n, engineMs: 0n, videoMs: 0n };
    expect(() => bill(terms("tflop", micros), nothing)).toThrow(/price of .* micro-units is none/);
  });
});

describe("a price list", () => {
  const prices = {
    "*": { unit: "tflop", micros: "500" },
    wan: { unit: "gpu_second", micros: "7.5" },
  } as const;

  it("has a price for each model, or one for every other", () => {
    expect(priceFor(prices, "wan")).toEqual(prices.wan);
    expect(priceFor(prices, "shapes")).toEqual(prices["*"]);
  });

  it("without a price for a model says so, also for names that objects have anyway", () => {
    for (const model of ["shapes", "constructor"])
      expect(() => priceFor({ wan: prices.wan }, model)).toThrow(`no price for the model ${model}`);
  });
});

describe("the hold of a video of the embedded model", () => {
  const settings = (changes = {}) => resolveSettings(shapesManifest, { prompt: "a red circle", ...changes });
  const wish = (changes = {}) => ({ manifest: shapesManifest, settings: settings(changes), fps: 8 });
  const hold = (price: Price, changes = {}) => holdFor(price, termsOf(price, "USD"), wish(changes));

  it("grows with the steps and with the second branch, and is for the whole length", () => {
    const flops = (changes = {}) => mostUsage(wish(changes)).flops;
    const [one, two, three] = [1, 2, 3].map((num_inference_steps) => flops({ num_inference_steps }));
    // What each step adds is the same; the bound is rounded up once.
    expect(Number((three ?? 0n) - (two ?? 0n)) / Number((two ?? 0n) - (one ?? 0n))).toBeCloseTo(1, 9);
    expect(flops({ guidance_scale: 1 })).toBeLessThan(flops({ guidance_scale: 3 }));
    expect(mostUsage(wish()).videoMs).toBe(2000n);
  });

  it("by the GPU-second is for the slowest speed that is answered for", () => {
    const price = { unit: "gpu_second", micros: "1000000" } as const;
    const fast = hold({ ...price, slowest_tflops: 10 });
    const slow = hold({ ...price, slowest_tflops: 1 });
    expect(Number(slow) / Number(fast)).toBeCloseTo(10, 0);
    const { flops } = mostUsage(wish());
    // A second at 1 TFLOP/s is 1 TFLOP.
    expect(Number(slow) / 1e6).toBeCloseTo(Number(flops) / 1e12, 2);
  });

  it("by the second of video is the price of the video", () => {
    expect(hold({ unit: "video_second", micros: "40000" })).toBe(80_000n);
  });
});
