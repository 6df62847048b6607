/** TeaCache (arXiv 2411.19108): the change of a timestep-aware signal tells, by a polynomial, that of the output. */

import { z } from "zod";
import { invalid, MixcacheError } from "../../../errors.ts";
import type { CachePolicy, ReusablePart } from "../contract.ts";
import { definePolicy, type PolicyContext } from "../definition.ts";
import { again, branchwise, COMPUTE, type Rule } from "./branchwise.ts";
import { RunningSum } from "./running-sum.ts";

const STACK: ReusablePart = { kind: "stack" };

const options = z.strictObject({
  threshold: z.number().positive().default(0.1),
  signal: z.string().optional(),
  coefficients: z.array(z.number()).length(5).optional(),
  retained_steps: z.int().positive().default(1),
  force_last: z.boolean().default(true),
});

/**
 * Published thresholds: Wan 2.1 1.3B 0.05, 0.07, 0.08; 14B 0.14, 0.15, 0.20; HunyuanVideo 0.10, 0.15; CogVideoX 1.5
 * 0.1, 0.2, 0.3. Each branch decides for itself. `retained_steps` 5 and `force_last: false` are what the original
 * calls `use_ret_steps`.
 */
export const teacache = definePolicy({
  name: "teacache",
  title: "TeaCache",
  source: "arXiv 2411.19108",
  options,
  assistable: true,
  dial: { option: "threshold", slow: 0.02, fast: 0.5, scale: "logarithmic" },
  create: ({ threshold, signal: asked, coefficients, retained_steps, force_last }, context): CachePolicy => {
    const signal = signalOf(asked, coefficients !== undefined, context);
    const rescale = rescaling(signal, coefficients, context);
    return {
      name: "teacache",
      requires: { keep: [{ part: STACK, depth: 1 }], signals: [signal], cuts: [] },
      start: (run) =>
        branchwise(run, {
          mode: "step",
          together: false,
          rule: (branch, { steps: [from] }): Rule => {
            const sum = new RunningSum(threshold);
            const at = (when: "current" | "previous") => ({ of: "signal", signal, branch, when }) as const;
            return (step) => {
              if (step - from < retained_steps || (force_last && step === run.steps - 1)) {
                sum.reset();
                return COMPUTE;
              }
              return {
                cut: 0,
                measure: [{ kind: "relative_l1", a: at("current"), b: at("previous") }],
                answer: ([change = Number.NaN]) => sum.judge(rescale(change), again(STACK)),
              };
            };
          },
        }),
    };
  },
});

/** The signal that was asked for, or the first of the bundle's that a polynomial is known for. */
function signalOf(
  asked: string | undefined,
  anyWillDo: boolean,
  { manifest, profile }: PolicyContext,
): string {
  const [first = {}] = manifest.denoisers.map(({ signals }) => signals);
  const signals = Object.keys(first);
  if (asked !== undefined && !signals.includes(asked)) {
    invalid("cache.signal", `${manifest.title} has no signal ${asked}; it has ${signals.join(", ")}.`);
  }
  const found = asked ?? signals.find((signal) => anyWillDo || profile?.polynomials[signal]);
  return found ?? refuse("any of its signals");
}

/** From the change of the signal to that of the residual; below 0, where the fit is of no use, it is 0. */
function rescaling(
  signal: string,
  coefficients: readonly number[] | undefined,
  { profile }: PolicyContext,
): (change: number) => number {
  const fitted = profile?.polynomials[signal];
  const { range: [least, most] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] } = coefficients
    ? {}
    : (fitted ?? refuse(`its signal ${signal}`));
  const powers = coefficients ?? fitted?.coefficients ?? [];
  return (change) => {
    const x = Math.min(most, Math.max(least, change));
    return Math.max(
      0,
      powers.reduce((sum, coefficient) => sum * x + coefficient, 0),
    );
  };
}

function refuse(what: string): never {
  throw new MixcacheError(
    "profile_missing",
    `TeaCache needs a polynomial for ${what}, fitted to this model with these settings. Measure it with mixcache calibrate, or give cache.coefficients.`,
  );
}
