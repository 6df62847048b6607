/** Who takes part: a label, what is asked of the cache, and the honest baseline of fewer steps. */

import { z } from "zod";
import { policyNamed } from "../engine/cache/policies.ts";
import { invalid } from "../errors.ts";

export const CONTESTANTS_FORMAT = "mixcache.contestants/1";

/** The family of contestants that only make fewer steps. */
export const STEP_REDUCTION = "step-reduction";

export const contestantSchema = z.strictObject({
  /** As people see it; no two are alike. */
  label: z.string().min(1),
  /** Points of one curve share it. */
  family: z.string().min(1),
  cache: z.looseObject({ policy: z.string().min(1) }),
  /** For fewer steps than the others make. */
  num_inference_steps: z.int().positive().optional(),
  /** The speedup in computed FLOPs that it was tuned for. */
  target: z.number().positive().optional(),
});

/** A policy that can't do a target, and what it can: its slowest and its fastest speedup. */
export const unreachableSchema = z.strictObject({
  family: z.string(),
  target: z.number(),
  nearest: z.number(),
  range: z.tuple([z.number(), z.number()]),
});

/** One setting of a policy's dial, and the speedup in computed FLOPs that it gave on the tuning prompts. */
export const trialSchema = z.strictObject({ family: z.string(), dial: z.number(), speedup: z.number() });

export const contestantsFileSchema = z.strictObject({
  format: z.literal(CONTESTANTS_FORMAT),
  contestants: z.array(contestantSchema).min(1),
  unreachable: z.array(unreachableSchema).default([]),
  /** Every trial of the tuning: the same number for each policy. */
  trials: z.array(trialSchema).default([]),
});

export type Contestant = z.infer<typeof contestantSchema>;
export type Unreachable = z.infer<typeof unreachableSchema>;
export type Trial = z.infer<typeof trialSchema>;
export type ContestantsFile = z.infer<typeof contestantsFileSchema>;

/** The uncached run, which every group has. */
export const REFERENCE: Contestant = { label: "off", family: "off", cache: { policy: "off" } };

/**
 * `teacache:threshold=0.1,mixcache:speed=2:predictor=linear,step-reduction:speed=2` as contestants. `off` may be
 * named, but takes part anyway. All options but the policy's dial make a family: settings of the dial are one curve.
 * @param steps of a run with all its steps; `step-reduction` makes fewer
 * @param options bare: `step-reduction` may stand alone, where speedups are still to come
 * @throws MixcacheError `invalid_argument` for what can't be read, or two that are the same
 */
export function parsePolicies(text: string, steps: number, { bare = false } = {}): Contestant[] {
  const words = text.split(",").map((word) => word.trim());
  const bareBaseline = { ...REFERENCE, label: STEP_REDUCTION, family: STEP_REDUCTION };
  const named = words.filter((word) => word !== "off");
  return distinct(
    named.map((word) => (bare && word === STEP_REDUCTION ? bareBaseline : parsePolicy(word, steps))),
  );
}

/** @throws MixcacheError `invalid_argument` for labels that are given twice, or the reference's */
export function distinct(contestants: readonly Contestant[]): Contestant[] {
  const labels = [REFERENCE, ...contestants].map(({ label }) => label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined)
    invalid(
      "policies",
      `The label “${twice}” is given twice. Give every contestant its own; “off” is the reference.`,
    );
  return [...contestants];
}

function parsePolicy(text: string, steps: number): Contestant {
  const [policy = "", ...rest] = text.split(":");
  if (policy === "")
    invalid("policies", "--policies has an empty name. Write teacache:threshold=0.1,mixcache:speed=2.");
  const options = Object.fromEntries(rest.map((part) => parseOption(part, text)));
  const label = [policy, ...rest].join(" ");
  if (policy === STEP_REDUCTION) return { ...reducedSteps(options, steps), label };
  const { dial } = policyNamed(policy);
  const others = rest.filter((part) => dial === undefined || !part.startsWith(`${dial.option}=`));
  const family = [policy, ...others].join(" ");
  return { label, family, cache: { policy, ...options }, ...targetOf(options) };
}

function parseOption(part: string, text: string): [string, unknown] {
  const at = part.indexOf("=");
  if (at < 1) invalid("policies", `“${part}” in “${text}” is no option. Write name=value.`);
  return [part.slice(0, at), parseValue(part.slice(at + 1))];
}

/** A number, a list or a flag where it reads as one, else a word. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A policy that is asked for a speed has it as its target. */
function targetOf(options: Readonly<Record<string, unknown>>): { target?: number } {
  return typeof options.speed === "number" && options.speed > 1 ? { target: options.speed } : {};
}

function reducedSteps(options: Readonly<Record<string, unknown>>, all: number): Contestant {
  const { speed, steps, ...others } = options;
  const wrong = Object.keys(others)[0];
  if (wrong !== undefined)
    invalid("policies", `step-reduction has no option ${wrong}. Write speed=2 or steps=25.`);
  if (typeof speed === "number" && speed >= 1) return fewerSteps(all, speed);
  if (typeof steps === "number" && Number.isInteger(steps) && steps >= 1)
    return { ...REFERENCE, label: "", family: STEP_REDUCTION, num_inference_steps: steps };
  return invalid("policies", "step-reduction needs speed=2 (at least 1) or steps=25.");
}

/** The baseline at equal DiT compute: the same run with so many times fewer steps, rounded. */
export function fewerSteps(all: number, speed: number): Contestant {
  return {
    label: `${STEP_REDUCTION} ${speed}×`,
    family: STEP_REDUCTION,
    cache: { policy: "off" },
    num_inference_steps: Math.max(1, Math.round(all / speed)),
    target: speed,
  };
}

/** @throws MixcacheError `invalid_argument` that names what is wrong with the file */
export function readContestants(json: unknown, file: string): ContestantsFile {
  const parsed = contestantsFileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    invalid("contestants", `${file} is no list of contestants: ${issue?.path.join(".")}: ${issue?.message}.`);
  }
  return { ...parsed.data, contestants: distinct(parsed.data.contestants.filter((c) => c.label !== "off")) };
}
