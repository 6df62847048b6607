/** What a worker needs of an engine, and how it is made ready. */

import type { EngineChild } from "../node/index.ts";

/** An engine that outlives its child processes: `EngineChild`, or in tests a stub of it. */
export type WorkerEngine = Pick<EngineChild, "info" | "generate" | "dispose">;

/**
 * Loads what is not loaded, and makes a video of one step, so that the first caller doesn't wait for memory to be
 * mapped and kernels to be chosen.
 * @throws MixcacheError of the bundle or the engine
 */
export async function warmUp(engine: WorkerEngine, signal: AbortSignal): Promise<void> {
  await engine.info();
  await engine.generate({ prompt: "warm-up", num_inference_steps: 1, cache: "off" }, { signal });
}
