/** Workers over real jobs (PGlite) and a real store; only the engine is a stub. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeMp4 } from "../../test/support/mp4.ts";
import { STUB_FLOPS, StubEngine } from "../../test/support/stub-engine.ts";
import { isOver, openWorkerBench, type WorkerBench } from "../../test/support/workers.ts";
import { MixcacheError } from "../errors.ts";
import { openDatabase, type VideoRow } from "../jobs/index.ts";
import { balanceOf } from "../jobs/ledger.ts";
import type { ObjectStore } from "../storage/index.ts";
import { tidy } from "./janitor.ts";
import { systemTimers, type Timers } from "./timers.ts";

let bench: WorkerBench;
beforeEach(async () => {
  bench = await openWorkerBench(await openDatabase("memory"));
});
afterEach(() => bench.close());

const TERA = 1e12;
/** As the test's price has it: whole micros a TFLOP, so the stub's FLOPs are made large. */
const chargeOf = ({ usage }: VideoRow) => (usage ? usage.flops / BigInt(TERA) : undefined);

const stored = async (key: string) => {
  const object = await bench.store.get(key);
  if (!object) throw new Error(`${key} is not stored.`);
  return new Uint8Array(await new Response(object.body).arrayBuffer());
};
const keysOf = async (id: string) =>
  (await bench.store.list(`videos/${id}/`)).objects.map(({ key }) => key.slice(`videos/${id}/`.length));

/** An engine that stands still before a step until it is let go. */
function held(atStep = 1) {
  const reached = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const beforeStep = async (step: number) => {
    if (step !== atStep) return;
    reached.resolve();
    await release.promise;
  };
  return { beforeStep, reached: reached.promise, release: release.resolve };
}

describe("a video", () => {
  it("is made, stored under its attempt, and billed by what its record says", async () => {
    const { id } = await bench.ask("a red circle");
    bench.workWithStub();
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "completed", attempt: 1, error: undefined });
    expect(await keysOf(id)).toEqual([
      "1/spritesheet.webp",
      "1/thumbnail.webp",
      "1/trace.json",
      "1/video.mp4",
    ]);
    const { result } = video;
    expect(result?.video).toMatchObject({ key: `videos/${id}/1/video.mp4`, contentType: "video/mp4" });
    expect(await decodeMp4(await stored(result?.video.key ?? ""))).toEqual({
      width: 64,
      height: 64,
      frames: 16,
    });
    for (const key of [result?.thumbnail?.key, result?.spritesheet?.key])
      expect(
        Buffer.from(await stored(key ?? ""))
          .subarray(8, 12)
          .toString(),
      ).toBe("WEBP");
    const flops = 2 * (STUB_FLOPS.full + STUB_FLOPS.reused) + STUB_FLOPS.text + STUB_FLOPS.decode;
    expect(video.usage).toMatchObject({ flops: BigInt(flops), videoMs: 2000n });
    const record = JSON.parse(Buffer.from(await stored(result?.trace?.key ?? "")).toString());
    expect(record).toMatchObject({ video: id, attempt: 1, outcome: "completed", video_ms: 2000 });
    expect(record.trace.settings).toMatchObject({ prompt: "a red circle", seed: "18446744073709551615" });
    const { full, reused } = STUB_FLOPS;
    const speedup = Math.round((4000 * full) / (2 * (full + reused))) / 1000;
    expect(video.report).toMatchObject({ policy: "off", speedup, modes: { full: 2, step: 2 } });
    expect(video.progress.percent).toBe(100);
  });

  it("is a WebP where that was asked for", async () => {
    const { id } = await bench.ask("a red circle", { output_format: "webp" });
    bench.workWithStub();
    const { result } = await bench.until(id, isOver);
    expect(result?.video).toMatchObject({ key: `videos/${id}/1/video.webp`, contentType: "image/webp" });
  });

  it("shows how far it is while it is made", async () => {
    const gate = held(3);
    const { id } = await bench.ask("slow");
    bench.workWithStub(gate);
    await gate.reached;
    const video = await bench.until(id, ({ progress }) => progress.percent > 0);
    expect(video.progress).toMatchObject({ percent: 69, detail: { phase: "denoise", step: 3, steps: 4 } });
    gate.release();
    await bench.until(id, isOver);
  });

  it("leaves no prompt in the log", async () => {
    const { id } = await bench.ask("an unspeakable fail wish");
    bench.workWithStub();
    await bench.until(id, isOver);
    expect(bench.log.join("")).toContain(id);
    expect(bench.log.join("")).not.toContain("unspeakable");
  });
});

