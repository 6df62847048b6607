/** A worker as it is deployed, with a stub for an engine or the real one; says "ready" when it takes videos. */

import { availableParallelism } from "node:os";
import { EMBEDDED_BUNDLE, EngineChild } from "../../src/node/index.ts";
import { systemTimers, Worker } from "../../src/worker/index.ts";
import { StubEngine } from "../support/stub-engine.ts";
import { given } from "./processes.ts";
import { openWorld, type Place, SILENT } from "./world.ts";

export interface WorkerGiven {
  readonly place: Place;
  readonly engine: "stub" | "real";
  /** How long a step of the stub takes. */
  readonly stepMs?: number;
}

/** A prompt with this word kills the process that works at it. */
export const POISON = "poison";

if (import.meta.main) {
  const { place, engine: kind, stepMs = 20 } = given<WorkerGiven>();
  const { jobs, store } = await openWorld(place);
  const beforeStep = (_: number, { prompt }: { prompt: string }) => {
    if (prompt.includes(POISON)) process.kill(process.pid, "SIGKILL");
  };
  const threads = Math.max(1, availableParallelism() - 1);
  const engine =
    kind === "stub"
      ? new StubEngine({ stepMs, beforeStep })
      : await EngineChild.start({ bundle: EMBEDDED_BUNDLE, threads });
  const worker = new Worker({ jobs, engine, store, timers: systemTimers, log: SILENT, random: Math.random });
  process.once("SIGTERM", () => worker.stop());
  await worker.load();
  process.send?.("ready");
  await worker.run();
  process.exit();
}
