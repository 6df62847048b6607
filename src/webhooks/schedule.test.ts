import { describe, expect, it } from "vitest";
import { delayAfter, SCHEDULE_SECONDS } from "./schedule.ts";

const at = new Date("2026-11-28T12:00:00Z");
const delay = (failures: number, retryAfter?: string, random = 0) =>
  delayAfter({ failures, retryAfter, at, random });

it("is that of Standard Webhooks", () => {
  expect(SCHEDULE_SECONDS).toEqual([0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
  expect(Array.from({ length: 10 }, (_, index) => delay(index + 1))).toEqual([
    ...SCHEDULE_SECONDS.slice(1),
    undefined,
  ]);
});

it("is spread by a tenth", () => {
  expect(delay(2, undefined, 0.5)).toBe(315);
  expect(delay(2, undefined, 0.999)).toBe(330);
});

describe("retry-after", () => {
  it.each([
    ["600", 600],
    ["0", 300],
    ["10", 300],
    ["9999999", 86_400],
    [" 600 ", 600],
    ["Sat, 28 Nov 2026 12:20:00 GMT", 1200],
    ["Sat, 28 Nov 2026 11:00:00 GMT", 300],
    ["Sat, 28 Nov 2099 11:00:00 GMT", 86_400],
    ["soon", 300],
    ["-5", 300],
    ["1e9", 300],
    ["", 300],
  ])("%j makes it %d seconds", (text, seconds) => {
    expect(delay(2, text)).toBe(seconds);
  });

  it("doesn't make more attempts than there are", () => {
    expect(delay(10, "5")).toBeUndefined();
  });
});
