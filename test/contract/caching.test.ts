/**
 * The CachePolicy contract on the embedded model, by small scripted policies: what a plan says is what happens, and
 * nothing approximated is ever kept.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import type {
  Branch,
  BranchPlan,
  CachePolicy,
  ModulesPart,
  Part,
  PolicyRun,
  Prediction,
  ReusablePart,
  StepOutcome,
  StepPlan,
} from "../../src/engine/cache/contract.ts";
import { off } from "../../src/engine/cache/off.ts";
import { type DenoiseResult, denoise } from "../../src/engine/denoise.ts";
import { randn } from "../../src/engine/random.ts";
import type { State } from "../../src/engine/segments/contract.ts";
import type { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { largestDifference } from "../support/golden.ts";
import { conditioningOf, golden, goldenSettings, openShapes, reference } from "../support/shapes.ts";

const STEPS = 5;
const FULL: StepPlan = { kind: "run", branches: { cond: { kind: "full" }, uncond: { kind: "full" } } };
const STACK: ReusablePart = { kind: "stack" };
const MIDDLE: ReusablePart = { kind: "blocks", from: 2, to: 6 };
const DELTA: ReusablePart = { kind: "guidance_delta" };
const ATTENTION: ModulesPart = { kind: "modules", modules: ["self_attn"], from: 0, to: 8 };

let bundle: Bundle;
let backend: OnnxBackend;
let prompts: { cond: State; uncond: State };
let uncached: DenoiseResult;

beforeAll(async () => {
  ({ bundle, backend } = await openShapes());
  prompts = {
    cond: await conditioningOf(bundle, backend, golden.prompt),
    uncond: await conditioningOf(bundle, backend, ""),
  };
  uncached = await run(off);
});

afterAll(async () => {
  await backend.dispose();
});

function run(policy: CachePolicy): Promise<DenoiseResult> {
  const settings = goldenSettings(bundle, { steps: STEPS });
  return denoise(bundle, backend, policy, settings, prompts, randn(3, reference("noise").dims), {});
}

/** A policy from a function of the step; collects what it observes. */
function scripted(
  requires: Partial<CachePolicy["requires"]>,
  plan: (index: number) => StepPlan,
  measureAfter: PolicyRun["measureAfter"] = () => [],
): CachePolicy & { outcomes: StepOutcome[] } {
  const outcomes: StepOutcome[] = [];
  return {
    name: "scripted",
    outcomes,
    requires: { keep: [], signals: [], cuts: [], ...requires },
    start: () => ({
      plan: ({ index }) => plan(index),
      measureAfter,
      observe: (outcome) => void outcomes.push(outcome),
      event: () => {},
    }),
  };
}

/** The newest kept result as it is. */
function newest(part: Part, branch: Branch): Prediction {
  return { terms: [{ part, branch, age: 0, coefficient: 1 }] };
}

/** Both branches reuse a part at step 2; all other steps are full. */
function reuseAtStep2(part: ReusablePart): (index: number) => StepPlan {
  return (index) => {
    if (index !== 2) return FULL;
    const of = (branch: Branch) => ({ kind: "reuse", part, prediction: newest(part, branch) }) as const;
    return { kind: "run", branches: { cond: of("cond"), uncond: of("uncond") } };
  };
}

