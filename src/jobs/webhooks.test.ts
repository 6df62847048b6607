/** Deliveries on both databases: what is one transaction, and what becomes of senders that vanish. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hasten } from "../../test/support/hasten.ts";
import { openTestJobs, type TestJobs } from "../../test/support/jobs.ts";
import { type Postgres, startPostgres } from "../../test/support/postgres.ts";
import { openAccounts } from "./accounts.ts";
import { openDatabase, WEBHOOK_EVENTS } from "./index.ts";
import type { ClaimedDelivery, WebhookJobs } from "./webhook-contract.ts";

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

describe.each(["pglite", "postgres"])("deliveries on %s", (kind) => {
  let test: TestJobs;
  let webhooks: WebhookJobs;
  let account: string;
  beforeAll(async () => {
    test = await openTestJobs(
      await openDatabase(kind === "pglite" ? "memory" : { url: await postgres.database() }),
    );
    webhooks = test.jobs.webhooks;
  });
  beforeEach(async () => {
    await test.database.query("delete from pgboss.job where name = 'webhook'");
    await test.database.query("delete from mixcache.outbox");
    account = await test.account();
  });
  afterAll(() => test.close());

  const endpoint = async (url = "https://hooks.example.com/") => {
    const id = webhooks.newId();
    const wish = { id, accountId: account, url, events: WEBHOOK_EVENTS, sealed: "sealed" };
    return webhooks.addEndpoint(wish, 100);
  };
  const happen = async (times = 1) => {
    for (let count = 0; count < times; count++) {
      const { id } = await test.create(account);
      await test.jobs.cancel(account, id);
    }
    while ((await webhooks.fanOut()) > 0);
  };
  const claim = async (): Promise<ClaimedDelivery> => {
    const [claimed] = (await webhooks.claim(1, [])).deliveries;
    if (!claimed) throw new Error("There is nothing to send.");
    return claimed;
  };
  const attempt = () => ({ at: new Date(test.clock.now), durationMs: 5, status: 500, error: "status" });
  const delivery = async (id: string) => (await webhooks.deliveries(account, id, { limit: 1 }))[0];
  const waitingForLocks = async () => {
    const [row] = await test.database.query<{ count: number }>(
      "select count(*)::integer as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return row?.count;
  };
  const waiting = async () =>
    (await webhooks.claim(100, [])).deliveries.map(({ id, jobId }) => ({ id, jobId }));

  it("an account that is deleted meanwhile is said not to be there, by webhooks and keys alike", async () => {
    const accounts = openAccounts({
      database: test.database,
      ids: { account: () => "acct_unused", key: () => "key_late" },
      cell: "a",
      now: () => new Date(test.clock.now),
      randomBytes: (count) => new Uint8Array(count),
    });
    account = await test.account({ credit: 0n });
    const deleted = Promise.withResolvers<void>();
    const committed = Promise.withResolvers<void>();
    const deletion = test.database.transaction(async (tx) => {
      for (const own of ["lines where account_id", "balances where account_id", "accounts where id"])
        await tx.query(`delete from mixcache.${own} = $1`, [account]);
      deleted.resolve();
      await committed.promise;
    });
    await deleted.promise;
    const late = [endpoint(), accounts.createKey({ accountId: account, name: "late" })];
    const rejected = Promise.allSettled(late);
    // The embedded database has one connection: there they wait for the transaction, not for the row.
    if (kind === "postgres") while ((await waitingForLocks()) !== late.length);
    committed.resolve();
    await deletion;
    for (const one of await rejected)
      expect(one).toMatchObject({ status: "rejected", reason: { code: "account_not_found" } });
  });

  it("an attempt and the next job are written together, or not at all", async () => {
    const { id } = await endpoint();
    await happen();
    const claimed = await claim();
    const retry = { kind: "retry", delaySeconds: 0 } as const;
    // No column takes such a status: the transaction fails after the job was completed.
    await expect(webhooks.finish(claimed, { ...attempt(), status: 2 ** 40 }, retry)).rejects.toThrow();
    expect(await delivery(id)).toMatchObject({ state: "pending", attempts: [] });
    expect(await waiting()).toEqual([]);
    await webhooks.finish(claimed, attempt(), retry);
    expect(await delivery(id)).toMatchObject({ state: "pending", attempts: [{ number: 1, status: 500 }] });
    const next = await claim();
    expect(next).toMatchObject({ id: claimed.id, eventId: claimed.eventId, failures: 1 });
    expect(next.jobId).not.toBe(claimed.jobId);
  });

  it("events and their deliveries are written together, or not at all", async () => {
    await endpoint();
    const { id } = await test.create(account);
    await test.jobs.cancel(account, id);
    const breaks = "alter table mixcache.webhook_deliveries add constraint none check (false) not valid";
    await test.database.query(breaks);
    await expect(webhooks.fanOut()).rejects.toThrow();
    expect(await waiting()).toEqual([]);
    await test.database.query("alter table mixcache.webhook_deliveries drop constraint none");
    expect(await webhooks.fanOut()).toBe(1);
    expect(await webhooks.fanOut()).toBe(0);
    expect(await waiting()).toHaveLength(1);
  });

  it("what a vanished sender held is sent by another one, and the first comes too late to decide", async () => {
    const { id } = await endpoint();
    await happen();
    const lost = await claim();
    await hasten(test.database, 61);
    await test.database.query("update pgboss.queue set monitor_claim_on = null, monitor_on = null");
    await test.jobs.sweep();
    const second = await claim();
    expect(second).toMatchObject({ id: lost.id, jobId: lost.jobId, retryCount: lost.retryCount + 1 });
    await webhooks.finish(lost, attempt(), { kind: "failed" });
    expect(await delivery(id)).toMatchObject({ state: "pending", attempts: [{ number: 1 }] });
    await webhooks.finish(second, { ...attempt(), status: 200, error: undefined }, { kind: "delivered" });
    expect(await delivery(id)).toMatchObject({
      state: "delivered",
      attempts: [{ number: 1 }, { number: 2 }],
    });
  });

  it("what is given back is due at once", async () => {
    await endpoint();
    await happen();
    const claimed = await claim();
    await webhooks.release(claimed);
    expect(await waiting()).toEqual([{ id: claimed.id, jobId: claimed.jobId }]);
  });

  it("one receiver has four at a time at most, one while it fails, and holds up nobody", async () => {
    const many = await endpoint("https://many.example.com/");
    await happen(30);
    const few = await endpoint("https://few.example.com/");
    await happen();
    const claims: ClaimedDelivery[] = [];
    for (let more = true; more; ) {
      const next = await webhooks.claim(10, []);
      claims.push(...next.deliveries);
      more = next.more;
    }
    const of = (id: string) => claims.filter(({ endpointId }) => endpointId === id);
    expect([of(many.id).length, of(few.id).length]).toEqual([4, 1]);
    for (const claimed of of(many.id))
      await webhooks.finish(claimed, attempt(), { kind: "retry", delaySeconds: 0 });
    await happen();
    // Those that were made before it failed are still four at a time; those after it, one.
    await test.database.query("delete from pgboss.job where name = 'webhook' and group_tier is null");
    expect(await waiting()).toHaveLength(1);
    expect((await webhooks.endpoint(account, many.id)).failingSince).toEqual(new Date(test.clock.now));
  });

  it("lanes that are left out are left out, and others are not", async () => {
    const slow = await endpoint("https://slow.example.com/");
    await endpoint("https://quick.example.com/");
    await happen();
    const { deliveries } = await webhooks.claim(10, [slow.id]);
    expect(deliveries.map(({ url }) => url)).toEqual(["https://quick.example.com/"]);
  });

  it("the outbox keeps what is still being told, and forgets the rest with its deliveries", async () => {
    const { id } = await endpoint();
    await happen();
    const claimed = await claim();
    await webhooks.finish(claimed, attempt(), { kind: "retry", delaySeconds: 3600 });
    test.clock.now += 8 * 86_400_000;
    await test.jobs.sweep();
    expect(await delivery(id)).toMatchObject({ state: "pending" });
    await hasten(test.database, 3600);
    await webhooks.finish(await claim(), attempt(), { kind: "failed" });
    await test.jobs.sweep();
    expect(await delivery(id)).toBeUndefined();
    const [rows] = await test.database.query(
      "select count(*)::integer as count from mixcache.webhook_attempts",
    );
    expect(rows).toEqual({ count: 0 });
  });
});
