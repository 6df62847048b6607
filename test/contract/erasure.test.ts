/**
 * `DELETE /v1/account/data`, and then a search for whatever pointed to the account: every row of every table of the
 * database, every object, every line that was logged.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditLedger } from "../../src/jobs/index.ts";
import { ERASE } from "../../src/jobs/sql/erase.ts";
import { createLog } from "../../src/logging.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { type Receiver, startReceiver, status } from "../support/receiver.ts";

let api: TestApi;
let receiver: Receiver;
const lines: string[] = [];

beforeAll(async () => {
  const log = createLog({ level: "debug", destination: { write: (line: string) => lines.push(line) } });
  api = await startTestApi(undefined, { log });
  await api.startWorker();
  receiver = await startReceiver();
  // What fails is sent again later, so that deliveries still wait.
  receiver.answer(status(500));
});
afterAll(async () => {
  await api.close();
  await receiver.close();
});

async function ask(key: string, method: string, path: string, body?: object, more: object = {}) {
  const response = await api.app.request(path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }), ...more },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Shown };
}

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly secret: string;
  readonly [field: string]: unknown;
}

async function over(key: string, id: string): Promise<Shown> {
  for (;;) {
    const { body } = await ask(key, "GET", `/v1/videos/${id}`);
    if (body.status === "completed" || body.status === "failed") return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Every row of every table, as text. */
async function everyRow(): Promise<string[]> {
  const tables = await api.database.query<{ name: string }>(
    "select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')",
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["mixcache.videos", "mixcache.ledger_entries", "pgboss.job"]),
  );
  const rows: string[] = [];
  for (const { name } of tables)
    for (const row of await api.database.query<{ row: string }>(
      `select to_jsonb(t)::text as row from ${name} as t`,
    ))
      rows.push(`${name}: ${row.row}`);
  return rows;
}

