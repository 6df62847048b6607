/** A policy that reuses nothing and takes down how everything it could reuse changes from step to step. */

import type {
  Branch,
  CachePolicy,
  DenoiserInfo,
  Measurement,
  Part,
  Quantity,
  RunInfo,
} from "../cache/contract.ts";
import { type BlockRange, branchesOf, type Granularity, partOf } from "../cache/mixcache/granularity.ts";
import { line } from "../cache/mixcache/predictor.ts";
import type { Measured, MeasuredBranch } from "./measured.ts";

/** What a bundle offers, and how far back to look. */
export interface RecorderOptions {
  readonly granularities: readonly Granularity[];
  readonly range: BlockRange | undefined;
  readonly signals: readonly string[];
  /**
   * Reuse over so many steps is measured; so many results of each kind are kept. Deviations reach half as far, since
   * their second anchor is twice as old, and 6 at most.
   */
  readonly lags: number;
}

export interface Recorder {
  readonly policy: CachePolicy;
  /** Everything but impacts; complete when the run is over. */
  measured(): Pick<Measured, "branches" | "deviations" | "held_deviations" | "changes">;
}

/** A scalar that is wanted, and where it goes. */
interface Ask {
  readonly measurement: Measurement;
  readonly tell: (value: number) => void;
}

interface Sheet {
  readonly branches: Partial<Record<Branch, MeasuredBranch>>;
  readonly deviations: Partial<Record<Granularity, (number | null)[][]>>;
  readonly held_deviations: Partial<Record<Granularity, (number | null)[][]>>;
  readonly changes: (number | null)[];
}

const STACK: Part = { kind: "stack" };
const OUTPUT: Part = { kind: "output" };
const LAST_LAG = 6;

/** A recorder for one run. */
export function createRecorder(options: RecorderOptions): Recorder {
  const { granularities, range, signals, lags } = options;
  let sheet: Sheet = { branches: {}, deviations: {}, held_deviations: {}, changes: [] };
  const keep = granularities.map((granularity) => ({
    part: partOf(granularity, range),
    depth: 2 * deviationLags(lags),
    ...(granularity === "cfg" && { branches: ["uncond"] as const }),
  }));
  const policy: CachePolicy = {
    name: "calibration",
    requires: { keep: [{ part: STACK, depth: lags }, ...keep], signals, cuts: [] },
    start: (run) => {
      sheet = emptySheet(run, options);
      let asks: readonly Ask[] = [];
      return {
        plan: () => ({ kind: "run", branches: {} }),
        measureAfter: ({ index }) => {
          asks = asksOf(run, index, options, sheet);
          return asks.map(({ measurement }) => measurement);
        },
        observe: ({ scalars }) => {
          for (const [i, { tell }] of asks.entries()) tell(scalars[i] ?? Number.NaN);
          return undefined;
        },
        event: () => {},
      };
    },
  };
  return { policy, measured: () => sheet };
}

/** How far back deviations look: there must be room for the second anchor. */
function deviationLags(lags: number): number {
  return Math.min(LAST_LAG, Math.ceil(lags / 2));
}

function emptySheet({ steps, branches }: RunInfo, { granularities, signals, lags }: RecorderOptions): Sheet {
  const none = () => Array.from({ length: steps }, (): number | null => null);
  const ofBranch = (): MeasuredBranch => ({
    magnitude_ratios: Array.from({ length: steps }, () => 1),
    stack_changes: none(),
    signal_changes: Object.fromEntries(signals.map((signal) => [signal, none()])),
    reuse_costs: Array.from({ length: steps }, () => []),
  });
  const tables = () =>
    Object.fromEntries(granularities.map((g) => [g, Array.from({ length: deviationLags(lags) }, none)]));
  return {
    branches: Object.fromEntries(branches.map((branch) => [branch, ofBranch()])),
    deviations: tables(),
    held_deviations: tables(),
    changes: none(),
  };
}

