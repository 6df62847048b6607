import { describe, expect, it } from "vitest";
import { toyManifest } from "../../test/support/toy-bundle.ts";
import type { DenoiserManifest, Manifest, SchedulerManifest } from "./bundle/manifest.ts";
import { branchesOfRun, denoiserAt, servingOf } from "./denoisers.ts";
import { createScheduler } from "./schedulers/index.ts";
import { type GenerateRequest, resolveSettings } from "./settings.ts";

/** Two experts: the first has two blocks and three cuts, the second one block and two cuts. */
function expertManifest(boundary: number): Manifest {
  const manifest = toyManifest();
  const [high] = manifest.denoisers;
  if (!high) throw new Error("the toy has no denoiser");
  const segments = high.segments.filter(({ id }) => id !== "block_1");
  const low: DenoiserManifest = {
    ...high,
    id: "low",
    noise_levels: [0, boundary],
    guidance: { kind: "cfg", default_scale: 3 },
    segments: segments.map((segment) => (segment.id === "head" ? { ...segment, blocks: [1, 1] } : segment)),
  };
  return { ...manifest, denoisers: [low, { ...high, id: "high", noise_levels: [boundary, 1] }] };
}

function serving(boundary: number, scheduler: SchedulerManifest, request: Partial<GenerateRequest>) {
  const manifest = { ...expertManifest(boundary), schedulers: [scheduler] };
  const settings = resolveSettings(manifest, { prompt: "x", ...request });
  const made = servingOf(manifest, settings, createScheduler(scheduler, settings.steps), {});
  return { made: made.map(({ info }) => info), branches: branchesOfRun(manifest, settings) };
}

describe("which expert serves a step", () => {
  // Steps of the first expert as diffusers' WanPipeline counts them, `timesteps >= boundary_ratio * 1000` with
  // UniPCMultistepScheduler 0.42.1. By noise level it would be another number where one is given.
  it.each([
    { shift: 3, steps: 40, boundary: 0.875, first: 13 },
    { shift: 12, steps: 40, boundary: 0.875, first: 26 },
    { shift: 5, steps: 20, boundary: 0.875, first: 9 },
    { shift: 5, steps: 20, boundary: 0.8825, first: 8, byLevel: 9 },
    { shift: 3, steps: 333, boundary: 0.875, first: 100, byLevel: 101 },
    { shift: 1, steps: 999, boundary: 0.9, first: 101, byLevel: 100 },
    { shift: 3, steps: 999, boundary: 0.9, first: 251, byLevel: 250 },
  ])("is diffusers' with UniPC, $steps steps, shift $shift and boundary $boundary", (given) => {
    const { shift, steps, boundary, first, byLevel = first } = given;
    const scheduler = { kind: "unipc", shift, order: 2 } as const;
    const { made } = serving(boundary, scheduler, { num_inference_steps: steps });
    expect(made.map((info) => [info.id, info.steps])).toEqual([
      ["high", [0, first]],
      ["low", [first, steps]],
    ]);
    const levels = createScheduler(scheduler, steps).sigmas.slice(0, -1);
    expect(levels.filter((sigma) => sigma >= boundary)).toHaveLength(byLevel);
  });

  it("is the first at timestep 1000, and the second just below the boundary", () => {
    const { denoisers } = expertManifest(0.875);
    expect([1000, 875, 874, 0].map((t) => denoiserAt(denoisers, t).id)).toEqual([
      "high",
      "high",
      "low",
      "low",
    ]);
  });
});

describe("what a policy is told of the experts", () => {
  const scheduler = { kind: "flow_match_euler", shift: 3 } as const;

  it("is each one's own: cuts, shares, guidance", () => {
    const { made, branches } = serving(0.875, scheduler, {});
    expect(made.map(({ id, cuts, guidanceScale }) => ({ id, cuts, guidanceScale }))).toEqual([
      { id: "high", cuts: [0, 1, 2], guidanceScale: 5 },
      { id: "low", cuts: [0, 1], guidanceScale: 3 },
    ]);
    const [high, low] = made;
    expect(high?.shareUpTo(1)).toBeLessThan(low?.shareUpTo(1) ?? 0);
    expect(branches).toEqual(["cond", "uncond"]);
  });

  it("says that an expert with a guidance scale of 1 runs no unconditional branch, while the other does", () => {
    const { made, branches } = serving(0.875, scheduler, { guidance_scale: 4, guidance_scale_2: 1 });
    expect(made.map((info) => info.branches)).toEqual([["cond", "uncond"], ["cond"]]);
    expect(branches).toEqual(["cond", "uncond"]);
    expect(serving(0.875, scheduler, { guidance_scale: 1 }).branches).toEqual(["cond"]);
  });

  it("leaves out an expert that serves no step", () => {
    expect(serving(0.999, { kind: "unipc", shift: 1, order: 2 }, {}).made.map(({ id }) => id)).toEqual([
      "high",
      "low",
    ]);
    expect(serving(0.9995, { kind: "unipc", shift: 1, order: 2 }, {}).made.map(({ id }) => id)).toEqual([
      "low",
    ]);
  });
});
