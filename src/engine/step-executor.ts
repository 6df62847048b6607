/** Carries out a policy's plans: runs, replaces, measures, keeps. */

import { MixcacheError } from "../errors.ts";
import { BranchRun, type InnerPart } from "./branch-run.ts";
import { flopsOf } from "./bundle/flops.ts";
import type {
  Branch,
  BranchPlan,
  Part,
  PolicyRequirements,
  PolicyRun,
  StepInfo,
  StepPlan,
} from "./cache/contract.ts";
import { KeptResults } from "./cache/kept.ts";
import { tokenCounts } from "./cuts.ts";
import type { Serving } from "./denoisers.ts";
import { guide } from "./host-math.ts";
import type { Inputs } from "./inputs.ts";
import { Measurements } from "./measurements.ts";
import type { RunHooks } from "./progress.ts";
import type { SegmentBackend } from "./segments/contract.ts";
import type { Settings } from "./settings.ts";
import { type BranchTrace, type GraphTrace, sumFlops } from "./trace.ts";

export interface StepResult {
  /** The guided prediction. */
  readonly velocity: Float32Array;
  readonly branches: readonly BranchTrace[];
  readonly flops: number;
  readonly fullFlops: number;
}

type RunPlan = Extract<StepPlan, { kind: "run" }>;

export class StepExecutor {
  readonly #backend: SegmentBackend;
  readonly #settings: Settings;
  readonly #inputs: Inputs;
  readonly #requires: PolicyRequirements;
  readonly #hooks: RunHooks;
  readonly #kept: KeptResults;
  readonly #measurements: Measurements;
  /** Of the denoiser that serves the step. */
  #branches: readonly Branch[] = [];

  constructor(
    backend: SegmentBackend,
    settings: Settings,
    inputs: Inputs,
    requires: PolicyRequirements,
    hooks: RunHooks,
  ) {
    this.#backend = backend;
    this.#settings = settings;
    this.#inputs = inputs;
    this.#requires = requires;
    this.#hooks = hooks;
    this.#kept = new KeptResults(backend);
    this.#measurements = new Measurements(backend, this.#kept, requires);
  }

  /** One step, from the latents to the guided prediction. */
  async step(
    { manifest: denoiser, info: serving }: Serving,
    policy: PolicyRun,
    info: StepInfo,
    timestep: number,
    latents: Float32Array,
  ): Promise<StepResult> {
    this.#branches = serving.branches;
    const values = await this.#inputs.ofStep(denoiser, { sigma: info.sigma, timestep }, latents);
    const graphs = new Map<Branch, GraphTrace[]>(this.#branches.map((branch) => [branch, []]));
    const runs = new Map<Branch, BranchRun>();
    let fullFlops = 0;
    try {
      for (const branch of this.#branches) {
        const ofRun = await this.#inputs.ofRun(denoiser, branch);
        const sizes = tokenCounts(denoiser, this.#settings.shape.tokens, ofRun);
        fullFlops += denoiser.segments.reduce((sum, { flops }) => sum + flopsOf(flops, sizes), 0);
        const wanted = this.#requires.keep.map(({ part }) => part).filter(isInner);
        const onGraph = (graph: GraphTrace) => {
          graphs.get(branch)?.push(graph);
          this.#report(info.index, [...graphs.values()].flat(), fullFlops);
        };
        const options = {
          backend: this.#backend,
          denoiser,
          values: { ...values, ...ofRun },
          sizes,
          wanted,
          onGraph,
        };
        runs.set(branch, new BranchRun({ ...options, signal: this.#hooks.signal }));
      }
      this.#measurements.begin(denoiser, latents, runs);
      const plan = await this.#decide(policy.plan(info), runs);
      const outputs = await this.#carryOut(plan, runs, latents);
      this.#measurements.outputs(outputs.exact);
      const scalars = await this.#measurements.take(policy.measureAfter(info, plan.branches));
      const refreshed = await this.#refresh(plan, outputs.exact, runs, latents);
      await this.#measurements.end();
      policy.observe({ index: info.index, branches: plan.branches, refreshed, scalars });
      const { cond, uncond } = outputs.all;
      if (!cond) throw new MixcacheError("engine_failed", "The plan leaves out the conditional branch.");
      const branches = this.#branches.map((branch) => ({
        branch,
        plan: plan.branches[branch]?.kind ?? "full",
        graphs: graphs.get(branch) ?? [],
      }));
      const flops = sumFlops([...graphs.values()].flat());
      return {
        velocity: uncond ? guide(cond, uncond, serving.guidanceScale) : cond,
        branches,
        flops,
        fullFlops,
      };
    } finally {
      for (const run of runs.values()) run.release();
      this.#backend.release(values);
    }
  }

  /** Drops every kept result, as another expert's say nothing about this one. */
  forget(): void {
    this.#kept.clear();
    this.#measurements.clear();
  }

  async #decide(first: StepPlan, runs: ReadonlyMap<Branch, BranchRun>): Promise<RunPlan> {
    let plan = first;
    while (plan.kind === "probe") {
      if (plan.cut !== undefined) await runs.get(plan.branch)?.advanceTo(plan.cut);
      plan = plan.decide(await this.#measurements.take(plan.measure));
    }
    return plan;
  }

  /** Runs every branch as planned; the conditional one first, since the other may be made of it. */
  async #carryOut({ branches }: RunPlan, runs: ReadonlyMap<Branch, BranchRun>, latents: Float32Array) {
    const all: Partial<Record<Branch, Float32Array>> = {};
    const exact: Partial<Record<Branch, Float32Array>> = {};
    for (const branch of this.#branches) {
      const run = runs.get(branch);
      const plan: BranchPlan = branches[branch] ?? { kind: "full" };
      if (!run) continue;
      if (plan.kind === "full") {
        all[branch] = await run.finish();
        exact[branch] = all[branch];
      } else if (isInner(plan.part)) {
        const predicted = await this.#measurements.predictState(plan.prediction);
        try {
          await run.replace(plan.part, predicted);
        } finally {
          this.#backend.release(predicted);
        }
        all[branch] = await run.finish();
      } else {
        all[branch] = this.#measurements.predictHost(plan.part, plan.prediction, all.cond, latents);
      }
    }
    return { all, exact };
  }

  /** Keeps the results of the branches that ran in full: nothing approximated ever refreshes a cache. */
  async #refresh(
    { branches }: RunPlan,
    exact: Partial<Record<Branch, Float32Array>>,
    runs: ReadonlyMap<Branch, BranchRun>,
    latents: Float32Array,
  ) {
    const refreshed: { part: Part; branch: Branch }[] = [];
    for (const { part, depth } of this.#requires.keep) {
      for (const branch of this.#branches) {
        if ((branches[branch]?.kind ?? "full") !== "full") continue;
        const result = isInner(part)
          ? await runs.get(branch)?.resultOf(part)
          : this.#measurements.hostResult(part, branch, exact, latents);
        if (!result) continue;
        this.#kept.keep(part, branch, result, depth);
        refreshed.push({ part, branch });
      }
    }
    return refreshed;
  }

  #report(step: number, graphs: readonly GraphTrace[], fullFlops: number): void {
    const { steps } = this.#settings;
    const part = Math.min(1, sumFlops(graphs) / fullFlops);
    this.#hooks.onProgress?.({ phase: "denoise", step, steps, fraction: (step + part) / steps });
  }
}

function isInner(part: Part): part is InnerPart {
  return part.kind === "stack" || part.kind === "blocks" || part.kind === "modules";
}
