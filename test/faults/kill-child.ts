/**
 * Kills the engine's process with -9, again and again, at seeded random moments of loading and of making videos.
 * Each time there must be a typed error, and the next video must be the undisturbed one to the bit.
 *
 *     node test/faults/kill-child.ts --times 50 --seed 1
 */

import { parseArgs } from "node:util";
import { MixcacheError, messageOf } from "../../src/errors.ts";
import { EngineChild } from "../../src/node/index.ts";
import { BUNDLE, framesHash, SHORT } from "../../src/node/testing.ts";
import { seeded } from "../support/random.ts";

export interface KillReport {
  /** Kills while a video was made, and while the bundle was loaded. */
  readonly generating: number;
  readonly loading: number;
  /** Kills that came too late, when the video was already done; each was repeated. */
  readonly late: number;
  readonly typedErrors: number;
  readonly goodRuns: number;
  /** What was not as it must be; empty if all is well. */
  readonly deviations: readonly string[];
}

/** Late kills in a row after which something else must be wrong. */
const MOST_LATE = 100;

export async function killChildren(times: number, seed: number): Promise<KillReport> {
  const random = seeded(seed);
  const engine = await EngineChild.start({ bundle: BUNDLE, threads: 1 });
  const counts = { generating: 0, loading: 0, late: 0, typedErrors: 0, goodRuns: 0 };
  const deviations: string[] = [];
  try {
    let messages = 0;
    const undisturbed = framesHash(await engine.generate(SHORT, { onProgress: () => messages++ }));
    const { startMs } = await engine.info();
    for (let round = 0; round < times; round++) {
      const phase = round % 2 === 0 ? "generating" : "loading";
      const kill = phase === "generating" ? killWhileGenerating : killWhileLoading;
      let outcome: unknown;
      do {
        const fraction = random();
        outcome = await kill(
          engine,
          phase === "generating" ? Math.floor(fraction * messages) : fraction * startMs,
        );
        if (outcome === undefined) counts.late++;
      } while (outcome === undefined && counts.late < MOST_LATE);
      counts[phase]++;
      if (outcome instanceof MixcacheError && outcome.code === "engine_crashed") counts.typedErrors++;
      else deviations.push(`round ${round}, ${phase}: not engine_crashed but ${messageOf(outcome)}`);
      try {
        const hash = framesHash(await engine.generate(SHORT));
        if (hash === undisturbed) counts.goodRuns++;
        else deviations.push(`round ${round}, ${phase}: the next video is another one: ${hash}`);
      } catch (error) {
        deviations.push(`round ${round}, ${phase}: the next video failed: ${messageOf(error)}`);
      }
    }
  } finally {
    engine.dispose();
  }
  return { ...counts, deviations };
}

/** Kills when the given progress message arrives; gives the error, or undefined if the video was done before. */
async function killWhileGenerating(engine: EngineChild, atMessage: number): Promise<unknown> {
  let messages = 0;
  const onProgress = () => {
    if (messages++ === atMessage) kill(engine);
  };
  return errorOf(engine.generate(SHORT, { onProgress }));
}

/** Kills a new process after so many milliseconds; gives the error, or undefined if the video was done before. */
async function killWhileLoading(engine: EngineChild, afterMs: number): Promise<unknown> {
  // A new process is only started where there is none.
  kill(engine);
  const idle = await errorOf(engine.generate(SHORT));
  if (!(idle instanceof MixcacheError && idle.code === "engine_crashed")) {
    return new Error(`the kill before it gave ${messageOf(idle)}`);
  }
  const timer = setTimeout(() => kill(engine), afterMs);
  const error = await errorOf(engine.generate(SHORT));
  clearTimeout(timer);
  return error;
}

function kill(engine: EngineChild): void {
  if (engine.pid !== undefined) process.kill(engine.pid, "SIGKILL");
}

async function errorOf(run: Promise<unknown>): Promise<unknown> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return error;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { times: { type: "string", default: "50" }, seed: { type: "string", default: "1" } },
  });
  const times = Number(values.times);
  const report = await killChildren(times, Number(values.seed));
  for (const deviation of report.deviations) console.error(deviation);
  console.log(
    `${times} kills with -9 (${report.generating} generating, ${report.loading} loading; ${report.late} came too late ` +
      `and were repeated): ${report.typedErrors} typed errors, ${report.goodRuns} next videos identical to the ` +
      `undisturbed one, ${report.deviations.length} deviations`,
  );
  if (report.typedErrors !== times || report.goodRuns !== times) process.exitCode = 1;
}
