import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { bothDatabases } from "../../test/support/databases.ts";
import { openTestJobs, resultOf, type TestJobs, usageOf } from "../../test/support/jobs.ts";
import { MOST_EVENTS } from "./events.ts";
import type { AttemptEvent, Standing } from "./index.ts";

const databases = bothDatabases();

describe.each(databases.kinds)("a video's events on %s", (_, open) => {
  let test: TestJobs;
  let accountId: string;
  beforeAll(async () => {
    test = await openTestJobs(await open());
    accountId = await test.account();
  });
  afterAll(() => test.close());
  const stops: (() => void)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop();
    for (let taken = await test.jobs.take(); taken; taken = await test.jobs.take())
      await test.jobs.settle(taken, { kind: "failed", error: { code: "x", message: "" }, retry: false });
  });

  const decisions = (from: number, to: number): AttemptEvent[] =>
    Array.from({ length: to - from }, (_, at) => ({ type: "decision", data: { step: from + at } }));
  const told = async (id: string) =>
    (await test.jobs.events(id, 0, 5000)).map(({ sequence, type, attempt, data }) => [
      sequence,
      type,
      attempt,
      data.step ?? (data.reason as { code?: string } | undefined)?.code ?? null,
    ]);
  const done = { kind: "completed" as const, usage: usageOf(1) };

  it("tell every change of its state, numbered from 1 without gaps", async () => {
    const { id } = await test.create(accountId);
    const first = await test.take();
    await test.jobs.settle(first, {
      kind: "failed",
      error: { code: "engine_failed", message: "" },
      retry: true,
    });
    await test.jobs.handBack(await test.take());
    const lost = await test.take();
    await test.expire(lost);
    await test.jobs.sweep();
    const last = await test.take();
    await test.jobs.settle(last, { ...done, result: resultOf(last) });
    expect(await told(id)).toEqual([
      [1, "video.queued", 0, null],
      [2, "video.started", 1, null],
      [3, "video.requeued", 1, "engine_failed"],
      [4, "video.started", 2, null],
      [5, "video.requeued", 2, "handed_back"],
      [6, "video.started", 3, null],
      [7, "video.requeued", 3, "worker_lost"],
      [8, "video.started", 4, null],
      [9, "video.completed", 4, null],
    ]);
    expect((await test.jobs.get(accountId, id)).lastEvent).toBe(9);
  });

  it("end with how it failed, or that it was cancelled", async () => {
    const [failed, cancelled] = [await test.create(accountId), await test.create(accountId)];
    await test.jobs.cancel(accountId, cancelled.id);
    const error = { code: "engine_out_of_memory", message: "There was too little memory." };
    await test.jobs.settle(await test.take(), { kind: "failed", error, retry: false });
    const lastOf = async (id: string) => (await test.jobs.events(id, 0, 100)).at(-1);
    expect(await lastOf(failed.id)).toMatchObject({ type: "video.failed", data: { error } });
    expect(await lastOf(cancelled.id)).toMatchObject({
      sequence: 2,
      type: "video.cancelled",
      data: { error: { code: "cancelled" } },
    });
  });

  it("are not written by a create that is a repetition", async () => {
    const one = await test.create(accountId, { idempotencyKey: "once" });
    await test.create(accountId, { idempotencyKey: "once" });
    expect(await told(one.id)).toEqual([[1, "video.queued", 0, null]]);
  });

  it("contain what a worker reports, each once, however often it says it", async () => {
    const { id } = await test.create(accountId);
    const taken = await test.take();
    await test.jobs.heartbeat(taken, { percent: 10 }, { from: 0, events: decisions(0, 2) });
    await test.jobs.heartbeat(taken, undefined, { from: 0, events: decisions(0, 3) });
    await test.jobs.heartbeat(taken, undefined, { from: 3, events: [] });
    const outcome = { ...done, result: resultOf(taken) };
    await test.jobs.settle(taken, outcome, { from: 2, events: decisions(2, 5) });
    expect((await told(id)).map(([, , , step]) => step)).toEqual([null, null, 0, 1, 2, 3, 4, null]);
    expect((await told(id)).map(([sequence]) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("keep the progress that came before events came without one", async () => {
    const { id } = await test.create(accountId);
    const taken = await test.take();
    await test.jobs.heartbeat(taken, { percent: 42, detail: { step: 3 } });
    await test.jobs.heartbeat(taken, undefined, { from: 0, events: decisions(0, 1) });
    expect((await test.jobs.get(accountId, id)).progress).toEqual({ percent: 42, detail: { step: 3 } });
  });

  it("count anew for every attempt", async () => {
    const { id } = await test.create(accountId);
    await test.jobs.handBack(await test.take(), { from: 0, events: decisions(0, 2) });
    await test.jobs.heartbeat(await test.take(), undefined, { from: 0, events: decisions(0, 1) });
    expect((await told(id)).map(([, , attempt, step]) => [attempt, step])).toEqual([
      [0, null],
      [1, null],
      [1, 0],
      [1, 1],
      [1, "handed_back"],
      [2, null],
      [2, 0],
    ]);
  });

  it("are at most so many of one attempt", async () => {
    const { id } = await test.create(accountId);
    const taken = await test.take();
    await test.jobs.heartbeat(taken, undefined, { from: 0, events: decisions(0, MOST_EVENTS - 1) });
    const rest = decisions(MOST_EVENTS - 1, MOST_EVENTS + 5);
    await test.jobs.heartbeat(taken, undefined, { from: MOST_EVENTS - 1, events: rest });
    await test.jobs.heartbeat(taken, undefined, { from: MOST_EVENTS + 5, events: decisions(0, 3) });
    const all = await told(id);
    expect(all).toHaveLength(2 + MOST_EVENTS);
    expect(all.at(-1)).toEqual([2 + MOST_EVENTS, "decision", 1, MOST_EVENTS - 1]);
  });

  it("are not written by a worker whose lease ran out, before the sweep came and after", async () => {
    const { id } = await test.create(accountId);
    const zombie = await test.take();
    const events = { from: 0, events: decisions(0, 3) };
    await test.database.query("update pgboss.job set state = 'retry' where id = $1::uuid", [zombie.jobId]);
    expect(await test.jobs.heartbeat(zombie, { percent: 50 }, events)).toBe("lost");
    await test.database.query("update pgboss.job set state = 'active' where id = $1::uuid", [zombie.jobId]);
    await test.expire(zombie);
    await test.jobs.sweep();
    expect(await test.jobs.heartbeat(zombie, { percent: 50 }, events)).toBe("lost");
    const next = await test.take();
    expect(await test.jobs.heartbeat(zombie, { percent: 50 }, events)).toBe("lost");
    await expect(test.jobs.settle(zombie, { ...done, result: resultOf(zombie) }, events)).rejects.toThrow();
    expect((await told(id)).map(([, type]) => type)).toEqual([
      "video.queued",
      "video.started",
      "video.requeued",
      "video.started",
    ]);
    expect(next.attempt).toBe(2);
  });

  it("are numbered in the order in which they are committed, whoever writes them at once", async () => {
    const { id } = await test.create(accountId);
    const taken = await test.take();
    const batches = Array.from({ length: 20 }, (_, at) => ({ from: 0, events: decisions(0, at + 1) }));
    await Promise.all([
      ...batches.map((events) => test.jobs.heartbeat(taken, undefined, events)),
      test.jobs.cancel(accountId, id),
    ]);
    const steps = (await told(id)).slice(2);
    expect(steps.map(([sequence, , , step]) => [sequence, step])).toEqual(
      Array.from({ length: 20 }, (_, at) => [3 + at, at]),
    );
  });

  it("go with the video, and a week after they happened", async () => {
    const [gone, old] = [await test.create(accountId), await test.create(accountId)];
    await test.jobs.cancel(accountId, gone.id);
    await test.jobs.cancel(accountId, old.id);
    await test.jobs.delete(accountId, gone.id);
    expect(await told(gone.id)).toEqual([]);
    expect(await told(old.id)).toHaveLength(2);
    test.clock.now += 8 * 86_400_000;
    await test.jobs.sweep();
    expect(await told(old.id)).toEqual([]);
  });

  it("are seen by who watches, in the end as they are", async () => {
    const { id } = await test.create(accountId);
    const seen: (Standing | undefined)[] = [];
    const changed = { resolve: () => {} };
    stops.push(
      test.jobs.watch(id, (standing) => {
        seen.push(standing);
        changed.resolve();
      }),
    );
    const until = async (isSo: (standing: Standing | undefined) => boolean) => {
      while (seen.length === 0 || !isSo(seen.at(-1)))
        await new Promise<void>((resolve) => {
          changed.resolve = resolve;
        });
    };
    await until((standing) => standing?.lastEvent === 1);
    const taken = await test.take();
    await until((standing) => standing?.status === "in_progress");
    await test.jobs.heartbeat(taken, { percent: 30 }, { from: 0, events: decisions(0, 2) });
    await until((standing) => standing?.lastEvent === 4 && standing.progress.percent === 30);
    await test.jobs.settle(taken, { ...done, result: resultOf(taken) });
    await until((standing) => standing?.status === "completed" && standing.lastEvent === 5);
    await test.jobs.delete(accountId, id);
    await until((standing) => standing === undefined);
    const numbers = seen.flatMap((standing) => standing?.lastEvent ?? []);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });
});
