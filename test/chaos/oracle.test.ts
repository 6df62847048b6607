import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { make } from "./make.ts";
import { judge } from "./oracle.ts";
import { ACCOUNTS, LONG_LEASE, openAccounts, openWorld, type World, wishOf } from "./world.ts";

const store = mkdtempSync(path.join(tmpdir(), "mixcache-oracle-"));
let world: World;
let id: string;
let spoilt: string;

beforeAll(async () => {
  world = await openWorld({ database: "memory", store, lease: LONG_LEASE });
  await openAccounts(world.database);
  id = (await world.jobs.create(wishOf(ACCOUNTS[0], "a video"))).video.id;
  const taken = await world.jobs.take();
  if (!taken) throw new Error("There is nothing to take.");
  await make(world, taken);
  spoilt = (await world.jobs.create(wishOf(ACCOUNTS[0], "another"))).video.id;
  await world.jobs.cancel(ACCOUNTS[0], spoilt);
});
afterAll(async () => {
  await world.close();
  rmSync(store, { recursive: true, force: true });
});

const verdict = (acknowledged = [id, spoilt]) => judge(world.database, store, new Set(acknowledged));

/** What the oracle says while the tables are spoilt; they are as before afterwards. */
async function spoiling(...statements: string[]) {
  let seen: Awaited<ReturnType<typeof verdict>> | undefined;
  const back = new Error("as before");
  await world.database
    .transaction(async (tx) => {
      for (const statement of statements) await tx.query(statement);
      seen = await judge({ ...world.database, query: tx.query }, store, new Set([id, spoilt]));
      throw back;
    })
    .catch((error: unknown) => {
      if (error !== back) throw error;
    });
  return seen;
}

describe("the oracle", () => {
  it("finds nothing where nothing is wrong", async () => {
    expect(await verdict()).toMatchObject({
      videos: 2,
      completed: 1,
      failed: { cancelled: 1 },
      files: 4,
      faults: [],
    });
  });

  it("finds an acknowledged video that is not there, and one that is not over", async () => {
    expect(await verdict([id, spoilt, "video_none"])).toMatchObject({ lost: 1 });
    const sent = `update mixcache.videos set status = 'queued', cost = null, error_code = null where id = '${spoilt}'`;
    expect(await spoiling(sent)).toMatchObject({ lost: 1 });
  });

  it("finds a video that is charged twice, or not what its row says", async () => {
    const again = `insert into mixcache.ledger_entries (account_id, kind, video_id, made_at, credit, held, revenue)
      select account_id, 'settle', video_id, made_at, credit, held, revenue from mixcache.ledger_entries
      where video_id = '${id}' and kind = 'settle'`;
    expect(await spoiling("drop index mixcache.ledger_one_end", again)).toMatchObject({ chargedTwice: 1 });
    expect(await spoiling(`update mixcache.videos set cost = cost + 1 where id = '${id}'`)).toMatchObject({
      chargedTwice: 1,
      faults: [expect.stringContaining("its row says"), expect.stringContaining("its record comes to")],
    });
  });

  it("finds books and lines that drifted", async () => {
    const books = "update mixcache.balances set credit = credit + 1, issued = issued - 1";
    expect((await spoiling(books))?.faults).toEqual(ACCOUNTS.map((one) => expect.stringContaining(one)));
    expect((await spoiling("update mixcache.lines set running = running + 1"))?.faults).toHaveLength(
      ACCOUNTS.length,
    );
  });

  it("finds a failed video that was charged, a fourth attempt, an end that was told twice and a job that is left", async () => {
    const faults = async (...statements: string[]) => (await spoiling(...statements))?.faults.join(" ");
    const crashed = "update mixcache.videos set error_code = 'engine_crashed', cost = 5";
    expect(await faults(`${crashed} where id = '${spoilt}'`)).toContain("failed and was charged 5");
    const four = `[${Array(4).fill('{"code":"worker_lost"}').join()}]`;
    expect(await faults(`update mixcache.videos set failures = '${four}'`)).toContain("failed in 4 attempts");
    expect(await faults("update mixcache.videos set attempt = 9")).toContain("was taken 9 times");
    const twice = `insert into mixcache.outbox select id || 'x', video_id, account_id, type, payload, created_at from mixcache.outbox`;
    expect(await faults(twice)).toContain("was told 2 times");
    expect(await faults("update pgboss.job set state = 'active'")).toContain("is over and has a job");
  });

  it("finds an event that is missing, one too many, and one without its change", async () => {
    const said = [expect.stringContaining("are not what happened to it")];
    const of = `where video_id = '${id}'`;
    const last = `sequence = (select max(sequence) from mixcache.events ${of})`;
    for (const wrong of [
      `delete from mixcache.events ${of} and sequence = 2`,
      `delete from mixcache.events ${of} and ${last}`,
      `insert into mixcache.events select video_id, sequence + 1, type, attempt, data, created_at from mixcache.events ${of} and ${last}`,
      `update mixcache.events set type = 'video.requeued' ${of} and type = 'video.started'`,
      `update mixcache.videos set last_event = last_event + 1 where id = '${id}'`,
    ])
      expect((await spoiling(wrong))?.faults).toEqual(said);
  });

  it("finds a charge that has no record, and files of a deleted video", async () => {
    const faults = async (...statements: string[]) => (await spoiling(...statements))?.faults.join(" ");
    expect(await faults(`update mixcache.videos set cost = 5 where id = '${spoilt}'`)).toContain(
      "has no record",
    );
    expect(await faults(`update mixcache.videos set deleted_at = now() where id = '${id}'`)).toContain(
      "was deleted and has",
    );
    expect(await faults(`update mixcache.videos set deleted_at = now() where id = '${spoilt}'`)).toContain(
      "wait to be removed",
    );
  });

  it("finds a file that is another one", async () => {
    appendFileSync(path.join(store, "videos", id, "1", "thumbnail.webp"), "x");
    expect(await verdict()).toMatchObject({ wrongFiles: 1 });
  });
});
