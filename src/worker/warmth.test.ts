/** What happens around each video, in a worker over real jobs; only the engine is a stub. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ManualTimers } from "../../test/support/manual-timers.ts";
import { StubEngine } from "../../test/support/stub-engine.ts";
import { isOver, openWorkerBench, type WorkerBench } from "../../test/support/workers.ts";
import { openDatabase } from "../jobs/index.ts";
import { createLog } from "../logging.ts";
import { FetchedProfiles } from "../node/index.ts";
import { type ComingVideo, type Warmth, warmth } from "./warmth.ts";

let bench: WorkerBench;
let folder: string;
beforeEach(async () => {
  bench = await openWorkerBench(await openDatabase("memory"));
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-warmth-"));
});
afterEach(async () => {
  await bench.close();
  await rm(folder, { recursive: true });
});

it("before each video its settings and account are told, after one that is made what it showed, and after no other", async () => {
  const coming: ComingVideo[] = [];
  const made: string[] = [];
  const noted: Warmth = {
    prepare: async (video) => {
      coming.push(video);
    },
    completed: (_, { settings }) => made.push(settings.prompt),
    flush: async () => {},
  };
  bench.work({ warmth: noted });
  for (const prompt of ["a red circle", "refuse"]) await bench.until((await bench.ask(prompt)).id, isOver);
  expect(coming.map(({ account, request }) => [account, request.prompt])).toEqual([
    [bench.accountId, "a red circle"],
    [bench.accountId, "refuse"],
  ]);
  expect(made).toEqual(["a red circle"]);
});

/** A store that never answers, and a clock that stands still: who waits for them waits for ever. */
function silent(): Warmth {
  const profiles = new FetchedProfiles({
    store: { get: () => new Promise<never>(() => {}), putIfAbsent: () => new Promise<never>(() => {}) },
    folder,
    sharpen: false,
    timing: new ManualTimers(),
    log: createLog({ level: "silent" }),
  });
  return warmth({ profiles });
}

it("who cancels does not wait for a store that is silent", async () => {
  const asked = Promise.withResolvers<void>();
  const slow = silent();
  const told: Warmth = {
    ...slow,
    prepare: (...given) => {
      asked.resolve();
      return slow.prepare(...given);
    },
  };
  bench.work({ warmth: told });
  const { id } = await bench.ask("a red circle");
  await asked.promise;
  await bench.jobs.cancel(bench.accountId, id);
  expect(await bench.until(id, isOver)).toMatchObject({ status: "failed", error: { code: "cancelled" } });
});

it("a video that reuses nothing needs no profile, and asks for none", async () => {
  const { info } = { info: await new StubEngine().info() };
  const request = { prompt: "a red circle", cache: "off" };
  await silent().prepare({ info, request, account: "a" }, new AbortController().signal);
});

it("a request that the engine will refuse is left to it", async () => {
  const { info } = { info: await new StubEngine().info() };
  const request = { prompt: "a red circle", width: 1 };
  await silent().prepare({ info, request, account: "a" }, new AbortController().signal);
});
