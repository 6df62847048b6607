/** Prices: what a unit of a model's work costs, and what some work comes to. Bigints throughout, rounded once. */

import { z } from "zod";
import { MixcacheError } from "../errors.ts";
import type { Bill, Micros, PriceTerms, Usage } from "./money-contract.ts";

const MICROS = /^(\d{1,12})(?:\.(\d{1,6}))?$/;

/** What a model costs, as the configuration has it. */
export const priceSchema = z.strictObject({
  unit: z.enum(["tflop", "gpu_second", "video_second"]),
  micros: z.string().regex(MICROS).describe("millionths of the currency's unit for one unit of work"),
  slowest_tflops: z
    .number()
    .positive()
    .optional()
    .describe(
      "For gpu_second: the slowest TFLOP/s that the operator answers for. A hold is for as long as the whole work " +
        "takes at this speed, and what takes longer is not charged.",
    ),
});

export type Price = Readonly<z.infer<typeof priceSchema>>;

/** By model; `*` is every other one. */
export type Prices = Readonly<Record<string, Price>>;

/** The terms of a price, which a video keeps. */
export function termsOf({ unit, micros }: Price, currency: string): PriceTerms {
  return { currency, unit, microsPerUnit: micros };
}

/** What a model costs. @throws MixcacheError `invalid_argument` where the model has no price */
export function priceFor(prices: Prices, model: string): Price {
  const found = Object.hasOwn(prices, model) ? prices[model] : prices["*"];
  if (found) return found;
  throw new MixcacheError(
    "invalid_argument",
    `PRICES has no price for the model ${model}. Give it one, or one to "*" for every model.`,
    { field: "PRICES" },
  );
}

/** A price is counted in millionths of a micro. */
const PARTS_PER_MICRO = 1_000_000n;
const FLOPS_PER_TFLOP = 1_000_000_000_000n;
const MS_PER_SECOND = 1000n;

/** What the usage costs; what is less than a micro-unit is left to the customer. */
export const bill: Bill = (terms, usage) => {
  const [quantity, perUnit] = amountOf(terms.unit, usage);
  return (quantity * partsOf(terms.microsPerUnit)) / (perUnit * PARTS_PER_MICRO);
};

/** The same rounded up: what to hold for usage that is not exceeded. */
export function billRoundedUp(terms: PriceTerms, usage: Usage): Micros {
  const [quantity, perUnit] = amountOf(terms.unit, usage);
  const divisor = perUnit * PARTS_PER_MICRO;
  return (quantity * partsOf(terms.microsPerUnit) + divisor - 1n) / divisor;
}

/** How much of a unit was used, in the usage's own measure, and how much of that is one unit. */
function amountOf(unit: PriceTerms["unit"], usage: Usage): readonly [quantity: bigint, perUnit: bigint] {
  switch (unit) {
    case "tflop":
      return [usage.flops, FLOPS_PER_TFLOP];
    case "gpu_second":
      return [usage.engineMs, MS_PER_SECOND];
    case "video_second":
      return [usage.videoMs, MS_PER_SECOND];
  }
}

function partsOf(micros: string): bigint {
  const [, whole, fraction = ""] = MICROS.exec(micros) ?? [];
  if (whole === undefined)
    throw new MixcacheError(
      "invalid_argument",
      `The price of ${micros} micro-units is none: write digits, with at most six places after a point.`,
      { field: "micros" },
    );
  return BigInt(whole) * PARTS_PER_MICRO + BigInt(fraction.padEnd(6, "0"));
}