describe("a cancel", () => {
  it("stops the engine within its step, and bills the steps that were finished", async () => {
    const gate = held(2);
    const { id } = await bench.ask("a red circle");
    const { engine } = bench.workWithStub({ stepMs: 30, ...gate });
    await gate.reached;
    const cancelledMs = performance.now();
    await bench.jobs.cancel(bench.accountId, id);
    gate.release();
    const video = await bench.until(id, isOver);
    expect(performance.now() - cancelledMs).toBeLessThan(5000);
    expect(engine.busy).toBe(false);
    expect(video).toMatchObject({ status: "failed", error: { code: "cancelled" } });
    expect(video.usage).toMatchObject({
      flops: BigInt(STUB_FLOPS.full + STUB_FLOPS.reused),
      videoMs: 0n,
    });
    expect(await keysOf(id)).toEqual(["1/trace.json"]);
    expect(video.cost).toBe(chargeOf(video));
  });

  it("is heard at once when it comes from this process", async () => {
    const gate = held(1);
    const { id } = await bench.ask("hang");
    const { engine } = bench.workWithStub(gate);
    await gate.reached;
    gate.release();
    await bench.jobs.cancel(bench.accountId, id);
    const video = await bench.until(id, isOver);
    expect(video.error?.code).toBe("cancelled");
    expect(engine.busy).toBe(false);
  });
});

describe("a deadline", () => {
  it("that passes while the video is made ends it, and what was computed is billed", async () => {
    const gate = held(2);
    const wish = bench.wish(bench.accountId, { deadlineSeconds: 60 });
    const { id } = (await bench.jobs.create(wish)).video;
    bench.workWithStub(gate);
    await gate.reached;
    bench.clock.now += 61_000;
    // The step after the one that waits sees the end.
    setTimeout(gate.release, 500);
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "failed", error: { code: "deadline_exceeded" } });
    expect(video.usage?.flops).toBeGreaterThan(0n);
  });
});

describe("a fault of the engine", () => {
  it.each(["fail", "crash"])("is tried three times, then it is the video's error: %s", async (word) => {
    const { id } = await bench.ask(`please ${word} now`);
    bench.workWithStub();
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "failed", attempt: 3, cost: 0n });
    expect(video.error?.code).toMatch(/^engine_(failed|crashed)$/);
    expect(video.failures).toHaveLength(3);
    const { credit, held: onHold } = await balanceOf(bench.database, bench.accountId);
    expect([credit, onHold]).toEqual([1_000_000_000n, 0n]);
  });

  it("for want of memory is final; the engine is started again and makes the next video", async () => {
    const large = await bench.ask("please oom");
    const next = await bench.ask("a red circle");
    const { engine } = bench.workWithStub();
    const startedMs = performance.now();
    expect(await bench.until(large.id, isOver)).toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "engine_out_of_memory" },
      cost: 0n,
    });
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(await bench.until(next.id, isOver)).toMatchObject({ status: "completed" });
    expect(engine.starts).toBe(2);
  });

  it("that keeps it from starting takes no videos, is said, and ends by itself", async () => {
    const engine = new StubEngine();
    const info = engine.info.bind(engine);
    let isBroken = true;
    engine.info = async () => {
      if (isBroken) throw new MixcacheError("engine_crashed", "The engine does not start.");
      return info();
    };
    const { id } = await bench.ask("a red circle");
    const { worker } = bench.work({ engine });
    while (worker.state !== "waiting") await new Promise((resolve) => setTimeout(resolve, 10));
    expect(worker.reason).toBe("The engine does not start.");
    expect(await bench.get(id)).toMatchObject({ status: "queued", attempt: 0 });
    isBroken = false;
    expect(await bench.until(id, isOver)).toMatchObject({ status: "completed", attempt: 1 });
  });

  it("does not hide that a video wants another model", async () => {
    const { id } = await bench.ask("a red circle", { model: "wan" });
    bench.workWithStub();
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ attempt: 1, error: { code: "bundle_unsupported" } });
    expect(video.error?.message).toMatch(/wan.*shapes/);
  });
});

