import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bothDatabases } from "../../test/support/databases.ts";
import { openTestJobs, resultOf, type TestJobs, usageOf } from "../../test/support/jobs.ts";
import type { Taken } from "./index.ts";
import { balanceOf } from "./ledger.ts";
import { auditLedger } from "./ledger-audit.ts";

const databases = bothDatabases();

describe.each(databases.kinds)("a video's life on %s", (_, open) => {
  let test: TestJobs;
  beforeAll(async () => {
    test = await openTestJobs(await open());
  });

  /** The drift that any test may have caused is looked for here, once, over all of them. */
  afterAll(async () => {
    const accounts = await test.database.query<{ id: string }>("select id from mixcache.accounts");
    for (const { id } of accounts) {
      const { kept, counted } = await test.line(id);
      expect({ id, ...kept }).toEqual({ id, ...counted });
    }
    expect((await auditLedger(test.database)).faults).toEqual([]);
    await test.close();
  });

  const balance = async (accountId: string) => balanceOf(test.database, accountId);
  const completed = (taken: Taken, tflops = 7) => ({
    kind: "completed" as const,
    result: resultOf(taken),
    usage: usageOf(tflops),
    report: { speedup: 2 },
  });
  const told = async (id: string) =>
    (
      await test.database.query<{ type: string }>(
        "select type from mixcache.outbox where video_id = $1 order by id",
        [id],
      )
    ).map(({ type }) => type);
  /** Ends everything that waits, so that the next test takes its own. */
  const drain = async () => {
    for (let taken = await test.jobs.take(); taken; taken = await test.jobs.take())
      await test.jobs.settle(taken, {
        kind: "failed",
        error: { code: "drained", message: "" },
        retry: false,
      });
  };

  describe("create", () => {
    it("holds the price, queues the video, and reads back as it was asked for", async () => {
      const accountId = await test.account();
      const wish = test.wish(accountId, { deadlineSeconds: 60, hold: 40n });
      const { video, replayed } = await test.jobs.create(wish);
      expect(replayed).toBe(false);
      expect(video).toMatchObject({ status: "queued", request: wish.request, hold: 40n, cost: undefined });
      expect(video.deadlineAt).toEqual(new Date(test.clock.now + 60_000));
      expect(await test.jobs.get(accountId, video.id)).toEqual(video);
      expect(await balance(accountId)).toMatchObject({ credit: 999_960n, held: 40n });
      await test.jobs.cancel(accountId, video.id);
    });

    it("leaves nothing where the credit is short: no video, no job, no key, no place in line", async () => {
      const accountId = await test.account({ credit: 10n });
      const wish = test.wish(accountId, { hold: 11n, idempotencyKey: "short" });
      await expect(test.jobs.create(wish)).rejects.toMatchObject({ code: "credit_insufficient" });
      expect((await test.line(accountId)).kept).toEqual({ queued: 0, running: 0 });
      const { replayed } = await test.jobs.create({ ...wish, hold: 10n });
      expect(replayed).toBe(false);
      await drain();
    });

    it("refuses an account that there is not", async () => {
      await expect(test.jobs.create(test.wish("acct_none"))).rejects.toMatchObject({
        code: "account_not_found",
      });
    });

    it("refuses more than may wait, and takes the next when one has started", async () => {
      const accountId = await test.account({ maxQueued: 2 });
      await test.create(accountId);
      await test.create(accountId);
      await expect(test.create(accountId)).rejects.toMatchObject({ code: "queue_full" });
      expect(await balance(accountId)).toMatchObject({ held: 200n });
      const taken = await test.take();
      await test.create(accountId);
      await test.jobs.settle(taken, completed(taken));
      await drain();
    });

    it("gives the same key's videos to each other, five at once", async () => {
      const accountId = await test.account();
      const wish = test.wish(accountId, { idempotencyKey: "once" });
      const all = await Promise.all(Array.from({ length: 5 }, () => test.jobs.create(wish)));
      expect(new Set(all.map(({ video }) => video.id)).size).toBe(1);
      expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(await balance(accountId)).toMatchObject({ held: 100n });
      await expect(test.jobs.create({ ...wish, fingerprint: "other" })).rejects.toMatchObject({
        code: "idempotency_conflict",
      });
      const other = await test.account();
      expect((await test.jobs.create({ ...wish, accountId: other })).replayed).toBe(false);
      test.clock.now += 25 * 3_600_000;
      expect((await test.jobs.create({ ...wish, fingerprint: "other" })).replayed).toBe(false);
      await drain();
    });

    it("answers a client's own retry with the video of its first try, for a minute", async () => {
      const accountId = await test.account();
      const wish = test.wish(accountId, { fingerprint: "retried" });
      const [first, again] = await Promise.all([test.jobs.create(wish), test.jobs.create(wish)]);
      expect(first.video.id).not.toBe(again.video.id);
      const retry = await test.jobs.create({ ...wish, retry: true });
      expect(retry.replayed).toBe(true);
      expect([first.video.id, again.video.id]).toContain(retry.video.id);
      const other = await test.account();
      expect((await test.jobs.create({ ...wish, accountId: other, retry: true })).replayed).toBe(false);
      test.clock.now += 61_000;
      expect((await test.jobs.create({ ...wish, retry: true })).replayed).toBe(false);
      await drain();
    });
  });

  describe("an attempt", () => {
    it("ends completed: charged what was computed, the rest given back, told once", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const taken = await test.take();
      expect(taken).toMatchObject({ attempt: 1, retryCount: 0, video: { id, status: "in_progress" } });
      expect(await test.jobs.heartbeat(taken, { percent: 40, detail: { step: 8 } })).toBe("continue");
      expect(await test.jobs.get(accountId, id)).toMatchObject({
        progress: { percent: 40, detail: { step: 8 } },
      });
      const done = await test.jobs.settle(taken, completed(taken, 7));
      expect(done).toMatchObject({
        status: "completed",
        cost: 7n,
        usage: usageOf(7),
        report: { speedup: 2 },
      });
      expect(done.result).toEqual(resultOf(taken));
      expect(done.progress).toEqual({ percent: 100 });
      expect(await balance(accountId)).toMatchObject({ credit: 999_993n, held: 0n, revenue: 7n });
      expect(await told(id)).toEqual(["video.started", "video.completed"]);
    });

    it("charges the hold where the engine counts more than was quoted", async () => {
      const accountId = await test.account();
      await test.create(accountId, { hold: 5n });
      const taken = await test.take();
      expect(await test.jobs.settle(taken, completed(taken, 6))).toMatchObject({ cost: 5n });
    });

    it("settles once", async () => {
      const accountId = await test.account();
      await test.create(accountId);
      const taken = await test.take();
      const both = await Promise.allSettled([
        test.jobs.settle(taken, completed(taken)),
        test.jobs.settle(taken, completed(taken)),
      ]);
      expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      await expect(test.jobs.settle(taken, completed(taken))).rejects.toMatchObject({ code: "attempt_lost" });
      expect(await balance(accountId)).toMatchObject({ revenue: 7n, held: 0n });
    });

    it("that lost its lease can neither write nor charge, whoever is at it now", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const zombie = await test.take();
      await test.expire(zombie);
      expect(await test.jobs.sweep()).toMatchObject({ requeued: 1, lost: 0 });
      expect(await test.jobs.get(accountId, id)).toMatchObject({
        status: "queued",
        failures: [{ attempt: 1, code: "worker_lost" }],
      });
      await expect(test.jobs.settle(zombie, completed(zombie))).rejects.toMatchObject({
        code: "attempt_lost",
      });
      const next = await test.take();
      expect(next).toMatchObject({ attempt: 2, retryCount: 1 });
      await expect(test.jobs.settle(zombie, completed(zombie))).rejects.toMatchObject({
        code: "attempt_lost",
      });
      await expect(test.jobs.handBack(zombie)).rejects.toMatchObject({ code: "attempt_lost" });
      expect(await test.jobs.heartbeat(zombie, { percent: 99 })).toBe("lost");
      expect(await test.jobs.check(zombie)).toBe("lost");
      expect(await test.jobs.get(accountId, id)).toMatchObject({
        status: "in_progress",
        progress: { percent: 0 },
      });
      expect(await test.jobs.settle(next, completed(next, 3))).toMatchObject({ cost: 3n });
    });

    it("is the third at most: a video whose processes die each time fails, free of charge", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      for (const attempt of [1, 2, 3]) {
        const taken = await test.take();
        expect(taken.attempt).toBe(attempt);
        await test.expire(taken);
        await test.jobs.sweep();
      }
      expect(await test.jobs.take()).toBeUndefined();
      const video = await test.jobs.get(accountId, id);
      expect(video).toMatchObject({ status: "failed", cost: 0n, error: { code: "worker_lost" } });
      expect(video.failures.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      expect(await balance(accountId)).toMatchObject({ credit: 1_000_000n, held: 0n, revenue: 0n });
      expect(await told(id)).toEqual(["video.started", "video.failed"]);
    });

    it("is the third at most: a video that fails each time fails with the last reason, free of charge", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const error = { code: "engine_crashed", message: "The engine crashed." };
      for (const status of ["queued", "queued", "failed"]) {
        const taken = await test.take();
        expect(await test.jobs.settle(taken, { kind: "failed", error, retry: true })).toMatchObject({
          status,
        });
      }
      expect(await test.jobs.take()).toBeUndefined();
      expect(await test.jobs.get(accountId, id)).toMatchObject({ error, cost: 0n, attempt: 3 });
      expect(await balance(accountId)).toMatchObject({ credit: 1_000_000n, held: 0n });
    });

    it("is not repeated where that can't help", async () => {
      const accountId = await test.account();
      await test.create(accountId);
      const error = { code: "invalid_argument", message: "No." };
      const done = await test.jobs.settle(await test.take(), { kind: "failed", error, retry: false });
      expect(done).toMatchObject({ status: "failed", error, cost: 0n });
      expect(await test.jobs.take()).toBeUndefined();
    });

    it("ends without its lease for a process that is alone: the next attempt can begin at once", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const dead = await test.take();
      expect(await test.jobs.endAttempts()).toMatchObject({ requeued: 1, lost: 0 });
      await expect(test.jobs.settle(dead, completed(dead))).rejects.toMatchObject({ code: "attempt_lost" });
      expect(await test.jobs.endAttempts()).toMatchObject({ requeued: 0, lost: 0 });
      const next = await test.take();
      expect(next).toMatchObject({ attempt: 2, video: { id, failures: [{ code: "worker_lost" }] } });
      await test.jobs.settle(next, completed(next));
    });

    it("found by the next take before any sweep still counts", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const taken = await test.take();
      await test.expire(taken);
      await test.database.query(
        "update pgboss.job set state = 'retry' where id = $1::uuid and state = 'active'",
        [taken.jobId],
      );
      const next = await test.take();
      expect(next).toMatchObject({ attempt: 2, video: { id, failures: [{ code: "worker_lost" }] } });
      await test.jobs.settle(next, completed(next));
    });
  });

  describe("a hand-back", () => {
    it("costs no attempt ten times, and keeps its place; the fence tells its holders apart", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const held: Taken[] = [];
      for (let count = 1; count <= 10; count++) {
        const taken = await test.take();
        held.push(taken);
        expect(await test.jobs.handBack(taken)).toMatchObject({
          status: "queued",
          handBacks: count,
          failures: [],
        });
      }
      const later = await test.create(accountId);
      const eleventh = await test.take();
      expect(eleventh).toMatchObject({ attempt: 11, retryCount: 0, video: { id } });
      for (const zombie of held) {
        expect(await test.jobs.check(zombie)).toBe("lost");
        await expect(test.jobs.settle(zombie, completed(zombie))).rejects.toMatchObject({
          code: "attempt_lost",
        });
      }
      expect(await test.jobs.handBack(eleventh)).toMatchObject({ failures: [{ code: "handed_back" }] });
      expect(await test.jobs.handBack(await test.take())).toMatchObject({ status: "queued" });
      expect(await test.jobs.handBack(await test.take())).toMatchObject({ status: "failed", cost: 0n });
      expect((await test.take()).video.id).toBe(later.id);
      await test.jobs.cancel(accountId, later.id);
    });

    it("keeps the attempts that were used before it", async () => {
      const accountId = await test.account();
      await drain();
      const { id } = await test.create(accountId);
      const error = { code: "engine_crashed", message: "The engine crashed." };
      await test.jobs.settle(await test.take(), { kind: "failed", error, retry: true });
      await test.jobs.handBack(await test.take());
      await test.jobs.settle(await test.take(), { kind: "failed", error, retry: true });
      await test.jobs.handBack(await test.take());
      await test.jobs.settle(await test.take(), { kind: "failed", error, retry: true });
      expect(await test.jobs.get(accountId, id)).toMatchObject({
        status: "failed",
        attempt: 5,
        handBacks: 2,
      });
    });
  });

  describe("cancel", () => {
    it("before the start ends it at once, free, and it never starts", async () => {
      const accountId = await test.account();
      await drain();
      const { id } = await test.create(accountId);
      const done = await test.jobs.cancel(accountId, id);
      expect(done).toMatchObject({ status: "failed", error: { code: "cancelled" }, cost: 0n });
      expect(await test.jobs.take()).toBeUndefined();
      expect(await test.jobs.cancel(accountId, id)).toEqual(done);
      expect(await balance(accountId)).toMatchObject({ credit: 1_000_000n, held: 0n });
      expect(await told(id)).toEqual(["video.cancelled"]);
    });

    it("while it runs tells the worker, who settles with what was computed", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const taken = await test.take();
      const heard = Promise.withResolvers<string>();
      const end = await test.jobs.onCancel(heard.resolve);
      expect(await test.jobs.cancel(accountId, id)).toMatchObject({ status: "in_progress" });
      expect(await heard.promise).toBe(id);
      await end();
      expect(await test.jobs.check(taken)).toBe("cancel");
      expect(await test.jobs.heartbeat(taken)).toBe("cancel");
      const done = await test.jobs.settle(taken, { kind: "cancelled", usage: usageOf(2) });
      expect(done).toMatchObject({ status: "failed", error: { code: "cancelled" }, cost: 2n });
      expect(await told(id)).toEqual(["video.started", "video.cancelled"]);
    });

    it("of a video whose worker is gone ends it, free, whoever finds it", async () => {
      const accountId = await test.account();
      for (const find of [() => test.jobs.sweep(), () => test.jobs.take()]) {
        const { id } = await test.create(accountId);
        const taken = await test.take();
        await test.jobs.cancel(accountId, id);
        await test.expire(taken);
        if (find.toString().includes("take"))
          await test.database.query("update pgboss.job set state = 'retry' where id = $1::uuid", [
            taken.jobId,
          ]);
        await find();
        expect(await test.jobs.get(accountId, id)).toMatchObject({ error: { code: "cancelled" }, cost: 0n });
      }
      expect(await test.jobs.take()).toBeUndefined();
    });

    it("wins over a retry", async () => {
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      const taken = await test.take();
      await test.jobs.cancel(accountId, id);
      const error = { code: "engine_crashed", message: "The engine crashed." };
      const done = await test.jobs.settle(taken, { kind: "failed", error, retry: true });
      expect(done).toMatchObject({ status: "failed", error: { code: "cancelled" }, cost: 0n });
    });
  });

  describe("a deadline", () => {
    it("passed before the start: failed and free, by a sweep or by its turn", async () => {
      const accountId = await test.account();
      for (const find of [() => test.jobs.sweep(), () => test.jobs.take()]) {
        const { id } = await test.create(accountId, { deadlineSeconds: 5 });
        await test.jobs.sweep();
        expect(await test.jobs.get(accountId, id)).toMatchObject({ status: "queued" });
        test.clock.now += 5_000;
        await find();
        expect(await test.jobs.get(accountId, id)).toMatchObject({
          status: "failed",
          error: { code: "deadline_exceeded" },
          cost: 0n,
        });
        expect(await told(id)).toEqual(["video.failed"]);
      }
    });

    it("passed after the start: the worker is told, and what was computed is billed", async () => {
      const accountId = await test.account();
      await test.create(accountId, { deadlineSeconds: 5 });
      const taken = await test.take();
      expect(await test.jobs.check(taken)).toBe("continue");
      test.clock.now += 5_000;
      expect(await test.jobs.check(taken)).toBe("deadline");
      const done = await test.jobs.settle(taken, { kind: "deadline_exceeded", usage: usageOf(4) });
      expect(done).toMatchObject({ status: "failed", error: { code: "deadline_exceeded" }, cost: 4n });
    });
  });

  describe("fairness", () => {
    it("one account's many don't starve another's one: it is next", async () => {
      await drain();
      const [many, one] = [await test.account(), await test.account()];
      for (let count = 0; count < 20; count++) await test.create(many);
      const first = await test.take();
      const { id } = await test.create(one);
      expect((await test.jobs.places([id])).get(id)?.position).toBe(0);
      expect((await test.take()).video.id).toBe(id);
      const turns = [];
      for (let count = 0; count < 3; count++) await test.create(one);
      for (let count = 0; count < 6; count++)
        turns.push((await test.take()).video.accountId === one ? "one" : "many");
      expect(turns.filter((whose) => whose === "one")).toHaveLength(3);
      expect(first.video.accountId).toBe(many);
      await drain();
    });

    it("an account that was away is not owed the turns it missed", async () => {
      await drain();
      const [busy, back] = [await test.account(), await test.account()];
      for (let count = 0; count < 10; count++) await test.create(busy);
      for (let count = 0; count < 5; count++) await test.take();
      for (let count = 0; count < 4; count++) await test.create(back);
      const turns = [];
      for (let count = 0; count < 6; count++)
        turns.push((await test.take()).video.accountId === back ? "back" : "busy");
      expect(turns.slice(0, 4).filter((whose) => whose === "busy").length).toBeGreaterThan(0);
      await drain();
    });

    it("no more of an account's run than may, and the others go on", async () => {
      await drain();
      const [capped, free] = [await test.account({ maxRunning: 2 }), await test.account()];
      for (let count = 0; count < 4; count++) await test.create(capped);
      const all = await Promise.all([1, 2, 3, 4].map(() => test.jobs.take()));
      const taken = all.filter((one) => one !== undefined);
      expect(taken).toHaveLength(2);
      await test.create(free);
      expect((await test.take()).video.accountId).toBe(free);
      expect(await test.jobs.take()).toBeUndefined();
      for (const one of taken) {
        await test.jobs.settle(one, completed(one));
        expect((await test.take()).video.accountId).toBe(capped);
        expect(await test.jobs.take()).toBeUndefined();
      }
    });
  });

  describe("lists, deleting, places", () => {
    it("pages by cursor both ways, through every video once", async () => {
      const accountId = await test.account();
      const made: string[] = [];
      for (let count = 0; count < 7; count++) made.push((await test.create(accountId)).id);
      for (const order of ["asc", "desc"] as const) {
        const seen: string[] = [];
        for (let after: string | undefined, more = true; more; ) {
          const page = await test.jobs.list({
            accountId,
            limit: 3,
            order,
            ...(after !== undefined && { after }),
          });
          seen.push(...page.videos.map(({ id }) => id));
          more = page.hasMore;
          after = seen.at(-1);
        }
        expect(seen).toEqual(order === "asc" ? made : made.toReversed());
      }
      const other = await test.account();
      const stolen = test.jobs.list({ accountId: other, limit: 3, order: "asc", after: made[0] ?? "" });
      await expect(stolen).rejects.toMatchObject({ code: "video_not_found" });
    });

    it("counts who starts before, and says how long that takes once it knows", async () => {
      await drain();
      const accountId = await test.account();
      const ids = [];
      for (let count = 0; count < 3; count++) ids.push((await test.create(accountId)).id);
      const taken = await test.take();
      const places = await test.jobs.places(ids);
      expect([...places].map(([id, { position }]) => [id, position])).toEqual(
        expect.arrayContaining([
          [ids[1], 0],
          [ids[2], 1],
        ]),
      );
      expect(places.has(ids[0] ?? "")).toBe(false);
      test.clock.now += 10_000;
      await test.jobs.settle(taken, completed(taken));
      const eta = (await test.jobs.places(ids)).get(ids[2] ?? "")?.etaSeconds;
      expect(eta).toBeGreaterThan(0);
    });

    it("delete hides a video that is over, refuses one that is not, and leaves its files to be purged", async () => {
      await drain();
      const accountId = await test.account();
      const { id } = await test.create(accountId);
      await expect(test.jobs.delete(accountId, id)).rejects.toMatchObject({ code: "video_live" });
      const taken = await test.take();
      await expect(test.jobs.delete(accountId, id)).rejects.toMatchObject({ code: "video_live" });
      await test.jobs.settle(taken, completed(taken));
      expect(await test.jobs.delete(accountId, id)).toMatchObject({ id });
      await expect(test.jobs.get(accountId, id)).rejects.toMatchObject({ code: "video_not_found" });
      await expect(test.jobs.delete(accountId, id)).rejects.toMatchObject({ code: "video_not_found" });
      expect((await test.jobs.list({ accountId, limit: 3, order: "asc" })).videos).toEqual([]);
      expect(await test.jobs.purgeable(100)).toContain(id);
      await test.jobs.purged([id]);
      expect(await test.jobs.purgeable(100)).not.toContain(id);
    });

    it("another account's video is as if it were not there", async () => {
      const [accountId, other] = [await test.account(), await test.account()];
      const { id } = await test.create(accountId);
      for (const call of [test.jobs.get, test.jobs.cancel, test.jobs.delete])
        await expect(call(other, id)).rejects.toMatchObject({ code: "video_not_found" });
      await drain();
    });
  });

  it("a sweep fails what the queue has forgotten, and forgets what has served its time", async () => {
    const accountId = await test.account();
    const { id } = await test.create(accountId, { idempotencyKey: "old" });
    await test.database.query("delete from pgboss.job where data->>'video_id' = $1", [id]);
    test.clock.now += 8 * 86_400_000;
    expect(await test.jobs.sweep()).toMatchObject({ lost: 1, forgotten: expect.any(Number) });
    expect(await test.jobs.get(accountId, id)).toMatchObject({ status: "failed", cost: 0n });
    expect(await test.database.query("select 1 from mixcache.idempotency")).toEqual([]);
    expect(await told(id)).toEqual(["video.failed"]);
  });

  it("wakes this process's workers when there is something to take", async () => {
    let woken = 0;
    const stop = test.jobs.onWork(() => {
      woken += 1;
    });
    const accountId = await test.account();
    await test.create(accountId, { idempotencyKey: "wake" });
    await test.jobs.create(test.wish(accountId, { idempotencyKey: "wake" }));
    expect(woken).toBe(1);
    await test.jobs.handBack(await test.take());
    expect(woken).toBe(2);
    stop();
    await test.create(accountId);
    expect(woken).toBe(2);
    await drain();
  });
});
