/**
 * Live decisions on two backends: every policy, the same request on both, compared by the margin rule. Where a
 * threshold can be laid between what the two measured, it is: they have to part there, and the margin has to say so.
 */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestSchema } from "../../src/engine/bundle/manifest.ts";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { replay } from "../../src/engine/cache/replay.ts";
import type { CacheRequest } from "../../src/engine/cache/request.ts";
import type { SegmentBackend } from "../../src/engine/segments/contract.ts";
import { type LiveRun, liveRun } from "./live-runs.ts";
import { compareRuns } from "./margin-rule.ts";
import { openParity, paritySettings } from "./parity.ts";
import type { OpenBackend } from "./parity-suite.ts";
import { decisionsOf, livePolicy } from "./policies.ts";

/** Two live runs of one request. */
export type Pair = readonly [LiveRun, LiveRun];

export interface DecisionCase {
  readonly name: string;
  readonly cache: CacheRequest;
  /** See `compareRuns`. */
  readonly factors?: number;
  /** Whether the policy reuses modules, which not every bundle has. */
  readonly modules?: true;
  /** The request whose threshold lies between what the two runs measured, nearest to where it was. */
  readonly between?: (pair: Pair) => CacheRequest;
}

/** δ1 of `mixcache/interval.ts`, in units of the warm-up's median deviation. */
const LOWER = 0.75;

/** A threshold that decides by a value which the trace names so, alone or after a branch. */
function byThreshold(
  cache: CacheRequest & { threshold: number },
  name: string,
): Pick<DecisionCase, "cache" | "between"> {
  const { threshold } = cache;
  return {
    cache,
    between: ([a, b]) => {
      const values = a.steps.flatMap(({ decision }, step) =>
        Object.entries(decision?.values ?? {})
          .filter(([key]) => key === name || key.endsWith(`_${name}`))
          .map(([key, value]) => [value, b.steps[step]?.decision?.values?.[key] ?? Number.NaN] as const),
      );
      // The nearest: a threshold that goes there changes no other decision.
      const [nearest] = values.toSorted(([x], [y]) => Math.abs(x - threshold) - Math.abs(y - threshold));
      return { ...cache, threshold: middle(nearest) };
    },
  };
}

/** MixCache's κ: the first deviation that is held against its warm-up's lies just between two intervals. */
function byQuality(cache: CacheRequest): Pick<DecisionCase, "cache" | "between"> {
  return {
    cache,
    between: ([a, b]) => {
      const denoisers = [...new Set(a.steps.map(({ denoiser }) => denoiser))];
      const edges = denoisers.map((id): [number, number] => [firstQuality(a, id), firstQuality(b, id)]);
      // The last expert's: what one learns in its last step changes nothing any more.
      return { ...cache, quality: middle(edges.findLast(([edge]) => Number.isFinite(edge))) };
    },
  };
}

/** The κ at which a denoiser's first full step after cached ones is just where its interval begins to grow. */
function firstQuality({ steps }: LiveRun, denoiser: string): number {
  const served = steps.filter((step) => step.denoiser === denoiser);
  const isFull = ({ decision }: LiveRun["steps"][number]) => decision?.mode === "full";
  const opened = served.findIndex((step) => !isFull(step));
  const found = (of: LiveRun["steps"]) => of.flatMap((step) => (isFull(step) ? (step.deviation ?? []) : []));
  const warmUp = found(served.slice(0, opened)).toSorted((x, y) => x - y);
  const [first = Number.NaN] = found(served.slice(opened));
  const half = warmUp.length >> 1;
  const upper = warmUp[half] ?? Number.NaN;
  const median = warmUp.length % 2 === 1 ? upper : ((warmUp[half - 1] ?? Number.NaN) + upper) / 2;
  return first / (LOWER * median);
}

function middle([a, b]: readonly [number, number] = [Number.NaN, Number.NaN]): number {
  if (!(Math.abs(a - b) > 0)) throw new Error(`no threshold lies between ${a} and ${b}`);
  return (a + b) / 2;
}

