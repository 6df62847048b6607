import { expect, it } from "vitest";
import type { Job, Timing } from "./contestant.ts";
import { markdown, rowOf } from "./table.ts";

const job = { steps: 2 } as Job;
const errors = { largest: 1e-6, relative: 2e-7, psnr: Number.POSITIVE_INFINITY };
const timing = (denoiseMs: number, cpuMs?: number): Timing => ({
  textMs: 100,
  denoiseMs,
  decodeMs: 400,
  cpuMs,
});

it("ratios are of neighbours in time, so that a machine that slows down cancels", () => {
  const row = rowOf(
    { name: "a", timings: [timing(1000, 500), timing(2000, 900), timing(4000, 700)], errors },
    [timing(2000, 1000), timing(4000, 1000), timing(8000, 1000)],
    job,
  );
  expect(row.ratio).toBe(0.5);
  expect(row.secondsPerStep).toEqual([1, 0.5, 2]);
  expect(row.cpuSecondsPerStep).toBe(0.35);
  expect(row.cpuRatio).toBe(0.7);
  expect(row.secondsPerVideo).toBe(2.5);
});

it("CPU time that could not be told is no figure", () => {
  const row = rowOf({ name: "a", timings: [timing(1000)], errors }, [timing(1000, 10)], job);
  expect(row.cpuRatio).toBeUndefined();
  expect(markdown([row]).split("\n").at(-1)).toContain("| – | – |");
});
