/**
 * CachePolicy: decides, step by step, what is computed and what is reused. A policy never touches a tensor: it
 * asks for predictions and distances by name, and the denoising loop carries them out.
 *
 * Rules that hold for every policy:
 * - the state of a run is made by `start` and dies with the run; two runs share nothing;
 * - the scheduler runs at every step, whatever was reused;
 * - a branch's results are kept only in steps in which that branch ran in full, so nothing approximated ever
 *   refreshes a cache; the loop enforces this, not the policy. Only a method whose own rule is another one may ask
 *   for it (\`Keep.refresh\`);
 * - the same scalars give the same decisions, so a recorded run can be replayed.
 */

import type { Reduction } from "../segments/contract.ts";

/** The branches of classifier-free guidance; a model without it has `cond` only. */
export type Branch = "cond" | "uncond";

/** A part of the forward pass whose result can be kept, and can stand in for running it. */
export type Part =
  /** The model's output at latent size; reused, nothing of the branch runs. */
  | { readonly kind: "output" }
  /** The difference uncond − cond of the outputs; reused by the branch `uncond`, which then does not run. */
  | { readonly kind: "guidance_delta" }
  /** The residual (what leaves less what enters) of the whole block stack; what lies before and after it runs. */
  | { readonly kind: "stack" }
  /** The residual of the blocks `from` up to `to`; both must be cuts of the bundle. */
  | { readonly kind: "blocks"; readonly from: number; readonly to: number }
  /** The outputs, before their gates, of these modules in the blocks `from` up to `to`. */
  | {
      readonly kind: "modules";
      readonly modules: readonly string[];
      readonly from: number;
      readonly to: number;
    }
  /** The latents that entered the step; kept for predictions, never reused itself. */
  | { readonly kind: "input" };

/** Modules are reused by a plan of their own, which may name several lists. */
export type ModulesPart = Extract<Part, { kind: "modules" }>;

/** A part that one prediction can stand in for. */
export type ReusablePart = Exclude<Part, { kind: "modules" | "input" }>;

/** A kept result. Age 0 is of the newest step that refreshed it, 1 of the one before. */
export interface Kept {
  readonly part: Part;
  readonly branch: Branch;
  readonly age: number;
}

/**
 * A part of the frequencies of a tensor of latent size: "low" are, in every frame and channel, those within a disc
 * around frequency 0 whose radius is a fifth of the fewer of rows and columns, rounded down; "high" are the others.
 * (FasterCache, arXiv 2410.19355.)
 */
export type Band = "low" | "high";

/**
 * How the stand-in is made: a linear combination of kept results and of the current latents. Reuse is one term with
 * the coefficient 1; an extrapolation in physical time is two terms; a decomposition of the velocity along the
 * latents adds the latents. Terms of `output`, `guidance_delta` and `input` mix freely; other parts take terms of
 * their own kind only.
 */
export interface Prediction {
  readonly terms: readonly (Kept & {
    readonly coefficient: number;
    /** Only where the result is of latent size. */
    readonly band?: Band;
  })[];
  /** Multiplies the current latents; only where the result is of latent size. */
  readonly latents?: number;
}

/** What one branch does in one step. */
export type BranchPlan =
  | { readonly kind: "full" }
  | { readonly kind: "reuse"; readonly part: ReusablePart; readonly prediction: Prediction }
  /** Everything runs but these modules, each list by a prediction of its own; no module is in two lists. */
  | {
      readonly kind: "modules";
      readonly reuse: readonly { readonly part: ModulesPart; readonly prediction: Prediction }[];
    }
  | Perturbed;

/**
 * Runs in full, then disturbs a part's result q: q + ratio · ‖q‖ · g/‖g‖ with Gaussian g. It shows how much an error
 * there costs at the end; nothing is kept of such a step. For calibration only.
 */
export interface Perturbed {
  readonly kind: "perturbed";
  readonly part: ReusablePart;
  readonly ratio: number;
  readonly seed: number;
}

/** A tensor that a distance can be taken of; streams, residuals and signals on the manifest's distance stream. */
export type Quantity =
  | { readonly of: "latents"; readonly when: "current" | "previous" }
  | {
      readonly of: "signal";
      readonly signal: string;
      readonly branch: Branch;
      readonly when: "current" | "previous";
    }
  | {
      readonly of: "stream";
      readonly cut: number;
      readonly branch: Branch;
      readonly when: "current" | "previous";
    }
  /** A part as this step has computed it so far: after a probe, the blocks up to its cut. */
  | { readonly of: "part"; readonly part: Part; readonly branch: Branch }
  | ({ readonly of: "kept" } & Kept)
  | {
      readonly of: "predicted";
      readonly part: Part;
      readonly branch: Branch;
      readonly prediction: Prediction;
    };

/** A scalar that the policy wants to know. */
export interface Measurement {
  readonly kind: Reduction;
  readonly a: Quantity;
  readonly b: Quantity;
}

/**
 * A step's plan. A probe runs its branch up to a cut (0 is before the first block), measures, and asks the policy
 * again; whatever plan follows resumes from that cut, so the probe's work is never done twice. Without a cut
 * nothing runs before the measurements.
 */
