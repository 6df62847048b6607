/**
 * Two experts in one run, on a fixture that has them: nothing of the first outlives it. That the run itself is
 * diffusers' own, switch and guidance scales among it, is in models.test.ts.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import type {
  CachePolicy,
  DenoiserSwitch,
  Measurement,
  ReusablePart,
  RunInfo,
  StepPlan,
} from "../../src/engine/cache/contract.ts";
import { off } from "../../src/engine/cache/off.ts";
import { type DenoiseResult, denoise } from "../../src/engine/denoise.ts";
import { randn } from "../../src/engine/random.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import type { Settings } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { largestDifference } from "../support/golden.ts";
import { encodeAll } from "../support/live-runs.ts";
import { openParity, paritySettings } from "../support/parity.ts";

const { about, tensor, files, open } = openParity("wan-2.2-a14b");
/** The first step of the second expert, as diffusers' pipeline takes it; its noise level alone would say 9. */
const SWITCH = 8;
const FULL: StepPlan = { kind: "run", branches: { cond: { kind: "full" }, uncond: { kind: "full" } } };
const OUTPUT: ReusablePart = { kind: "output" };
const STACK: ReusablePart = { kind: "stack" };
const FIRST_BLOCK: ReusablePart = { kind: "blocks", from: 0, to: 1 };

const [run] = about.runs;
if (!run) throw new Error("the fixture has no run");
let bundle: Bundle;
let backend: OnnxBackend;
let settings: Settings;

beforeAll(async () => {
  bundle = await open();
  backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
  settings = paritySettings(bundle, about, run);
});

afterAll(async () => {
  await backend.dispose();
});

async function generate(policy: CachePolicy, changed: Partial<Settings> = {}): Promise<DenoiseResult> {
  const cond = await encodeAll(bundle, backend, about.prompt);
  const uncond = await encodeAll(bundle, backend, about.negative_prompt ?? "");
  const noise = randn(settings.seed, latentDims(bundle.manifest, settings.shape));
  try {
    return await denoise(bundle, backend, policy, { ...settings, ...changed }, { cond, uncond }, noise, {});
  } finally {
    backend.release(cond);
    backend.release(uncond);
  }
}

/** Keeps one of each part and plans by step; notes what it was told. */
function scripted(plan: (index: number) => StepPlan) {
  const told: { runs: RunInfo[]; events: DenoiserSwitch[] } = { runs: [], events: [] };
  const policy: CachePolicy = {
    name: "scripted",
    requires: {
      keep: [OUTPUT, STACK, FIRST_BLOCK].map((part) => ({ part, depth: 1 })),
      signals: ["modulated_input"],
      cuts: [1],
    },
    start: (info) => {
      told.runs.push(info);
      return {
        plan: ({ index }) => plan(index),
        measureAfter: () => [],
        observe: () => undefined,
        event: (event) => told.events.push(event),
      };
    },
  };
  return { policy, told };
}

function reuse(part: ReusablePart): StepPlan {
  const of = (branch: "cond" | "uncond") =>
    ({
      kind: "reuse",
      part,
      prediction: { terms: [{ part, branch, age: 0, coefficient: 1 }] },
    }) as const;
  return { kind: "run", branches: { cond: of("cond"), uncond: of("uncond") } };
}

function probe(measurement: Measurement): StepPlan {
  return { kind: "probe", branch: "cond", cut: 1, measure: [measurement], decide: () => FULL };
}

const SIGNAL: Measurement = {
  kind: "relative_l1",
  a: { of: "signal", signal: "modulated_input", branch: "cond", when: "current" },
  b: { of: "signal", signal: "modulated_input", branch: "cond", when: "previous" },
};
const STREAM: Measurement = {
  kind: "relative_l1",
  a: { of: "stream", cut: 1, branch: "cond", when: "current" },
  b: { of: "stream", cut: 1, branch: "cond", when: "previous" },
};

describe("a switch of experts", () => {
  it("is where the timestep says, is told once, and a policy that computes everything changes nothing", async () => {
    const { policy, told } = scripted(() => FULL);
    const { latents, steps } = await generate(policy);
    expect(steps.map(({ denoiser }) => denoiser)).toEqual([
      ...Array<string>(SWITCH).fill("high_noise"),
      ...Array<string>(about.steps - SWITCH).fill("low_noise"),
    ]);
    expect(told.events).toEqual([
      { kind: "denoiser_switch", step: SWITCH, from: "high_noise", to: "low_noise" },
    ]);
    expect(
      told.runs[0]?.denoisers.map(({ id, steps: served, guidanceScale }) => [id, served, guidanceScale]),
    ).toEqual([
      ["high_noise", [0, SWITCH], about.guidance],
      ["low_noise", [SWITCH, about.steps], about.guidance_2],
    ]);
    expect(largestDifference(latents, tensor(`${run.name}_latents`).data)).toBeLessThanOrEqual(1e-4);
  });

  it.each([
    ["the output", () => reuse(OUTPUT)],
    ["the residual of all blocks", () => reuse(STACK)],
    ["the residual of some blocks", () => reuse(FIRST_BLOCK)],
    ["a signal of the step before", () => probe(SIGNAL)],
    ["a stream of the step before", () => probe(STREAM)],
  ])("leaves nothing of %s, and each expert has its own", async (_, plan) => {
    const before = backend.bytesHeld();
    const within = scripted((index) => (index === SWITCH - 1 || index === SWITCH + 1 ? plan() : FULL));
    const { steps } = await generate(within.policy);
    expect(steps).toHaveLength(about.steps);
    const across = scripted((index) => (index === SWITCH ? plan() : FULL));
    await expect(generate(across.policy)).rejects.toMatchObject({ code: "engine_failed" });
    expect(backend.bytesHeld()).toBe(before);
  });

  it("may end guidance: an expert whose scale is 1 runs no unconditional branch", async () => {
    const { steps } = await generate(off, { guidanceScales: { high_noise: 4, low_noise: 1 } });
    const branches = steps.map((step) => step.branches.map(({ branch }) => branch).join("+"));
    expect(new Set(branches.slice(0, SWITCH))).toEqual(new Set(["cond+uncond"]));
    expect(new Set(branches.slice(SWITCH))).toEqual(new Set(["cond"]));
  });
});
