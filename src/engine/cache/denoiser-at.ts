import type { DenoiserInfo, RunInfo } from "./contract.ts";

/** The denoiser that serves a step of the run. */
export function denoiserAt({ denoisers }: RunInfo, step: number): DenoiserInfo {
  const found = denoisers.find(({ steps: [from, to] }) => step >= from && step < to);
  if (!found) throw new RangeError(`No denoiser serves step ${step}.`);
  return found;
}