function identical(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

const share = (part: DenoiseResult, step: number) =>
  (part.steps[step]?.flops ?? 0) / (part.steps[step]?.fullFlops ?? 1);

describe("a probe", () => {
  it("is never wasted: probing at every cut and then running in full changes nothing and costs nothing", async () => {
    const policy = scripted({ cuts: [0, 1, 4] }, (index) => ({
      kind: "probe",
      branch: "cond",
      cut: [0, 1, 4, 8, 0][index] ?? 0,
      measure: [],
      decide: () => FULL,
    }));
    const probed = await run(policy);
    expect(identical(probed.latents, uncached.latents)).toBe(true);
    expect(probed.steps.map(({ flops }) => flops)).toEqual(uncached.steps.map(({ flops }) => flops));
  });

  it("sees the distance of a stream and of a signal to the step before, and of the latents", async () => {
    const seen: number[][] = [];
    const policy = scripted({ cuts: [1], signals: ["modulated_input"] }, (index) =>
      index === 0
        ? FULL
        : {
            kind: "probe",
            branch: "cond",
            cut: 1,
            measure: [
              {
                kind: "relative_l1",
                a: { of: "stream", cut: 1, branch: "cond", when: "current" },
                b: { of: "stream", cut: 1, branch: "cond", when: "previous" },
              },
              {
                kind: "relative_l1",
                a: { of: "signal", signal: "modulated_input", branch: "cond", when: "current" },
                b: { of: "signal", signal: "modulated_input", branch: "cond", when: "previous" },
              },
              { kind: "l1", a: { of: "latents", when: "current" }, b: { of: "latents", when: "previous" } },
              { kind: "l1", a: { of: "latents", when: "current" }, b: { of: "latents", when: "current" } },
            ],
            decide: (scalars) => {
              seen.push([...scalars]);
              return FULL;
            },
          },
    );
    await run(policy);
    expect(seen).toHaveLength(STEPS - 1);
    for (const [stream, signal, latents, nothing] of seen) {
      expect(stream).toBeGreaterThan(0);
      expect(signal).toBeGreaterThan(0);
      expect(latents).toBeGreaterThan(0);
      expect(nothing).toBe(0);
    }
  });
});

describe("reuse", () => {
  it("of the output runs nothing", async () => {
    const cached = await run(
      scripted({ keep: [{ part: { kind: "output" }, depth: 1 }] }, reuseAtStep2({ kind: "output" })),
    );
    expect(cached.steps.map(({ flops }) => flops > 0)).toEqual([true, true, false, true, true]);
    expect(identical(cached.latents, uncached.latents)).toBe(false);
  });

  it("of the stack runs only what lies before and after the blocks", async () => {
    const cached = await run(scripted({ keep: [{ part: STACK, depth: 1 }] }, reuseAtStep2(STACK)));
    expect(share(cached, 2)).toBeGreaterThan(0);
    expect(share(cached, 2)).toBeLessThan(0.02);
  });

  it("of a range of blocks skips their share of the FLOPs", async () => {
    const cached = await run(scripted({ keep: [{ part: MIDDLE, depth: 1 }] }, reuseAtStep2(MIDDLE)));
    expect(share(cached, 2)).toBeCloseTo(1 - 4 * 0.124, 1);
    expect(largestDifference(cached.latents, uncached.latents)).toBeGreaterThan(0);
  });

  it("of the guidance difference skips the unconditional branch", async () => {
    const policy = scripted({ keep: [{ part: DELTA, depth: 1 }] }, (index) =>
      index === 2
        ? {
            kind: "run",
            branches: {
              cond: { kind: "full" },
              uncond: { kind: "reuse", part: DELTA, prediction: newest(DELTA, "uncond") },
            },
          }
        : FULL,
    );
    expect(share(await run(policy), 2)).toBeCloseTo(0.5, 6);
  });

  it("of what was just computed is exact: a kept stack residual restores the stack's end", async () => {
    const deviations: number[] = [];
    const policy = scripted(
      { keep: [{ part: STACK, depth: 2 }] },
      () => FULL,
      ({ index }) =>
        index === 0
          ? []
          : [
              {
                kind: "relative_l1",
                a: { of: "predicted", part: STACK, branch: "cond", prediction: newest(STACK, "cond") },
                b: { of: "part", part: STACK, branch: "cond" },
              },
              {
                kind: "relative_l1",
                a: { of: "part", part: STACK, branch: "cond" },
                b: { of: "part", part: STACK, branch: "cond" },
              },
            ],
    );
    await run(policy);
    for (const { index, scalars } of policy.outcomes) {
      if (index === 0) continue;
      deviations.push(scalars[0] ?? 0);
      expect(scalars[1]).toBe(0);
    }
    expect(deviations.every((deviation) => deviation > 0 && deviation < 2)).toBe(true);
  });
});

describe("modules", () => {
  const CROSS: ModulesPart = { kind: "modules", modules: ["cross_attn"], from: 0, to: 8 };
  const FIRST_FF: ModulesPart = { kind: "modules", modules: ["ff"], from: 0, to: 3 };
  const reusing =
    (...parts: readonly ModulesPart[]) =>
    (branch: Branch) =>
      ({
        kind: "modules",
        reuse: parts.map((part) => ({ part, prediction: newest(part, branch) })),
      }) as const;
  const both = (of: (branch: Branch) => BranchPlan): StepPlan => ({
    kind: "run",
    branches: { cond: of("cond"), uncond: of("uncond") },
  });
  /** How often a step computed a module: its graphs less those that apply what it gave. */
  const computed = (result: DenoiseResult, step: number, module: string) =>
    (result.steps[step]?.branches ?? [])
      .flatMap(({ graphs }) => graphs)
      .filter(({ id, flops }) => id.startsWith(`${module}_`) && flops > 0).length;

  it("are skipped, and the finer partition alone changes the result by rounding only", async () => {
    const keep = [{ part: ATTENTION, depth: 1 }];
    const full = await run(scripted({ keep }, () => FULL));
    expect(largestDifference(full.latents, uncached.latents)).toBeLessThan(1e-4);
    const cached = await run(scripted({ keep }, (index) => (index === 2 ? both(reusing(ATTENTION)) : FULL)));
    expect(share(cached, 2)).toBeLessThan(0.75);
    expect(share(cached, 2)).toBeGreaterThan(0.5);
  });

  it("of several lists are reused in one step, each with its own range and prediction", async () => {
    const keep = [ATTENTION, CROSS, FIRST_FF].map((part) => ({ part, depth: 1 }));
    const cached = await run(
      scripted({ keep }, (index) => (index === 2 ? both(reusing(CROSS, FIRST_FF)) : FULL)),
    );
    const counts = ["self_attn", "cross_attn", "ff"].map((module) => computed(cached, 2, module));
    expect(counts).toEqual([16, 0, 10]);
    expect(largestDifference(cached.latents, uncached.latents)).toBeGreaterThan(0);
  });

  it("that are reused exactly as they were computed change nothing", async () => {
    const keep = [ATTENTION, CROSS].map((part) => ({ part, depth: 1 }));
    const twice = (part: ModulesPart, branch: Branch) => ({
      part,
      prediction: {
        terms: [0.25, 0.75].map((coefficient) => ({ part, branch, age: 0, coefficient })),
      },
    });
    const whole = await run(scripted({ keep }, (i) => (i === 2 ? both(reusing(ATTENTION, CROSS)) : FULL)));
    const split = await run(
      scripted({ keep }, (i) =>
        i === 2
          ? both((branch) => ({
              kind: "modules",
              reuse: [twice(ATTENTION, branch), twice(CROSS, branch)],
            }))
          : FULL,
      ),
    );
    expect(largestDifference(split.latents, whole.latents)).toBeLessThan(1e-5);
  });

  it("are refreshed by steps that reuse others only where the policy asks for it", async () => {
    const parts = (policy: { outcomes: StepOutcome[] }) =>
      (policy.outcomes[2]?.refreshed ?? []).map(({ part, branch }) => [
        part.kind === "modules" ? part.modules[0] : part.kind,
        branch,
      ]);
    const plan = (index: number) => (index === 2 ? both(reusing(CROSS)) : FULL);
    const keeping = (refresh: "full" | "computed") =>
      scripted({ keep: [ATTENTION, CROSS, DELTA].map((part) => ({ part, depth: 1, refresh })) }, plan);
    const strict = keeping("full");
    await run(strict);
    expect(parts(strict)).toEqual([]);
    const loose = keeping("computed");
    await run(loose);
    expect(parts(loose)).toEqual([
      ["self_attn", "cond"],
      ["self_attn", "uncond"],
      ["guidance_delta", "uncond"],
    ]);
  });

  it("are kept of some branches only where the policy says so", async () => {
    const keep = [{ part: ATTENTION, depth: 1, branches: ["cond"] as const }];
    const policy = scripted({ keep }, () => FULL);
    const { cacheBytesPeak } = await run(policy);
    expect(policy.outcomes[1]?.refreshed).toEqual([{ part: ATTENTION, branch: "cond" }]);
    const both = await run(scripted({ keep: [{ part: ATTENTION, depth: 1 }] }, () => FULL));
    expect(both.cacheBytesPeak).toBe(2 * cacheBytesPeak);
  });

  it("are taken back where a probe went further than the first of them, and nothing leaks", async () => {
    const before = backend.bytesHeld();
    const keep = [{ part: FIRST_FF, depth: 1 }];
    const plain = await run(scripted({ keep }, (i) => (i === 2 ? both(reusing(FIRST_FF)) : FULL)));
    const probed = await run(
      scripted({ keep }, (i) =>
        i === 2
          ? { kind: "probe", branch: "cond", cut: 5, measure: [], decide: () => both(reusing(FIRST_FF)) }
          : FULL,
      ),
    );
    expect(identical(probed.latents, plain.latents)).toBe(true);
    expect(backend.bytesHeld()).toBe(before);
  });
});

describe("bands", () => {
  it("of the guidance difference together are the difference, and each alone is something else", async () => {
    const reuse = (bands: readonly { band?: "low" | "high"; coefficient: number }[]) =>
      scripted({ keep: [{ part: DELTA, depth: 1 }] }, (index) =>
        index === 2
          ? {
              kind: "run",
              branches: {
                cond: { kind: "full" },
                uncond: {
                  kind: "reuse",
                  part: DELTA,
                  prediction: {
                    terms: bands.map((band) => ({ part: DELTA, branch: "uncond", age: 0, ...band })),
                  },
                },
              },
            }
          : FULL,
      );
    const [low, high] = [
      { band: "low", coefficient: 1 },
      { band: "high", coefficient: 1 },
    ] as const;
    const whole = (await run(reuse([{ coefficient: 1 }]))).latents;
    const sum = (await run(reuse([low, high]))).latents;
    expect(largestDifference(sum, whole)).toBeLessThan(1e-5);
    for (const alone of [low, high]) {
      expect(largestDifference((await run(reuse([alone]))).latents, whole)).toBeGreaterThan(1e-3);
    }
  });
});

describe("interference", () => {
  it("nothing approximated refreshes a cache", async () => {
    const keep = [
      { part: STACK, depth: 1 },
      { part: MIDDLE, depth: 1 },
      { part: { kind: "blocks", from: 0, to: 2 } as const, depth: 1 },
      { part: { kind: "output" } as const, depth: 1 },
      { part: { kind: "guidance_delta" } as const, depth: 1 },
      { part: { kind: "input" } as const, depth: 1 },
    ];
    const policy = scripted({ keep }, (index) =>
      index === 2
        ? {
            kind: "run",
            branches: {
              cond: { kind: "reuse", part: MIDDLE, prediction: newest(MIDDLE, "cond") },
              uncond: { kind: "full" },
            },
          }
        : FULL,
    );
    await run(policy);
    const names = (index: number) =>
      (policy.outcomes[index]?.refreshed ?? []).map(
        ({ part, branch }) => `${branch} ${part.kind}${"from" in part ? part.from : ""}`,
      );
    expect(names(1)).toHaveLength(11);
    // Of the branch that was approximated nothing is kept, and no difference with it; the other ran in full.
    expect(names(2).sort()).toEqual(
      ["uncond stack", "uncond blocks2", "uncond blocks0", "uncond output", "uncond input"].sort(),
    );
  });

  it("a run holds nothing once it is over, whatever it kept", async () => {
    const before = backend.bytesHeld();
    await run(
      scripted(
        {
          keep: [
            { part: STACK, depth: 2 },
            { part: ATTENTION, depth: 2 },
          ],
          cuts: [0, 4],
          signals: ["modulated_input"],
        },
        reuseAtStep2(STACK),
      ),
    );
    expect(backend.bytesHeld()).toBe(before);
  });
});

describe("requirements are checked before the run", () => {
  it.each([
    ["a cut", { cuts: [99] }, /a cut after block 99/],
    ["a signal", { signals: ["nothing"] }, /the signal nothing/],
    [
      "a module",
      { keep: [{ part: { kind: "modules", modules: ["conv"], from: 0, to: 8 }, depth: 1 }] },
      /the module conv/,
    ],
  ] as [string, Partial<CachePolicy["requires"]>, RegExp][])(
    "%s that the bundle lacks is named",
    async (_, requires, sentence) => {
      await expect(run(scripted(requires, () => FULL))).rejects.toMatchObject({
        code: "bundle_unsupported",
        message: expect.stringMatching(sentence),
      });
    },
  );

  it("reusing what was never kept is an error, not a guess", async () => {
    const plan = reuseAtStep2({ kind: "output" });
    await expect(run(scripted({}, plan))).rejects.toThrow(/not kept/);
  });
});

describe("a correction", () => {
  it("moves the latents by another velocity, and the cache keeps what the model computed", async () => {
    const output: Part = { kind: "output" };
    const input: Part = { kind: "input" };
    const policy: CachePolicy = {
      name: "scripted",
      requires: {
        keep: [
          { part: output, depth: 1 },
          { part: input, depth: 1 },
        ],
        signals: [],
        cuts: [],
      },
      start: ({ denoisers }) => ({
        plan: () => FULL,
        measureAfter: () => [],
        observe: () => undefined,
        event: () => {},
        // The guided velocity, written as a prediction from what this very step has kept.
        correct: () => {
          const scale = denoisers[0]?.guidanceScale ?? 1;
          return {
            terms: [
              { part: output, branch: "cond", age: 0, coefficient: scale },
              { part: output, branch: "uncond", age: 0, coefficient: 1 - scale },
              { part: input, branch: "cond", age: 0, coefficient: 0.5 },
            ],
            latents: -0.5,
          };
        },
      }),
    };
    const corrected = await run(policy);
    expect(largestDifference(corrected.latents, uncached.latents)).toBeLessThan(1e-4);
    expect(largestDifference(corrected.latents, uncached.latents)).toBeGreaterThan(0);
  });
});

describe("a perturbation", () => {
  it.each<Part & { kind: "output" | "guidance_delta" | "stack" | "blocks" }>([
    { kind: "output" },
    { kind: "guidance_delta" },
    { kind: "stack" },
    { kind: "blocks", from: 2, to: 6 },
  ])("of $kind changes the video, more if it is larger, and refreshes nothing", async (part) => {
    const disturbed = async (ratio: number) => {
      const policy = scripted({ keep: [{ part: { kind: "output" }, depth: 1 }] }, (index) => {
        if (index !== 2) return FULL;
        const plan = { kind: "perturbed", part, ratio, seed: 5 } as const;
        const cond = part.kind === "guidance_delta" ? ({ kind: "full" } as const) : plan;
        return { kind: "run", branches: { cond, uncond: plan } };
      });
      const { latents } = await run(policy);
      expect(policy.outcomes[2]?.refreshed.filter(({ branch }) => branch === "uncond")).toEqual([]);
      return largestDifference(latents, uncached.latents);
    };
    // before + (after − before) is rounded, no more.
    expect(await disturbed(0)).toBeLessThan(1e-4);
    const small = await disturbed(0.01);
    expect(small).toBeGreaterThan(0);
    expect(await disturbed(0.1)).toBeGreaterThan(2 * small);
  });
});
