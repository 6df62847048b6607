/** A run as a trace holds it: all that a policy saw of it, without functions. */

import type { DenoiserInfo, RunInfo } from "./contract.ts";

/** A denoiser with the shares of its cuts in a table. */
export interface RecordedDenoiser extends Omit<DenoiserInfo, "shareUpTo"> {
  /** Of each cut: the share of a branch's FLOPs that lies before it. */
  readonly shares: readonly number[];
}

export interface RecordedRun extends Omit<RunInfo, "denoisers"> {
  readonly denoisers: readonly RecordedDenoiser[];
}

export function recordRun({ denoisers, ...run }: RunInfo): RecordedRun {
  return {
    ...run,
    denoisers: denoisers.map(({ shareUpTo, ...denoiser }) => ({
      ...denoiser,
      shares: denoiser.cuts.map(shareUpTo),
    })),
  };
}

/** The run of a record, for `replay`. A policy can ask for the shares of cuts only. */
export function recordedRun({ denoisers, ...run }: RecordedRun): RunInfo {
  return {
    ...run,
    denoisers: denoisers.map(({ shares, ...denoiser }) => ({
      ...denoiser,
      shareUpTo: (cut) => shares[denoiser.cuts.indexOf(cut)] ?? Number.NaN,
    })),
  };
}
