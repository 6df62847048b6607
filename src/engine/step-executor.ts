/** Carries out a policy's plans: runs, replaces, measures, keeps. */

import { MixcacheError } from "../errors.ts";
import { Bands } from "./bands.ts";
import { BranchRun, isInner, type ResidualPart } from "./branch-run.ts";
import { flopsOf } from "./bundle/flops.ts";
import type {
  Branch,
  BranchPlan,
  Decision,
  Measurement,
  Part,
  Perturbed,
  PolicyRequirements,
  PolicyRun,
  StepInfo,
  StepPlan,
} from "./cache/contract.ts";
import { KeptResults } from "./cache/kept.ts";
import { tokenCounts } from "./cuts.ts";
import type { Serving } from "./denoisers.ts";
import { guide, linearCombination } from "./host-math.ts";
import type { Inputs } from "./inputs.ts";
import { Measurements } from "./measurements.ts";
import { perturbHost, perturbState } from "./perturb.ts";
import type { RunHooks } from "./progress.ts";
import type { SegmentBackend, State } from "./segments/contract.ts";
import type { Settings } from "./settings.ts";
import { type BranchTrace, type GraphTrace, sumFlops } from "./trace.ts";

export interface StepResult {
  /** The guided prediction. */
  readonly velocity: Float32Array;
  readonly branches: readonly BranchTrace[];
  readonly flops: number;
  readonly fullFlops: number;
  readonly decision?: Decision;
  readonly deviation?: number;
  readonly scalars: readonly number[];
  readonly policyMs: number;
}