/** Everything that is worth knowing of a step. Every step is kept, so the age of a step is its lag less one. */
function asksOf(run: RunInfo, step: number, options: RecorderOptions, sheet: Sheet): Ask[] {
  const denoiser = run.denoisers.find(({ steps: [from, to] }) => step >= from && step < to);
  if (!denoiser || step === denoiser.steps[0]) return [];
  const asks = denoiser.branches.flatMap((branch) => branchAsks(denoiser, step, branch, options, sheet));
  for (const granularity of options.granularities) {
    const { deviations, held_deviations } = sheet;
    const about = { denoiser, step, granularity, range: options.range };
    asks.push(...deviationAsks(run.sigmas, about, deviations[granularity] ?? []));
    asks.push(...heldAsks(about, held_deviations[granularity] ?? []));
  }
  const output = { of: "part", part: OUTPUT, branch: "cond" } as const;
  const older = { of: "kept", part: OUTPUT, branch: "cond", age: 0 } as const;
  asks.push(ask("relative_l1", output, older, put(sheet.changes, step)));
  return asks;
}

function branchAsks(
  { steps: [first] }: DenoiserInfo,
  step: number,
  branch: Branch,
  { signals, lags }: RecorderOptions,
  { branches }: Sheet,
): Ask[] {
  const record = branches[branch];
  if (!record) return [];
  const stack = { of: "part", part: STACK, branch } as const;
  const kept = (age: number) => ({ of: "kept", part: STACK, branch, age }) as const;
  const signal = (name: string, when: "current" | "previous") =>
    ({ of: "signal", signal: name, branch, when }) as const;
  const leaps = Array.from({ length: Math.min(lags, step - first) }, (_, i) => i + 1);
  return [
    ask("token_norm_ratio", stack, kept(0), put(record.magnitude_ratios, step)),
    ask("relative_l1", stack, kept(0), put(record.stack_changes, step)),
    ...signals.map((name) =>
      ask(
        "relative_l1",
        signal(name, "current"),
        signal(name, "previous"),
        put(record.signal_changes[name] ?? [], step),
      ),
    ),
    ...leaps.map((lag) =>
      ask("relative_l1", kept(lag - 1), stack, put(record.reuse_costs[step - lag] ?? [], lag - 1)),
    ),
  ];
}

/** One granularity in one step. */
interface About {
  readonly denoiser: DenoiserInfo;
  readonly step: number;
  readonly granularity: Granularity;
  readonly range: BlockRange | undefined;
}

/** How far lines through results of earlier steps miss this step's, for every lag; the mean over branches. */
function deviationAsks(sigmas: readonly number[], about: About, table: readonly (number | null)[][]): Ask[] {
  const { denoiser, step, granularity, range } = about;
  const part = partOf(granularity, range);
  // As a stand-in for the output: one for `guidance_delta` would be added to the conditional output.
  const standIn = granularity === "cfg" ? OUTPUT : part;
  return table.flatMap((row, i) => {
    const newest = step - i - 1;
    const older = Math.max(denoiser.steps[0], newest - i - 1);
    if (older >= newest) return [];
    return meanAsks(about, row, (branch) => {
      const terms = [...line(older, newest, step, sigmas)].map(([anchor, coefficient]) => ({
        part,
        branch,
        age: step - anchor - 1,
        coefficient,
      }));
      return { of: "predicted", part: standIn, branch, prediction: { terms } };
    });
  });
}

/** The same for the results of earlier steps as they are. */
function heldAsks(about: About, table: readonly (number | null)[][]): Ask[] {
  const { denoiser, step, granularity, range } = about;
  const part = partOf(granularity, range);
  return table.flatMap((row, age) =>
    step - age - 1 < denoiser.steps[0]
      ? []
      : meanAsks(about, row, (branch) => ({ of: "kept", part, branch, age })),
  );
}

/** The relative distance of a guess from what this step computed: its mean over branches goes into the row. */
function meanAsks(
  { denoiser, step, granularity, range }: About,
  row: (number | null)[],
  guess: (branch: Branch) => Quantity,
): Ask[] {
  const { branches } = denoiser;
  const part = partOf(granularity, range);
  const ofBranches = branchesOf(granularity, branches).filter((branch) => branches.includes(branch));
  return ofBranches.map((branch) =>
    ask("relative_l1", guess(branch), { of: "part", part, branch }, (value) => {
      row[step] = (row[step] ?? 0) + value / ofBranches.length;
    }),
  );
}

function ask(kind: Measurement["kind"], a: Quantity, b: Quantity, tell: Ask["tell"]): Ask {
  return { measurement: { kind, a, b }, tell };
}

function put(row: (number | null)[], at: number): Ask["tell"] {
  return (value) => {
    row[at] = value;
  };
}
