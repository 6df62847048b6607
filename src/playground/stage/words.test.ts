import { expect, it } from "vitest";
import { duration, money, priceWords } from "./words.ts";

it("amounts keep every digit that says something", () => {
  const words = (amount: string) => money({ amount, currency: "USD" });
  expect([words("0.000083"), words("12.500000"), words("3.000000"), words("0.000000"), words("100")]).toEqual(
    ["0.000083 USD", "12.5 USD", "3 USD", "0 USD", "100 USD"],
  );
});

it("durations are as exact as they are of use", () => {
  expect([0.0704, 1.874, 9.99, 42.3, 180].map(duration)).toEqual([
    "70 ms",
    "1.87 s",
    "9.99 s",
    "42 s",
    "3 min",
  ]);
});

it("prices name their unit, and that only computed work is paid for", () => {
  expect(priceWords({ currency: "USD", unit: "tflop", unit_price: "0.000500" })).toBe(
    "0.0005 USD for each TFLOP that is really computed",
  );
  expect(priceWords({ currency: "EUR", unit: "gpu_second", unit_price: "1.000000" })).toBe(
    "1 EUR for each GPU second",
  );
});
