/**
 * Turns each policy's dial until it gives the speedups asked for, in computed FLOPs on the tuning prompts. Nothing else
 * decides, so it is deterministic and blind to quality. Every policy gets the same number of trials.
 */

import { isDeepStrictEqual } from "node:util";
import { policyNamed } from "../engine/cache/policies.ts";
import { invalid } from "../errors.ts";
import { collect } from "./cells.ts";
import { SPEED_TOLERANCE } from "./comparisons.ts";
import {
  CONTESTANTS_FORMAT,
  type Contestant,
  type ContestantsFile,
  fewerSteps,
  STEP_REDUCTION,
} from "./contestants.ts";
import { nearest, nextDial, type Tried } from "./search.ts";
import { runExperiment, type SessionOptions } from "./session.ts";
import { tableOf } from "./table.ts";

export interface TuneOptions
  extends Omit<SessionOptions, "contestants" | "timed" | "shard" | "unreachable" | "trials"> {
  /** Policies with the options that stay as they are. */
  readonly bases: readonly Contestant[];
  /** Speedups in computed FLOPs. */
  readonly targets: readonly number[];
  /** Of each policy. */
  readonly trialsEach: number;
  /** After each trial. */
  readonly onTrial?: (label: string, speedup: number) => void;
}

/**
 * Finds the contestants. All trials are left in the store as one experiment, which shows each policy's whole curve.
 * @throws MixcacheError `invalid_argument` for a policy without a dial, and whatever `runExperiment` throws
 */
export async function tune(options: TuneOptions): Promise<ContestantsFile> {
  const { bases, targets } = options;
  const steps = options.base.num_inference_steps ?? (await options.engine.info()).manifest.default_steps;
  const found = { contestants: [] as Contestant[], unreachable: [] as ContestantsFile["unreachable"] };
  const tried: { base: Contestant; trials: Tried[] }[] = [];
  for (const base of bases) {
    if (base.family === STEP_REDUCTION) continue;
    const trials = await tryOut(options, base);
    tried.push({ base, trials });
    const picks = targets.map((target) => {
      const best = nearest(trials, target);
      return { target, best, met: Math.abs(best.speedup / target - 1) <= SPEED_TOLERANCE };
    });
    // Those that meet their target first: a setting that is also the nearest to another takes part once.
    for (const { target, best, met } of picks.toSorted((a, b) => Number(b.met) - Number(a.met))) {
      const who = {
        ...turned(base, best.dial),
        label: `${base.label} ${short(met ? target : best.speedup)}×`,
      };
      if (!found.contestants.some(({ cache }) => isDeepStrictEqual(cache, who.cache)))
        found.contestants.push(met ? { ...who, target } : who);
      if (!met)
        found.unreachable.push({ family: base.label, target, nearest: best.speedup, range: rangeOf(trials) });
    }
  }
  const reduced = bases.some(({ family }) => family === STEP_REDUCTION);
  if (reduced) found.contestants.push(...targets.map((target) => fewerSteps(steps, target)));
  const all = tried.flatMap(({ base, trials }) => trials.map(({ dial }) => turned(base, dial)));
  await runExperiment({ ...options, contestants: all, timed: false });
  const trials = tried.flatMap(({ base, trials }) =>
    trials.map((trial) => ({ family: base.label, ...trial })),
  );
  return { format: CONTESTANTS_FORMAT, ...found, trials };
}

async function tryOut(options: TuneOptions, base: Contestant): Promise<Tried[]> {
  const { targets, trialsEach, store, onTrial } = options;
  const dial = dialOf(base);
  const tried: Tried[] = [];
  while (tried.length < trialsEach) {
    const value = nextDial(dial, targets, tried);
    if (value === undefined) break;
    const who = turned(base, value);
    const { plan } = await runExperiment({ ...options, contestants: [who], timed: false });
    const row = tableOf(plan, await collect(plan, store)).find(({ label }) => label === who.label);
    if (!row) throw new Error(`The trial ${who.label} left no result.`);
    tried.push({ dial: value, speedup: row.speed.computed });
    onTrial?.(who.label, row.speed.computed);
  }
  return tried;
}

function dialOf({ label, cache }: Contestant) {
  const { dial } = policyNamed(cache.policy);
  return dial ?? invalid("policies", `${label} has no dial to turn. Give it to mixcache bench as it is.`);
}

/** The policy with its dial at a value. Its options as given are its family: each has a curve of its own. */
function turned(base: Contestant, value: number): Contestant {
  const { option } = dialOf(base);
  return {
    label: `${base.label} ${option}=${value}`,
    family: base.label,
    cache: { ...base.cache, [option]: value },
  };
}

function rangeOf(trials: readonly Tried[]): [number, number] {
  const speedups = trials.map(({ speedup }) => speedup);
  return [Math.min(...speedups), Math.max(...speedups)];
}

function short(speedup: number): string {
  return String(Number(speedup.toFixed(2)));
}