export type StepPlan =
  | {
      readonly kind: "run";
      readonly branches: Readonly<Partial<Record<Branch, BranchPlan>>>;
      readonly decision?: Decision;
    }
  | {
      readonly kind: "probe";
      readonly branch: Branch;
      readonly cut?: number;
      readonly measure: readonly Measurement[];
      readonly decide: (scalars: readonly number[]) => StepPlan;
    };

/** Why a step was planned as it was, for the trace: nothing is computed of it. */
export interface Decision {
  /** What was chosen, in the policy's own words: "full", "step", "cfg", "block", … */
  readonly mode: string;
  /** Distances, scores and thresholds, by name. */
  readonly values?: Readonly<Record<string, number>>;
  /**
   * How far the measured scalars were from another decision, relative to the threshold. Two backends may decide
   * differently only where this is below the error of their scalars. Without it no scalar was asked.
   */
  readonly margin?: number;
}

/** A denoiser that serves some steps of a run: all of them, or as one expert of several those of its timesteps. */
export interface DenoiserInfo {
  readonly id: string;
  /** The steps that it serves, from the first up to the second. */
  readonly steps: readonly [from: number, to: number];
  /** Those that it runs; with a guidance scale of 1 only `cond`. */
  readonly branches: readonly Branch[];
  readonly guidanceScale: number;
  /** The cuts that the bundle offers, as numbers of blocks done; the first is 0, the last is all blocks. */
  readonly cuts: readonly number[];
  /** Share of a branch's FLOPs that lies before a cut. */
  readonly shareUpTo: (cut: number) => number;
}

/** The run, as a policy sees it. */
export interface RunInfo {
  readonly steps: number;
  /** Kind of the scheduler. Only an Euler step is so simple that a policy can foresee it (`correct`). */
  readonly scheduler: string;
  /** Noise levels, steps + 1 of them, from 1 down to 0. */
  readonly sigmas: readonly number[];
  /** What the model is told at each step, 0 to 1000. */
  readonly timesteps: readonly number[];
  /** Those that any denoiser of the run needs. */
  readonly branches: readonly Branch[];
  /** In the order in which they serve; one that serves no step of this run is not among them. */
  readonly denoisers: readonly DenoiserInfo[];
}

/** The step that is about to be planned. */
export interface StepInfo {
  readonly index: number;
  readonly sigma: number;
  readonly sigmaNext: number;
  /** Id of the denoiser (expert) that serves this step. */
  readonly denoiser: string;
}

/** What happened in a step. */
export interface StepOutcome {
  readonly index: number;
  readonly branches: Readonly<Partial<Record<Branch, BranchPlan>>>;
  /** What this step refreshed; it is now at age 0. */
  readonly refreshed: readonly { readonly part: Part; readonly branch: Branch }[];
  /** The scalars that `measureAfter` asked for. */
  readonly scalars: readonly number[];
}

/** Another expert takes over: every kept result has been dropped. */
export interface DenoiserSwitch {
  readonly kind: "denoiser_switch";
  readonly step: number;
  readonly from: string;
  readonly to: string;
}

/** One run's decisions. */
export interface PolicyRun {
  plan(step: StepInfo): StepPlan;
  /** Scalars wanted once the step is computed and before its results are kept, such as a cache's deviation. */
  measureAfter(step: StepInfo, branches: StepOutcome["branches"]): readonly Measurement[];
  /** Sees what happened; returns what it found its cache to be wrong by, which is for the trace. */
  observe(outcome: StepOutcome): number | undefined;
  /**
   * Another velocity for this step's move of the latents, asked after `observe`: age 0 is what this step has kept.
   * A step that has just learned how wrong the predictions before it were can make up for them. What the model
   * computed stays as it is in the cache.
   */
  correct?(step: StepInfo): Prediction | undefined;
  event(event: DenoiserSwitch): void;
}

/** A result that the loop keeps. */
export interface Keep {
  readonly part: Part;
  /** How many of it; 2 for a first-order prediction. */
  readonly depth: number;
  /** Of these branches only; by default of all. */
  readonly branches?: readonly Branch[];
  /**
   * When a new one is kept. "full", the default: in steps in which its branch ran in full. "computed": also in steps
   * in which its branch reused modules, if this part was run itself. Then approximations may be in what led to it,
   * which is the rule of PAB.
   */
  readonly refresh?: "full" | "computed";
}

/** What a policy needs of bundle and backend; checked before a run, not in the middle of it. */
export interface PolicyRequirements {
  readonly keep: readonly Keep[];
  /** Signals and cuts whose tensors of the previous step are compared. */
  readonly signals: readonly string[];
  readonly cuts: readonly number[];
}

export interface CachePolicy {
  readonly name: string;
  /** Sentences for a person: what the policy does otherwise than was asked. */
  readonly notices?: readonly string[];
  readonly requires: PolicyRequirements;
  /** A fresh state for one run. */
  start(run: RunInfo): PolicyRun;
}
