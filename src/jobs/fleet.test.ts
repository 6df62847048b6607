/** How many workers are wanted, and that nobody starts more. */

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bothDatabases } from "../../test/support/databases.ts";
import { openTestJobs, resultOf, type TestJobs } from "../../test/support/jobs.ts";
import { type Fleet, openFleet } from "./index.ts";

const POLICY = { max: 10, targetWaitSeconds: 60, startSeconds: 300, silenceSeconds: 30 };
const TFLOP = 1_000_000_000_000n;

describe.each(bothDatabases().kinds)("the number of workers on %s", (_, open) => {
  let test: TestJobs;
  let fleet: Fleet;
  let account: string;
  beforeEach(async () => {
    test = await openTestJobs(await open());
    fleet = openFleet(test.database, POLICY);
    account = await test.account();
  });
  afterEach(() => test.close());

  const queue = async (count: number, tflops = 1) => {
    for (let made = 0; made < count; made++)
      await test.create(account, { mostFlops: BigInt(tflops) * TFLOP, fingerprint: randomUUID() });
  };
  /** A video that took so long. */
  const make = async (seconds: number, tflops = 1) => {
    await queue(1, tflops);
    const taken = await test.take();
    const usage = { flops: TFLOP / 2n, engineMs: BigInt(seconds * 1000), videoMs: 1n };
    await test.jobs.settle(taken, { kind: "completed", result: resultOf(taken), usage });
  };
  const expectMissing = () => fleet.expect(randomUUID);

  it("is zero with nothing to do, and a worker a video where nothing is known of how long one takes", async () => {
    expect(await fleet.scale()).toMatchObject({ desired: 0, missing: 0, busy: 0, idle: 0, queued: 0 });
    await queue(3);
    expect(await fleet.scale()).toMatchObject({ desired: 3, missing: 3, queued: 3, backlogGpuSeconds: 180 });
  });

  it("says for how long the oldest of those that wait has waited, and nothing where none does", async () => {
    expect((await fleet.scale()).oldestSeconds).toBe(0);
    await queue(2);
    await test.database.query("update mixcache.videos set created_at = now() - interval '90 seconds'");
    const { oldestSeconds } = await fleet.scale();
    expect(oldestSeconds).toBeGreaterThanOrEqual(90);
    expect(oldestSeconds).toBeLessThan(90 + 60);
    await test.take();
    await test.take();
    expect((await fleet.scale()).oldestSeconds).toBe(0);
  });

  it("goes by what the last videos took for the FLOPs that they were allowed", async () => {
    await make(10);
    await make(20, 2);
    await queue(2, 1);
    await queue(1, 12);
    // 30 s for 3 TFLOPs: 10 s for each of the 14 that wait.
    expect((await fleet.scale()).backlogGpuSeconds).toBeCloseTo(140);
    expect(await fleet.scale()).toMatchObject({ desired: 3, missing: 3, queued: 3 });
    await test.database.query("update mixcache.videos set most_flops = null where status = 'queued'");
    expect((await fleet.scale()).backlogGpuSeconds).toBeCloseTo(45);
  });

  it("adds to who is busy only what they would not do in time, and never more than the most", async () => {
    await make(10);
    await queue(8);
    await test.take();
    expect(await fleet.scale()).toMatchObject({ desired: 3, busy: 1, queued: 7, backlogGpuSeconds: 70 });
    await queue(100);
    expect(await fleet.scale()).toMatchObject({ desired: 10, max: 10 });
  });

  it("starts nothing for videos that an account's max_running holds back", async () => {
    account = await test.account({ maxRunning: 2 });
    await queue(5);
    expect(await fleet.scale()).toMatchObject({ startable: 2, queued: 5, desired: 2 });
    await test.take();
    expect(await fleet.scale()).toMatchObject({ startable: 1, queued: 4, busy: 1, desired: 2 });
  });

  it("counts who is starting and who waits for work, so that they are not started again", async () => {
    await queue(3);
    const ids = await expectMissing();
    expect(ids).toHaveLength(3);
    expect(await fleet.scale()).toMatchObject({ desired: 3, starting: 3, missing: 0 });
    const [one = "", two = ""] = ids;
    await fleet.presence(one).alive(false);
    await fleet.presence(two).alive(true);
    expect(await fleet.scale()).toMatchObject({ starting: 2, idle: 1, missing: 0 });
    await test.take();
    expect(await fleet.scale()).toMatchObject({ starting: 2, idle: 0, busy: 1, missing: 0 });
    await fleet.giveUp(one);
    expect(await fleet.scale()).toMatchObject({ starting: 1, missing: 1 });
    await fleet.presence(two).gone();
    await fleet.presence("by-hand").alive(true);
    expect(await fleet.scale()).toMatchObject({ starting: 1, busy: 1, idle: 0 });
  });

  it("starts no surplus, however many ask at once", async () => {
    await queue(4);
    const started = await Promise.all(Array.from({ length: 5 }, expectMissing));
    expect(started.flat()).toHaveLength(4);
    expect(new Set(started.flat()).size).toBe(4);
  });

  it("forgets who never came and who fell silent", async () => {
    await queue(2);
    const [never = "", silent = ""] = await expectMissing();
    await fleet.presence(silent).alive(true);
    expect(await expectMissing()).toEqual([]);
    const age = "update mixcache.workers set launched_at = launched_at - $2::interval where id = $1";
    await test.database.query(age, [never, "301 s"]);
    await test.database.query(
      "update mixcache.workers set seen_at = seen_at - interval '31 s' where id = $1",
      [silent],
    );
    expect(await fleet.scale()).toMatchObject({ starting: 0, idle: 0, missing: 2 });
    const again = await expectMissing();
    expect(again).toHaveLength(2);
    const rows = await test.database.query<{ id: string }>("select id from mixcache.workers order by id");
    expect(rows.map(({ id }) => id)).toEqual([...again].sort());
    await test.database.query(
      "insert into mixcache.workers (id, seen_at) values ('killed', now() - interval '2 days')",
    );
    await fleet.presence("leaves").gone();
    expect(await test.database.query("select 1 from mixcache.workers where id = 'killed'")).toEqual([]);
    // It was only slow: it counts from now on.
    await fleet.presence(silent).alive(true);
    expect(await fleet.scale()).toMatchObject({ starting: 2, idle: 1 });
  });
});
