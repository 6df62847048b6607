/** A worker that drains: ends when there was nothing for as long as it may be idle, and leaves nothing behind. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StubEngine } from "../../test/support/stub-engine.ts";
import { openWorkerBench, type WorkerBench } from "../../test/support/workers.ts";
import { openDatabase } from "../jobs/index.ts";
import { Present } from "./presence.ts";
import { systemTimers } from "./timers.ts";

let bench: WorkerBench;
beforeEach(async () => {
  bench = await openWorkerBench(await openDatabase("memory"));
});
afterEach(() => bench.close());

/** Time that only passes when somebody waits for it. */
function quickTimers() {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    wait: async (ms: number) => {
      nowMs += ms;
      await new Promise(setImmediate);
    },
  };
}

const IDLE_MS = 60_000;

describe("a worker that drains", () => {
  const drain = (said: string[], leave: () => Promise<void> = async () => {}) => ({
    idleMs: () => IDLE_MS,
    leave: async () => {
      said.push("leave");
      await leave();
    },
    stay: async () => void said.push("stay"),
  });

  it("takes job after job, and ends when it was idle for as long as it may be", async () => {
    const asked = [await bench.ask("one"), await bench.ask("two")];
    const said: string[] = [];
    const timers = quickTimers();
    const { worker, ended } = bench.work({ timers, drain: drain(said) });
    await ended;
    expect(worker.state).toBe("stopped");
    expect(timers.nowMs()).toBeGreaterThanOrEqual(IDLE_MS);
    expect(said).toEqual(["leave"]);
    for (const { id } of asked) expect((await bench.get(id)).status).toBe("completed");
  });

  it("makes what came while it was leaving, as somebody may have counted on it", async () => {
    const said: string[] = [];
    let late: string | undefined;
    const leave = async () => {
      late ??= (await bench.ask("late")).id;
    };
    await bench.work({ timers: quickTimers(), drain: drain(said, leave) }).ended;
    expect(said).toEqual(["leave", "stay", "leave"]);
    expect((await bench.get(late ?? "")).status).toBe("completed");
  });

  it("ends with what it waited for where it could take nothing for as long", async () => {
    const down = new Error("the database is away");
    const jobs = { ...bench.jobs, take: () => Promise.reject(down) };
    await expect(bench.work({ jobs, timers: quickTimers(), drain: drain([]) }).ended).rejects.toBe(down);
    // The bench awaits every worker's end.
    bench.close = async () => {};
  });

  it("hands its video back when it is stopped, without counting an attempt", async () => {
    const { id } = await bench.ask("long");
    const reached = Promise.withResolvers<void>();
    const engine = new StubEngine({ stepMs: 20, beforeStep: async () => reached.resolve() });
    const { worker, ended } = bench.work({ engine, drain: drain([]) });
    await reached.promise;
    worker.stop();
    await ended;
    expect(await bench.get(id)).toMatchObject({ status: "queued", handBacks: 1, failures: [] });
  });
});

describe("a worker's presence", () => {
  const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

  it("is said at once, when it is ready, again and again, and taken back last", async () => {
    const said: string[] = [];
    const thrice = Promise.withResolvers<void>();
    const presence = {
      alive: async (ready: boolean) => {
        said.push(ready ? "ready" : "starting");
        if (said.filter((word) => word === "ready").length >= 3) thrice.resolve();
      },
      gone: async () => void said.push("gone"),
    };
    const present = new Present({ presence, timers: systemTimers, everyMs: 1, log: SILENT });
    present.enter();
    expect(said).toEqual(["starting"]);
    await present.ready();
    await thrice.promise;
    await present.leave();
    await present.leave();
    expect(said.at(-1)).toBe("gone");
    expect(said.filter((word) => word === "gone")).toHaveLength(1);
  });

  it("is no reason to end where the database does not hear it", async () => {
    const warned: object[] = [];
    const log = { ...SILENT, warn: (fields: object) => void warned.push(fields) };
    const away = () => Promise.reject(new Error("away"));
    const present = new Present({
      presence: { alive: away, gone: away },
      timers: systemTimers,
      everyMs: 1,
      log,
    });
    present.enter();
    await present.ready();
    await present.leave();
    expect(warned.length).toBeGreaterThanOrEqual(2);
  });
});