/** Every policy that decides while it runs, and those with a fixed pattern on modules. */
export const DECISION_CASES: readonly DecisionCase[] = [
  { name: "mixcache at a speed", cache: { policy: "mixcache", speed: 2 } },
  { name: "mixcache without a profile", cache: { policy: "mixcache", speed: 2, calibrated: false } },
  { name: "mixcache by velocity", cache: { policy: "mixcache", speed: 1.8, predictor: "velocity" } },
  { name: "mixcache by quality", ...byQuality({ policy: "mixcache", quality: 1.5, calibrated: false }) },
  { name: "teacache", ...byThreshold({ policy: "teacache", threshold: 0.15 }, "sum") },
  // Its rate is the quotient of two scalars, and what it adds up that times the quotient of two more.
  { name: "easycache", factors: 4, ...byThreshold({ policy: "easycache", threshold: 0.8 }, "sum") },
  { name: "magcache", cache: { policy: "magcache" } },
  { name: "fbcache", ...byThreshold({ policy: "fbcache", threshold: 0.6 }, "difference") },
  { name: "dbcache", ...byThreshold({ policy: "dbcache", threshold: 0.6, taylor: 1 }, "difference") },
  { name: "dicache", ...byThreshold({ policy: "dicache", threshold: 0.5 }, "sum") },
  {
    name: "teacache with mixcache's predictor",
    ...byThreshold({ policy: "teacache", threshold: 0.15, predictor: "mixcache" }, "sum"),
  },
  { name: "taylorseer", cache: { policy: "taylorseer" }, modules: true },
  { name: "fastercache", cache: { policy: "fastercache" }, modules: true },
  { name: "pab", cache: { policy: "pab" }, modules: true },
];

/** Opens a fixture on two backends; `run` makes the first run's video on both, each by its own request. */
export function openPair(name: string, open: readonly [OpenBackend, OpenBackend]) {
  const { about, files, open: openBundle } = openParity(name);
  const [firstRun] = about.runs;
  if (!firstRun) throw new Error(`${name} has no run`);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(files.pathOf("model.json"), "utf8")));
  const hasModules = manifest.denoisers.every(({ modules }) => modules.length > 0);
  let bundle: Bundle;
  let backends: readonly SegmentBackend[] = [];

  beforeAll(async () => {
    bundle = await openBundle();
    backends = await Promise.all(open.map((one) => one(bundle, files)));
  });
  afterAll(async () => {
    for (const backend of backends) await backend.dispose();
  });

  return {
    /** What the bundle can do. */
    cases: DECISION_CASES.filter(({ modules }) => !modules || hasModules),
    run: async (...caches: readonly [CacheRequest, CacheRequest]): Promise<Pair> => {
      const settings = paritySettings(bundle, about, firstRun);
      const request = { settings, prompt: about.prompt, negativePrompt: about.negative_prompt };
      const made: LiveRun[] = [];
      for (const [place, cache] of caches.entries()) {
        const backend = backends[place];
        if (!backend) throw new Error("the backends are not open");
        const run = await liveRun(bundle, backend, livePolicy(bundle, settings, cache), request);
        // What was recorded on either backend replays to the same bytes.
        const recorded = JSON.parse(JSON.stringify(run.steps));
        const replayed = replay(livePolicy(bundle, settings, cache), run.info, recorded);
        expect(decisionsOf(replayed)).toBe(decisionsOf(run.steps));
        made.push(run);
      }
      const [a, b] = made;
      if (!a || !b) throw new Error("two backends are compared");
      return [a, b];
    },
  };
}

/** Describes one fixture's decisions on two backends. */
export function describeDecisions(name: string, open: readonly [OpenBackend, OpenBackend]): void {
  const pair = openPair(name, open);

  describe.each(pair.cases)("$name", ({ cache, factors = 1, between }) => {
    let made: Promise<Pair> | undefined;
    const run = () => {
      made ??= pair.run(cache, cache);
      return made;
    };

    it("decides the same on both backends, or parts within the margin rule", async () => {
      const [a, b] = await run();
      compareRuns(a, b, factors);
      expect(a.steps.some(({ flops, fullFlops }) => flops < fullFlops)).toBe(true);
    });

    if (!between) return;
    it("parts where a threshold lies between what the two measured", async () => {
      const moved = between(await run());
      const [a, b] = await pair.run(moved, moved);
      const { parted } = compareRuns(a, b, factors);
      expect(parted).toBeDefined();
    });
  });
}
