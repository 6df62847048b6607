/**
 * MixCache on real models: what each granularity saves, what it may never touch, and that its decisions are the
 * trace's. Whole runs of the embedded model without the decoder, and tiny architectures with two experts or one branch.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { createPolicy } from "../../src/engine/cache/policies.ts";
import type { Profile } from "../../src/engine/cache/profile.ts";
import { type Replayed, replay } from "../../src/engine/cache/replay.ts";
import { type DenoiseHooks, type DenoiseResult, denoise } from "../../src/engine/denoise.ts";
import { randn } from "../../src/engine/random.ts";
import type { State } from "../../src/engine/segments/contract.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import { latentDims } from "../../src/engine/shape.ts";
import type { StepTrace } from "../../src/engine/trace.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { encodeAll } from "../support/live-runs.ts";
import { openParity } from "../support/parity.ts";
import { decisionsOf, handmadeProfile, watched } from "../support/policies.ts";
import { numbersFrom } from "../support/predictions.ts";
import { openShapes } from "../support/shapes.ts";

const STEPS = 12;
const PROMPT = "a red circle moves to the right";

/** A bundle, open. */
interface Opened {
  readonly bundle: Bundle;
  readonly backend: OnnxBackend;
}

interface Run {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly prompt?: string;
  readonly steps?: number;
  readonly profile?: Profile | undefined;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number) => void;
  readonly hooks?: Pick<DenoiseHooks, "given" | "onVelocity">;
}

/** One run, with what is needed to replay it. */
async function run({ bundle, backend }: Opened, given: Run = {}) {
  const { manifest } = bundle;
  const { options = {}, prompt = PROMPT, steps = STEPS, signal, onStep } = given;
  const profile = "profile" in given ? given.profile : handmadeProfile(steps);
  const settings = resolveSettings(manifest, { prompt, num_inference_steps: steps, seed: 3 });
  const create = () => createPolicy({ policy: "mixcache", ...options }, { manifest, settings, profile });
  const { policy, run: info, refreshed } = watched(create());
  const conditioning: { cond: State; uncond: State } = {
    cond: await encodeAll(bundle, backend, prompt),
    uncond: await encodeAll(bundle, backend, ""),
  };
  const noise = randn(3, latentDims(manifest, settings.shape));
  try {
    const result: DenoiseResult = await denoise(bundle, backend, policy, settings, conditioning, noise, {
      ...given.hooks,
      ...(signal && { signal }),
      ...(onStep && { onProgress: (progress) => progress.phase === "denoise" && onStep(progress.step) }),
    });
    return {
      ...result,
      refreshed,
      again: (recorded: readonly Pick<StepTrace, "scalars">[]) => replay(create(), info(), recorded),
    };
  } finally {
    for (const state of Object.values(conditioning)) backend.release(state);
  }
}

type Done = Awaited<ReturnType<typeof run>>;

const modes = (steps: readonly Pick<Replayed, "decision">[]) =>
  steps.map(({ decision }) => decision?.mode ?? "");
const share = ({ flops, fullFlops }: StepTrace) => flops / fullFlops;
const sameLatents = (a: Done, b: Done) => Buffer.from(a.latents.buffer).equals(Buffer.from(b.latents.buffer));

