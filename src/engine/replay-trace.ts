/** Are the decisions of a trace those that its policy takes on its scalars? */

import { MixcacheError } from "../errors.ts";
import type { Bundle } from "./bundle/read.ts";
import { createPolicy } from "./cache/policies.ts";
import type { FoundProfile } from "./cache/profile.ts";
import { recordedRun } from "./cache/recorded-run.ts";
import { type Replayed, replay } from "./cache/replay.ts";
import { resolveSettings } from "./settings.ts";
import { stepMode } from "./trace.ts";
import { requestOfTrace } from "./trace-file.ts";
import { valuesOf, writable } from "./trace-record.ts";
import type { TraceFile } from "./trace-schema.ts";

/** Where a replay leaves its recording. */
export interface Parting {
  readonly step: number;
  /** What differs: mode, values, margin, deviation or a branch's plan. */
  readonly what: string;
  readonly recorded: unknown;
  readonly replayed: unknown;
}

/**
 * Replays a trace without its model: policy, options, run and scalars are the file's.
 * @returns where the two part first, or undefined where they are identical
 * @throws MixcacheError `invalid_argument` where the policy asks for other scalars than the file has, or bundle or
 * profile are not the recording's
 */
export function replayTrace(
  file: TraceFile,
  { manifest }: Pick<Bundle, "manifest">,
  found?: Pick<FoundProfile, "profile">,
): Parting | undefined {
  const settings = resolveSettings(manifest, requestOfTrace(file));
  const policy = createPolicy(settings.cache, { manifest, settings, profile: found?.profile });
  const { denoisers, ...run } = file.run;
  const info = recordedRun({
    ...run,
    denoisers: denoisers.map(({ guidance_scale, ...denoiser }) => ({
      ...denoiser,
      guidanceScale: guidance_scale,
    })),
  });
  // `replay` reads null as what it stands for.
  const steps = file.steps.map(({ scalars }) => ({ scalars: scalars.map((scalar) => scalar ?? Number.NaN) }));
  const replayed = replay(policy, info, steps);
  for (const [index, recorded] of file.steps.entries()) {
    const made = replayed[index];
    if (!made) throw new MixcacheError("engine_failed", `Nothing was replayed of step ${index}.`);
    const parting = difference(recorded, made);
    if (parting) return { step: index, ...parting };
  }
  return undefined;
}

function difference(recorded: TraceFile["steps"][number], made: Replayed): Omit<Parting, "step"> | undefined {
  const branches = recorded.branches.map(({ branch }) => ({
    branch,
    plan: made.branches[branch]?.kind ?? ("full" as const),
  }));
  const again: Record<string, unknown> = {
    mode: stepMode({ ...made, branches }),
    values: valuesOf(made.decision?.values),
    margin: writable(made.decision?.margin),
    deviation: writable(made.deviation),
    plans: branches.map(({ branch, plan }) => `${branch} ${plan}`),
  };
  const before: Record<string, unknown> = {
    mode: recorded.mode,
    values: recorded.values,
    margin: recorded.margin,
    deviation: recorded.deviation,
    plans: recorded.branches.map(({ branch, plan }) => `${branch} ${plan}`),
  };
  const what = Object.keys(before).find((key) => JSON.stringify(before[key]) !== JSON.stringify(again[key]));
  return what === undefined ? undefined : { what, recorded: before[what], replayed: again[what] };
}
