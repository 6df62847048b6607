/** The worker: takes a video, drives the engine, stores, settles. */

export type { WorkerEngine } from "./engine.ts";
export { type JanitorOptions, runJanitor, tidy } from "./janitor.ts";
export { type OrphanOptions, type OrphansSwept, sweepOrphans } from "./orphans.ts";
export { Present } from "./presence.ts";
export { systemTimers, type Timers } from "./timers.ts";
export { type Warmth, type WarmthParts, warmth } from "./warmth.ts";
export { type Drain, Worker, type WorkerOptions, type WorkerState } from "./worker.ts";
