/** What a person and a program are told about the cache once a video is made. */

import { fullRequest } from "../engine/cache/policies.ts";
import { totalsOf } from "../engine/totals.ts";
import type { EngineResult } from "../node/index.ts";

type Made = Pick<EngineResult, "trace" | "settings">;

/** A sentence about what was saved, or undefined where nothing was. */
export function savedLine({ trace, settings }: Made): string | undefined {
  const { steps, modes, idealSpeedup, uncachedDitMs, savedMs } = totalsOf(trace);
  if (!(idealSpeedup > 1.005)) return undefined;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const saved =
    savedMs > 0
      ? `saved about ${seconds(savedMs)} of ${seconds(uncachedDitMs)}`
      : "no time saved: what it measures took longer than what it skipped";
  return (
    `${settings.cache.policy}: ${modes.full ?? 0} of ${steps} steps computed in full, ` +
    `${idealSpeedup.toFixed(2)}x less DiT work, ${saved}`
  );
}

/** The object `cache` of `--json`. */
export function cacheJson({ trace, settings }: Made) {
  const { policy, ...options } = fullRequest(settings.cache);
  const totals = totalsOf(trace);
  return {
    policy,
    options,
    /** Computed: what the DiT would have computed over what it did. */
    speedup: Number(totals.idealSpeedup.toFixed(4)),
    modes: totals.modes,
    /** SHA-256 of the warm cache profile that was used. */
    profile: trace.profile,
    cache_bytes_peak: trace.cacheBytesPeak,
    dit_ms: Math.round(totals.ditMs),
    policy_ms: Math.round(totals.policyMs),
    /** Estimated: see `uncached_dit_ms` in docs/trace.md. */
    saved_ms: Math.round(totals.savedMs),
  };
}