describe("a worker that is to end", () => {
  it("hands its video back in the middle, and another one makes it", async () => {
    const gate = held(2);
    const { id } = await bench.ask("a red circle");
    const first = bench.workWithStub(gate);
    await gate.reached;
    first.worker.stop();
    gate.release();
    await first.ended;
    expect(first.engine.busy).toBe(false);
    expect(first.worker.state).toBe("stopped");
    expect(await bench.get(id)).toMatchObject({ status: "queued", handBacks: 1, failures: [] });
    bench.workWithStub();
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "completed", attempt: 2 });
    expect(await keysOf(id)).toContain("2/video.mp4");
  });

  it("does so too where the engine doesn't let itself be stopped", async () => {
    const gate = held(1);
    const { id } = await bench.ask("a red circle");
    const engine = new StubEngine(gate);
    const { worker, ended } = bench.work({ engine, graceMs: 50 });
    await gate.reached;
    worker.stop();
    await ended;
    expect(engine.busy).toBe(true);
    expect(await bench.get(id)).toMatchObject({ status: "queued", handBacks: 1 });
    gate.release();
  });

  it("takes nothing more", async () => {
    const { worker, ended } = bench.workWithStub();
    worker.stop();
    await ended;
    const { id } = await bench.ask("a red circle");
    expect(await bench.get(id)).toMatchObject({ status: "queued" });
  });
});

describe("a worker that was silent for longer than its lease", () => {
  it("neither settles nor disturbs who has the video now", async () => {
    const gate = held(2);
    const { id } = await bench.ask("a red circle");
    const taken = bench.workWithStub(gate);
    await gate.reached;
    const [job] = await bench.database.query<{ id: string }>(
      "select id from pgboss.job where state = 'active'",
    );
    await bench.expire({ jobId: job?.id } as Parameters<typeof bench.expire>[0]);
    await bench.jobs.sweep();
    bench.workWithStub();
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "completed", attempt: 2 });
    gate.release();
    while (taken.engine.busy) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await bench.get(id)).toEqual(video);
    expect(await keysOf(id)).not.toContain("1/video.mp4");
  });
});

describe("the janitor", () => {
  it("removes the files of deleted videos, of every attempt, once", async () => {
    const { id } = await bench.ask("a red circle");
    bench.workWithStub();
    await bench.until(id, isOver);
    await bench.store.put(`videos/${id}/7/video.mp4`, new Uint8Array(3));
    await bench.jobs.delete(bench.accountId, id);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    await tidy({ jobs: bench.jobs, store: bench.store, log });
    expect(await keysOf(id)).toEqual([]);
    expect(await bench.jobs.purgeable(10)).toEqual([]);
  });
});

describe("a store that is full", () => {
  /** Refuses so many times. */
  function full(times: number): ObjectStore {
    let left = times;
    const put: ObjectStore["put"] = async (key, body, options) => {
      if (left-- > 0) throw new MixcacheError("storage_full", `There is no space left for ${key}.`);
      return bench.store.put(key, body, options);
    };
    return Object.assign(Object.create(bench.store) as ObjectStore, { put });
  }
  /** Pauses are short. */
  const timers: Timers = {
    ...systemTimers,
    wait: (ms, signal) => systemTimers.wait(Math.min(ms, 10), signal),
  };

  it("is waited for: what was computed is kept, and no attempt is lost", async () => {
    const { id } = await bench.ask("a red circle", { output_format: "webp" });
    bench.work({ store: full(3), timers });
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "completed", attempt: 1, failures: [] });
  });

  it("fails the video after three attempts, free of charge, when it stays full", async () => {
    const { id } = await bench.ask("a red circle", { output_format: "webp" });
    bench.work({ store: full(1000), timers });
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "failed", attempt: 3, error: { code: "storage_full" }, cost: 0n });
    expect(video.failures).toHaveLength(3);
  });

  it("charges nothing for a stopped video whose record it doesn't take: nobody could check the bill", async () => {
    const { beforeStep, reached, release } = held(2);
    const { id } = await bench.ask("a red circle", { num_inference_steps: 8 });
    bench.work({ engine: new StubEngine({ beforeStep }), store: full(1000) });
    await reached;
    await bench.jobs.cancel(bench.accountId, id);
    release();
    const video = await bench.until(id, isOver);
    expect(video).toMatchObject({ status: "failed", error: { code: "cancelled" }, cost: 0n });
  });
});