describe("on the embedded model", () => {
  let shapes: Opened;

  beforeAll(async () => {
    shapes = await openShapes();
  });

  afterAll(async () => {
    await shapes.backend.dispose();
  });

  it.each([
    ["step", 2, 0, []],
    ["cfg", 1.4, 0.5, ["cond output"]],
    ["block", 1.7, 0.256, []],
  ] as const)(
    "%s at %f times runs its part of a step, and refreshes only what ran in full",
    async (granularity, speed, cost, kept) => {
      const { steps, refreshed } = await run(shapes, { options: { speed, granularities: [granularity] } });
      const cached = steps.filter(({ decision }) => decision?.mode === granularity);
      expect(cached.length).toBeGreaterThan(2);
      for (const step of steps) {
        const isFull = step.decision?.mode === "full";
        expect(share(step)).toBeCloseTo(isFull ? 1 : cost, 2);
        if (isFull) continue;
        expect(refreshed[step.index]?.map(({ part, branch }) => `${branch} ${part.kind}`)).toEqual(kept);
      }
      expect(modes(steps).slice(0, 2)).toEqual(["full", "full"]);
      expect(modes(steps).at(-1)).toBe("full");
      const computed = steps.reduce((sum, step) => sum + share(step), 0);
      expect(Math.abs(computed - STEPS / speed)).toBeLessThanOrEqual(0.76);
    },
  );

  it.each([6, STEPS])(
    "at speed 1 computes everything, bit for bit as without a cache, in %i steps",
    async (steps) => {
      const one = await run(shapes, { steps, options: { speed: 1 } });
      const off = await run(shapes, { steps, options: { policy: "off" } });
      expect(modes(one.steps)).toEqual(Array(steps).fill("full"));
      expect(sameLatents(one, off)).toBe(true);
    },
  );

  it.each<[string, Run["options"] & { readonly unprofiled?: boolean }]>([
    ["as it comes", {}],
    ["by penalty", { decision: "penalty", repeat_penalty: 5, speed: 2.4 }],
    ["with held results", { predictor: "reuse", correction: false }],
    ["with the velocity decomposed", { predictor: "velocity", granularities: ["step", "cfg"] }],
    ["by feedback", { quality: 3 }],
    ["by feedback, of blocks only", { quality: 3, granularities: ["block"] }],
    ["for every prompt alike", { adaptive: false, trigger: false }],
    ["without a profile", { quality: 3, unprofiled: true }],
  ])(
    "decides %s as it decides once more, and a disturbance below its margin changes nothing",
    async (_, given) => {
      const { unprofiled = false, ...options } = given;
      const { steps, again } = await run(shapes, { options, ...(unprofiled && { profile: undefined }) });
      const recorded: typeof steps = JSON.parse(JSON.stringify(steps));
      expect(decisionsOf(again(recorded))).toBe(decisionsOf(steps));
      expect(new Set(modes(steps)).size).toBeGreaterThan(1);
      const margin = Math.min(1, ...steps.flatMap(({ decision }) => decision?.margin ?? []));
      const random = numbersFrom(7);
      for (let trial = 0; trial < 20; trial++) {
        const disturbed = recorded.map(({ scalars }) => ({
          scalars: scalars.map((scalar) => scalar * (1 + 0.99 * margin * (random() < 0.5 ? -1 : 1))),
        }));
        expect(modes(again(disturbed))).toEqual(modes(steps));
      }
    },
  );

  it("gives each of two runs in a row what it gives that run alone", async () => {
    const [first, second] = [{ prompt: PROMPT }, { prompt: "a blue square", steps: 14 }];
    const inARow = [await run(shapes, first), await run(shapes, second)] as const;
    const alone = [await run(shapes, second), await run(shapes, first)].reverse();
    for (const [place, done] of alone.entries()) expect(sameLatents(inARow[place] as Done, done)).toBe(true);
  });

  it("leaves nothing when it is aborted in the middle of a step", async () => {
    const before = shapes.backend.bytesHeld();
    const abort = new AbortController();
    const options = { granularities: ["cfg"], speed: 1.4 };
    const aborted = run(shapes, {
      options,
      signal: abort.signal,
      onStep: (step) => step === 8 && abort.abort(),
    });
    await expect(aborted).rejects.toThrow();
    expect(shapes.backend.bytesHeld()).toBe(before);
  });

  it("does with a profile that lacks parts, or knows lag 1 only", async () => {
    const whole = handmadeProfile(STEPS);
    const { step = [] } = whole.deviations;
    for (const changes of [
      { deviations: { step: step.slice(0, 1) }, impacts: {} },
      { deviations: {}, impacts: { step: { steps: [], values: [] } } },
      { changes: { p10: [], p50: [], p90: [] } },
    ]) {
      const { steps, again } = await run(shapes, { profile: handmadeProfile(STEPS, changes) });
      expect(steps.some((one) => share(one) < 1)).toBe(true);
      expect(decisionsOf(again(JSON.parse(JSON.stringify(steps))))).toBe(decisionsOf(steps));
    }
  });
});

describe.each(["hunyuan-video", "wan-2.2-a14b"])("on %s", (fixture) => {
  const { files, open } = openParity(fixture);
  let tiny: Opened;

  beforeAll(async () => {
    const bundle = await open();
    tiny = { bundle, backend: new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 })) };
  });

  afterAll(async () => {
    await tiny.backend.dispose();
  });

  it("reuses what the model has, and keeps nothing of an expert for the next one", async () => {
    const { steps, again } = await run(tiny, {
      steps: 16,
      options: { speed: 2, decision: "penalty" },
      profile: undefined,
    });
    const guided = tiny.bundle.manifest.denoisers.every(({ guidance }) => guidance.kind === "cfg");
    expect(modes(steps).includes("cfg") && !guided).toBe(false);
    const decided = modes(steps);
    expect(decided.filter((mode) => mode !== "full").length).toBeGreaterThan(3);
    for (const [index, { denoiser }] of steps.entries()) {
      if (denoiser === steps[index - 1]?.denoiser) continue;
      expect(decided.slice(index, index + 2)).toEqual(["full", "full"]);
    }
    expect(decisionsOf(again(JSON.parse(JSON.stringify(steps))))).toBe(decisionsOf(steps));
  });

  it("hands out velocities that no later step overwrites", async () => {
    const velocities: Float32Array[] = [];
    const same = { steps: 16, options: { speed: 2, granularities: ["step"] }, profile: undefined };
    const cached = await run(tiny, {
      ...same,
      hooks: { onVelocity: (velocity) => velocities.push(velocity) },
    });
    expect(modes(cached.steps).filter((mode) => mode === "step").length).toBeGreaterThan(3);
    expect(sameLatents(await run(tiny, { ...same, hooks: { given: velocities } }), cached)).toBe(true);
  });

  it("refuses the guidance difference by name where there is no guidance", async () => {
    const asked = run(tiny, { options: { granularities: ["cfg"] }, profile: undefined });
    if (fixture === "hunyuan-video")
      await expect(asked).rejects.toThrow(/without classifier-free guidance .* Choose among step, block/);
    else expect(modes((await asked).steps)).toContain("cfg");
  });
});
