import { expect, it } from "vitest";
import { totalsOf } from "./totals.ts";
import type { RunTrace, StepTrace } from "./trace.ts";

type Made = readonly [mode: string, flops: number, durationMs: number, policyMs?: number];

function traceOf(made: readonly Made[], denoiser: (step: number) => string = () => "main"): RunTrace {
  const steps = made.map(
    ([mode, flops, durationMs, policyMs = 0], index): StepTrace => ({
      index,
      sigma: 1,
      denoiser: denoiser(index),
      branches: [],
      flops,
      fullFlops: 100,
      decision: { mode },
      scalars: [],
      durationMs,
      policyMs,
    }),
  );
  return {
    policy: "made up",
    profile: null,
    run: { steps: steps.length, scheduler: "x", sigmas: [], timesteps: [], branches: [], denoisers: [] },
    steps,
    text: [],
    textCached: 0,
    decode: [],
    textMs: 10,
    denoiseMs: 0,
    decodeMs: 10,
    totalMs: 100,
    denoiseFlops: steps.reduce((sum, { flops }) => sum + flops, 0),
    fullDenoiseFlops: 100 * steps.length,
    cacheBytesPeak: 0,
  };
}

it("counts modes and FLOPs, and estimates time by the median step in full without the policy's share", () => {
  const totals = totalsOf(
    traceOf([
      // The first step is slow for reasons of its own; a median does not mind.
      ["full", 100, 90],
      ["full", 100, 22, 2],
      ["full", 100, 20],
      ["step", 0, 3, 3],
      ["cfg", 50, 13, 3],
    ]),
  );
  expect(totals.modes).toEqual({ full: 3, step: 1, cfg: 1 });
  expect(totals).toMatchObject({
    flopsSaved: 150,
    ditMs: 148,
    uncachedDitMs: 100,
    savedMs: -48,
    policyMs: 8,
  });
  expect(totals.idealSpeedup).toBeCloseTo(500 / 350);
  expect(totals.endToEndSpeedup).toBeCloseTo(0.52);
});

it("takes each expert's own full step", () => {
  const made: Made[] = [
    ["full", 100, 10],
    ["step", 0, 0],
    ["full", 100, 40],
    ["step", 0, 0],
  ];
  const totals = totalsOf(traceOf(made, (step) => (step < 2 ? "high" : "low")));
  expect(totals).toMatchObject({ uncachedDitMs: 100, savedMs: 50, ditSpeedup: 2, endToEndSpeedup: 1.5 });
});

it("estimates nothing where nothing was reused", () => {
  const totals = totalsOf(
    traceOf([
      ["full", 100, 10],
      ["full", 100, 30],
      ["full", 100, 10],
    ]),
  );
  expect(totals).toMatchObject({ idealSpeedup: 1, ditMs: 50, uncachedDitMs: 50, savedMs: 0 });
});
