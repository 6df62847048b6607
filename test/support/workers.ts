/** Workers with a stub engine over real jobs and a real store, for tests. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { CreateVideo, Database, VideoRow } from "../../src/jobs/index.ts";
import { createLog } from "../../src/logging.ts";
import { FolderStore, type ObjectStore } from "../../src/storage/index.ts";
import { systemTimers, Worker, type WorkerEngine, type WorkerOptions } from "../../src/worker/index.ts";
import { openTestJobs, type TestJobs } from "./jobs.ts";
import { StubEngine, type StubEngineOptions } from "./stub-engine.ts";

export interface WorkerBench extends TestJobs {
  readonly store: FolderStore;
  readonly log: string[];
  /** An account with enough credit. */
  readonly accountId: string;
  /** Asks for a small video. */
  ask(prompt: string, more?: Partial<CreateVideo["request"]>): Promise<VideoRow>;
  get(id: string): Promise<VideoRow>;
  /** Resolves with the video once it is as it should be. */
  until(id: string, isSo: (video: VideoRow) => boolean): Promise<VideoRow>;
  /** Starts a worker. */
  work(options?: Partial<WorkerOptions>): { readonly worker: Worker; readonly ended: Promise<void> };
  /** A worker with a stub engine. */
  workWithStub(stub?: StubEngineOptions): {
    readonly engine: StubEngine;
    readonly worker: Worker;
    readonly ended: Promise<void>;
  };
  close(): Promise<void>;
}

const CREDIT = 1_000_000_000n;

export async function openWorkerBench(database: Database): Promise<WorkerBench> {
  const test = await openTestJobs(database);
  const folder = await mkdtemp(path.join(tmpdir(), "mixcache-worker-"));
  const store = await FolderStore.open({ folder, publicUrl: "http://localhost" });
  const lines: string[] = [];
  const log = createLog({ level: "debug", destination: { write: (line: string) => lines.push(line) } });
  const accountId = await test.account({ credit: CREDIT });
  const running: { worker: Worker; ended: Promise<void>; engine: WorkerEngine }[] = [];
  const get = (id: string) => test.jobs.get(accountId, id);

  const work = (options: Partial<WorkerOptions> = {}) => {
    const engine = options.engine ?? new StubEngine();
    const worker = new Worker({
      jobs: test.jobs,
      store: store as ObjectStore,
      timers: systemTimers,
      random: () => 0,
      log,
      ...options,
      engine,
    });
    const ended = worker.run();
    running.push({ worker, ended, engine });
    return { worker, ended };
  };

  return {
    ...test,
    store,
    log: lines,
    accountId,
    get,
    ask: async (prompt, more = {}) => {
      const wish = test.wish(accountId);
      const request = { ...wish.request, num_inference_steps: 4, num_frames: 16, ...more, prompt };
      return test.create(accountId, { request, hold: 1000n });
    },
    until: async (id, isSo) => {
      for (;;) {
        const video = await get(id);
        if (isSo(video)) return video;
        await systemTimers.wait(20, new AbortController().signal);
      }
    },
    work,
    workWithStub: (stub = {}) => {
      const engine = new StubEngine(stub);
      return { engine, ...work({ engine }) };
    },
    close: async () => {
      for (const { worker, engine } of running) {
        worker.stop();
        engine.dispose();
      }
      await Promise.all(running.map(({ ended }) => ended));
      await test.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Whether nothing can happen to it any more. */
export const isOver = ({ status }: VideoRow): boolean => status === "completed" || status === "failed";