/** What the branches gave. */
interface StepOutputs {
  readonly all: Partial<Record<Branch, Float32Array>>;
  /** Those of the model's own run, though some modules may have been reused. */
  readonly computed: Partial<Record<Branch, Float32Array>>;
  /** Those of runs in full. */
  readonly exact: Partial<Record<Branch, Float32Array>>;
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
  /** Predicted outputs that guidance mixes; of no use after their step, so that the next ones take their place. */
  readonly #predicted: Partial<Record<Branch, Float32Array>> = {};
  /** Of the denoiser that serves the step. */
  #branches: readonly Branch[] = [];
  /** What the policy has been told in this step, and the time that it and its wishes took. */
  #scalars: number[] = [];
  #policyMs = 0;

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
    const [, rows, columns] = settings.shape.latent;
    this.#measurements = new Measurements(backend, this.#kept, requires, new Bands(rows, columns));
  }

  /** The most bytes of kept results at one time. */
  get cacheBytesPeak(): number {
    return this.#kept.bytesPeak;
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
    this.#scalars = [];
    this.#policyMs = 0;
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
      const plan = await this.#decide(policy, info, runs);
      const outputs = await this.#carryOut(plan, runs, latents);
      const after = await this.#after(policy, info, plan, outputs, runs, latents);
      const { cond, uncond } = outputs.all;
      if (!cond) throw new MixcacheError("engine_failed", "The plan leaves out the conditional branch.");
      const branches = this.#branches.map((branch) => ({
        branch,
        plan: plan.branches[branch]?.kind ?? "full",
        graphs: graphs.get(branch) ?? [],
      }));
      return {
        velocity: after.velocity ?? (uncond ? guide(cond, uncond, serving.guidanceScale) : cond),
        branches,
        flops: sumFlops([...graphs.values()].flat()),
        fullFlops,
        ...(plan.decision && { decision: plan.decision }),
        ...(after.deviation !== undefined && { deviation: after.deviation }),
        scalars: this.#scalars,
        policyMs: this.#policyMs,
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

  /** The final plan; what a probe runs is the model's time, what it measures is the policy's. */
  async #decide(policy: PolicyRun, info: StepInfo, runs: ReadonlyMap<Branch, BranchRun>): Promise<RunPlan> {
    let plan = await this.#policyTime(() => policy.plan(info));
    while (plan.kind === "probe") {
      const probe = plan;
      if (probe.cut !== undefined) await runs.get(probe.branch)?.advanceTo(probe.cut);
      plan = await this.#policyTime(async () => probe.decide(await this.#take(probe.measure)));
    }
    return plan;
  }

  /** Measures, keeps, and lets the policy observe and correct the step. */
  async #after(
    policy: PolicyRun,
    info: StepInfo,
    plan: RunPlan,
    outputs: StepOutputs,
    runs: ReadonlyMap<Branch, BranchRun>,
    latents: Float32Array,
  ): Promise<{ deviation?: number; velocity?: Float32Array }> {
    this.#measurements.outputs(outputs.exact);
    const scalars = await this.#policyTime(() => this.#take(policy.measureAfter(info, plan.branches)));
    const refreshed = await this.#refresh(outputs, runs, latents);
    await this.#measurements.end();
    const { deviation, correction } = await this.#policyTime(() => ({
      deviation: policy.observe({ index: info.index, branches: plan.branches, refreshed, scalars }),
      correction: policy.correct?.(info),
    }));
    return {
      ...(deviation !== undefined && { deviation }),
      ...(correction && { velocity: this.#measurements.combineHost(correction, latents) }),
    };
  }

  async #take(measurements: readonly Measurement[]): Promise<number[]> {
    const scalars = await this.#measurements.take(measurements);
    this.#scalars.push(...scalars);
    return scalars;
  }

  async #policyTime<T>(work: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.#policyMs += performance.now() - started;
    return result;
  }

  /** Runs every branch as planned; the conditional one first, since the other may be made of it. */
  async #carryOut(
    { branches }: RunPlan,
    runs: ReadonlyMap<Branch, BranchRun>,
    latents: Float32Array,
  ): Promise<StepOutputs> {
    const outputs: StepOutputs = { all: {}, computed: {}, exact: {} };
    for (const branch of this.#branches) {
      const run = runs.get(branch);
      const plan: BranchPlan = branches[branch] ?? { kind: "full" };
      if (!run) continue;
      const output = await this.#output(branch, plan, run, outputs.all.cond, latents);
      outputs.all[branch] = output;
      if (plan.kind === "full" || plan.kind === "modules") outputs.computed[branch] = output;
      if (plan.kind === "full") outputs.exact[branch] = output;
    }
    return outputs;
  }

  /** One branch's output, as planned. */
  async #output(
    branch: Branch,
    plan: BranchPlan,
    run: BranchRun,
    cond: Float32Array | undefined,
    latents: Float32Array,
  ): Promise<Float32Array> {
    if (plan.kind === "full") return run.finish();
    if (plan.kind === "perturbed") return this.#perturbed(plan, run, cond);
    if (plan.kind === "modules") return this.#withModules(plan, run);
    const { part, prediction } = plan;
    if (isInner(part)) {
      const predicted = await this.#measurements.predictState(prediction);
      return this.#replaced(part, predicted, run);
    }
    // Without guidance the output is the velocity itself, which outlives the step.
    const mixed = this.#branches.length > 1;
    const old = mixed ? this.#predicted[branch] : undefined;
    const output = this.#measurements.predictHost(part, prediction, cond, latents, old);
    if (mixed) this.#predicted[branch] = output;
    return output;
  }

  async #withModules({ reuse }: BranchPlan & { kind: "modules" }, run: BranchRun): Promise<Float32Array> {
    const predicted: State[] = [];
    try {
      for (const { prediction } of reuse) predicted.push(await this.#measurements.predictState(prediction));
      await run.replaceModules(Math.min(...reuse.map(({ part }) => part.from)), predicted);
    } finally {
      for (const state of predicted) this.#backend.release(state);
    }
    return run.finish();
  }

  /** Takes the prediction over. */
  async #replaced(part: ResidualPart, predicted: State, run: BranchRun): Promise<Float32Array> {
    try {
      await run.replace(part, predicted);
    } finally {
      this.#backend.release(predicted);
    }
    return run.finish();
  }

  async #perturbed(
    { part, ratio, seed }: Perturbed,
    run: BranchRun,
    cond: Float32Array | undefined,
  ): Promise<Float32Array> {
    if (!isInner(part)) {
      const output = await run.finish();
      const delta = part.kind === "guidance_delta" && cond && linearCombination([1, -1], [output, cond]);
      return perturbHost(output, delta || output, ratio, seed);
    }
    await run.finish();
    const exact = await run.resultOf(part);
    if (!exact) throw new MixcacheError("engine_failed", `There is no ${part.kind} to disturb.`);
    try {
      return await this.#replaced(part, await perturbState(this.#backend, exact, ratio, seed), run);
    } finally {
      this.#backend.release(exact);
    }
  }

  /** Keeps results of the branches that ran in full, and of those that reused modules where the policy asks for it. */
  async #refresh(
    { computed, exact }: StepOutputs,
    runs: ReadonlyMap<Branch, BranchRun>,
    latents: Float32Array,
  ) {
    const refreshed: { part: Part; branch: Branch }[] = [];
    for (const { part, depth, refresh, branches = this.#branches } of this.#requires.keep) {
      const outputs = refresh === "computed" ? computed : exact;
      for (const branch of branches.filter((b) => outputs[b])) {
        const result = isInner(part)
          ? await runs.get(branch)?.resultOf(part)
          : this.#measurements.hostResult(part, branch, outputs, latents);
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