async function everyObject(): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.store.list("", cursor);
    for (const { key } of page.objects) {
      const object = await api.store.get(key);
      found.push(`${key}: ${Buffer.from(await new Response(object?.body).arrayBuffer()).toString("latin1")}`);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

const mentions = (texts: readonly string[], markers: readonly string[]) =>
  texts.filter((text) => markers.some((marker) => text.includes(marker)));

/** An account that has used everything. @returns its key and all that points to it */
async function used() {
  const mark = `mark${Math.random().toString(36).slice(2)}`;
  const operator = api.operatorKey;
  const made = await ask(operator, "POST", "/v1/accounts", { name: `Name ${mark}` });
  const { id } = made.body;
  await ask(operator, "POST", `/v1/accounts/${id}/credit`, { amount: "10.00", reference: `invoice ${mark}` });
  const own = { "mixcache-account": id };
  const limits = { requests_per_minute: 100_000, spend_cap: { amount: "5", period: "day" } };
  const scoped = { name: `Key ${mark}`, scopes: ["videos:read", "videos:write"], ...limits };
  const limited = (await ask(operator, "POST", "/v1/keys", scoped, own)).body;
  const manager = (await ask(operator, "POST", "/v1/keys", { name: `Manager ${mark}` }, own)).body;
  const hook = { url: `${receiver.origin}/hook/${mark}` };
  const endpoint = (await ask(manager.secret, "POST", "/v1/webhooks", hook)).body;
  const signing = (await ask(manager.secret, "POST", "/v1/webhooks/signing-secret")).body;
  const wish = {
    prompt: `Prompt ${mark}`,
    negative_prompt: `Negative ${mark}`,
    metadata: { note: mark },
    previews: 5,
    webhook_url: `${receiver.origin}/request/${mark}`,
  };
  const idempotent = { "idempotency-key": `order-${mark}` };
  const first = (await ask(limited.secret, "POST", "/v1/videos", wish, idempotent)).body;
  await over(limited.secret, first.id);
  const remix = await ask(limited.secret, "POST", `/v1/videos/${first.id}/remix`, {
    prompt: `Remix ${mark}`,
  });
  await over(limited.secret, remix.body.id);
  const failed = (await ask(limited.secret, "POST", "/v1/videos", { prompt: `refuse ${mark}` })).body;
  await over(limited.secret, failed.id);
  const hidden = (await ask(limited.secret, "POST", "/v1/videos", wish)).body;
  await over(limited.secret, hidden.id);
  await ask(limited.secret, "DELETE", `/v1/videos/${hidden.id}`);
  await ask(manager.secret, "DELETE", `/v1/keys/${limited.id}`);
  await api.sender.settle();
  const told = await Promise.all(
    [endpoint, signing].map((one) => api.jobs.webhooks.deliveries(id, one.id, { limit: 100 })),
  );
  for (const deliveries of told) expect(deliveries.length).toBeGreaterThan(0);
  const videos = [first.id, remix.body.id, failed.id, hidden.id];
  const webhooks = [endpoint, signing, ...told.flat()].map((one) => one.id);
  const keys = [limited, manager].flatMap((key) => [key.id, key.secret, String(key.prefix)]);
  return { id, key: manager.secret, ids: [...videos, ...webhooks], videos, markers: [mark, id, ...keys] };
}

/** Where an account that has used everything has rows. */
const EVERYWHERE = [
  ...["accounts", "api_keys", "balances", "events", "idempotency", "key_rates", "ledger_entries", "lines"],
  ...["outbox", "videos", "webhook_attempts", "webhook_deliveries", "webhook_endpoints"],
].map((name) => `mixcache.${name}`);

describe("an account's data", () => {
  it("is nowhere any more, but for ledger lines that nothing links to it", async () => {
    const other = await used();
    const account = await used();
    const before = await everyRow();
    const own = mentions(before, [...account.markers, ...account.ids]);
    const tables = new Set(own.map((row) => row.slice(0, row.indexOf(":"))));
    expect([...tables]).toEqual(expect.arrayContaining(EVERYWHERE));
    expect(own.some((row) => row.includes('"delivery_id"') && row.startsWith("pgboss."))).toBe(true);
    const objects = mentions(await everyObject(), account.videos);
    expect(objects.some((object) => object.includes("/preview-"))).toBe(true);
    expect(objects.length).toBeGreaterThan(5);
    const entriesBefore = before.filter((row) => row.startsWith("mixcache.ledger_entries"));
    const held = mentions(before, other.markers).length;

    const deleted = await ask(account.key, "DELETE", "/v1/account/data");
    expect(deleted).toMatchObject({ status: 200, body: { object: "account.data_deleted", videos: 4 } });

    const rows = await everyRow();
    expect(mentions(rows, [...account.markers, ...account.ids])).toEqual([]);
    expect(mentions(await everyObject(), [...account.markers, ...account.ids])).toEqual([]);
    expect(mentions(lines, account.markers)).toEqual([]);
    expect(lines.length).toBeGreaterThan(20);
    // The books still add up, entry by entry, and the other account has lost nothing.
    expect(rows.filter((row) => row.startsWith("mixcache.ledger_entries"))).toHaveLength(
      entriesBefore.length,
    );
    expect(await auditLedger(api.database)).toMatchObject({ faults: [] });
    expect(mentions(rows, other.markers).length).toBe(held);
    expect((await ask(account.key, "GET", "/v1/videos")).status).toBe(401);
    expect((await ask(other.key, "GET", `/v1/videos/${other.videos[0]}`)).status).toBe(200);
    expect((await ask(api.operatorKey, "GET", `/v1/accounts/${account.id}`)).status).toBe(404);
    await expect(
      api.database.query("update mixcache.ledger_entries set account_id = account_id"),
    ).rejects.toThrow("append-only");
  });

  it("waits until workers have stopped: 409, and then it is done", async () => {
    const { id, key } = await api.account({ credit: 1_000_000n });
    const { body: running } = await ask(key, "POST", "/v1/videos", { prompt: "hang" });
    while ((await ask(key, "GET", `/v1/videos/${running.id}`)).body.status !== "in_progress")
      await new Promise((resolve) => setTimeout(resolve, 20));
    const { body: waiting } = await ask(key, "POST", "/v1/videos", { prompt: "a red circle" });
    const refused = await ask(key, "DELETE", "/v1/account/data");
    expect(refused).toMatchObject({ status: 409, body: { code: "account_busy" } });
    expect(refused.headers.get("retry-after")).toBe("2");
    expect((await ask(key, "GET", `/v1/videos/${waiting.id}`)).body).toMatchObject({ status: "failed" });
    let answer = refused;
    while (answer.status === 409) answer = await ask(key, "DELETE", "/v1/account/data");
    expect(answer.status).toBe(200);
    expect(mentions(await everyRow(), [id, running.id, waiting.id])).toEqual([]);
  });

  it("needs a key that may manage keys", async () => {
    const { id } = await api.account();
    const { secret } = await api.accounts.createKey({ accountId: id, name: "x", scopes: ["videos:write"] });
    expect((await ask(secret, "DELETE", "/v1/account/data")).status).toBe(403);
  });
});

it("every table that names an account, a key or a video is known to the deletion", async () => {
  const tables = await api.database.query<{ name: string }>(
    "select distinct c.table_schema || '.' || c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name) where t.table_type = 'BASE TABLE' and c.table_schema = 'mixcache' and c.column_name in ('account_id', 'key_id', 'video_id') order by 1",
  );
  const books = ["mixcache.balances", "mixcache.ledger_entries"];
  const erased = ERASE.map((statement) => /^delete from (\S+)/.exec(statement)?.[1]);
  expect(tables.length).toBeGreaterThan(6);
  for (const { name } of tables) if (!books.includes(name)) expect(erased).toContain(name);
});
