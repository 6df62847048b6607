import { describe, expect, it } from "vitest";
import type { Usage, UsageRow } from "./calls.ts";
import { barsOf, nameOf } from "./usage-rows.ts";

const row = (of: Partial<UsageRow>): UsageRow => ({
  day: null,
  key: null,
  model: null,
  videos: 2,
  completed: 1,
  amount: "0.250000",
  flops: "3000000000000",
  engine_seconds: "1.500",
  video_seconds: "2.000",
  ...of,
});
const usage = (of: Partial<Usage>): Usage => ({
  object: "usage",
  currency: "USD",
  from: "2026-02-27",
  to: "2026-03-02",
  group_by: ["day"],
  data: [],
  has_more: false,
  ...of,
});

describe("bars of usage", () => {
  it("have every day, also those without a video", () => {
    const table = usage({
      data: [row({ day: "2026-02-28" }), row({ day: "2026-03-02", amount: "1.000000" })],
    });
    expect(barsOf(table, "amount")).toEqual([
      { label: "2026-02-27", value: 0 },
      { label: "2026-02-28", value: 0.25 },
      { label: "2026-03-01", value: 0 },
      { label: "2026-03-02", value: 1 },
    ]);
  });

  it.each([
    ["amount", 0.25],
    ["videos", 2],
    ["tflop", 3],
    ["engine", 1.5],
  ] as const)("are of what is chosen: %s", (measure, value) => {
    const table = usage({ group_by: ["key"], data: [row({ key: "key_1" })] });
    expect(barsOf(table, measure)).toEqual([{ label: "key_1", value }]);
  });

  it("name the operator's videos, which no key asked for", () => {
    expect(nameOf(row({}))).toBe("operator");
  });
});
