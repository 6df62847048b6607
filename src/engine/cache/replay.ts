/** Decisions without a model: a recorded run's scalars, given to its policy once more. */

import { invalid } from "../../errors.ts";
import type { StepTrace } from "../trace.ts";
import type {
  Branch,
  BranchPlan,
  CachePolicy,
  Decision,
  DenoiserInfo,
  Keep,
  Measurement,
  ModulesPart,
  PolicyRequirements,
  RunInfo,
  StepOutcome,
} from "./contract.ts";

/** What a policy says of one step. */
export interface Replayed {
  readonly branches: StepOutcome["branches"];
  readonly decision?: Decision;
  readonly deviation?: number;
}

/**
 * Runs a policy on recorded scalars. The same policy with the same options and the same run gives the decisions of
 * the recording, byte for byte once they are written as JSON.
 * @param recorded one entry for each step of the run, as in `RunTrace.steps`
 * @throws MixcacheError `invalid_argument` where the policy wants more or fewer scalars than were recorded: it is not
 * the policy, or not the run, of the recording.
 */
export function replay(
  policy: CachePolicy,
  run: RunInfo,
  recorded: readonly Pick<StepTrace, "scalars">[],
): readonly Replayed[] {
  if (recorded.length !== run.steps) {
    invalid(
      "trace",
      `The trace has ${recorded.length} steps and the run ${run.steps}. Replay the run it is of.`,
    );
  }
  const policyRun = policy.start(run);
  return run.denoisers.flatMap((denoiser, place) => {
    const [from, to] = denoiser.steps;
    const before = run.denoisers[place - 1];
    if (before) policyRun.event({ kind: "denoiser_switch", step: from, from: before.id, to: denoiser.id });
    return recorded.slice(from, to).map(({ scalars }, offset) => {
      const index = from + offset;
      const info = {
        index,
        sigma: run.sigmas[index] ?? 0,
        sigmaNext: run.sigmas[index + 1] ?? 0,
        denoiser: denoiser.id,
      };
      const reader = new Scalars(scalars, index);
      let plan = policyRun.plan(info);
      while (plan.kind === "probe") plan = plan.decide(reader.take(plan.measure));
      const { branches, decision } = plan;
      const after = reader.take(policyRun.measureAfter(info, branches));
      reader.finish();
      const refreshed = refreshedBy(policy.requires, denoiser, branches);
      const deviation = policyRun.observe({ index, branches, refreshed, scalars: after });
      policyRun.correct?.(info);
      return { branches, ...(decision && { decision }), ...(deviation !== undefined && { deviation }) };
    });
  });
}

/** The scalars of one step, in the order in which they were asked for. */
class Scalars {
  readonly #scalars: readonly number[];
  readonly #step: number;
  #next = 0;

  constructor(scalars: readonly number[], step: number) {
    this.#scalars = scalars;
    this.#step = step;
  }

  take(measurements: readonly Measurement[]): readonly number[] {
    const taken = this.#scalars.slice(this.#next, this.#next + measurements.length);
    if (taken.length < measurements.length) this.#refuse("more");
    this.#next += taken.length;
    // JSON writes what is no finite number as null.
    return taken.map((scalar: number | null) => scalar ?? Number.NaN);
  }

  finish(): void {
    if (this.#next < this.#scalars.length) this.#refuse("fewer");
  }

  #refuse(how: "more" | "fewer"): never {
    invalid(
      "trace",
      `At step ${this.#step} the policy asks for ${how} scalars than the trace has. Replay with the policy, the options and the run of the recording.`,
    );
  }
}

/** What the denoising loop keeps of a step with these plans: the interference rule. */
function refreshedBy(
  { keep }: PolicyRequirements,
  denoiser: DenoiserInfo,
  plans: StepOutcome["branches"],
): StepOutcome["refreshed"] {
  return keep.flatMap((entry) => {
    const { part, branches = denoiser.branches } = entry;
    const ran = (branch: Branch) =>
      denoiser.branches.includes(branch) && refreshes(entry, plans[branch] ?? { kind: "full" });
    return branches
      .filter(ran)
      .filter((branch) => part.kind !== "guidance_delta" || (branch === "uncond" && ran("cond")))
      .map((branch) => ({ part, branch }));
  });
}

function refreshes({ part, refresh }: Keep, plan: BranchPlan): boolean {
  if (plan.kind !== "modules") return plan.kind === "full";
  return (
    refresh === "computed" &&
    (part.kind !== "modules" || !plan.reuse.some((reused) => overlap(part, reused.part)))
  );
}

function overlap(a: ModulesPart, b: ModulesPart): boolean {
  return a.from < b.to && b.from < a.to && a.modules.some((module) => b.modules.includes(module));
}
