import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { memoryDatabase } from "../../test/support/memory-database.ts";
import { type Accounts, KEY_SCOPES } from "./account-types.ts";
import { type AccountsOptions, openAccounts } from "./accounts.ts";
import type { Database } from "./database-contract.ts";
import { makeIds } from "./ids.ts";

let database: Database;
let accounts: Accounts;
let time = Date.UTC(2026, 0, 1);
let drawn = 0;

/** Bytes that look random and are the same in every run. */
function bytes(count: number): Uint8Array {
  drawn += 1;
  return createHash("sha512").update(`${drawn}`).digest().subarray(0, count);
}

const open = (changes: Partial<AccountsOptions> = {}) =>
  openAccounts({
    database,
    ids: makeIds({ cell: "a", now: () => time, random: () => 0.5 }),
    cell: "a",
    now: () => new Date(time),
    randomBytes: bytes,
    operatorKey: "the operator's own key, 32 characters",
    maxQueued: 100,
    ...changes,
  });

beforeAll(async () => {
  database = await memoryDatabase();
});
beforeEach(() => {
  // Ids ascend with time, and every test makes its own.
  time += 1000;
  accounts = open();
});
afterAll(() => database.close());

describe("the first start", () => {
  it("makes one account that needs no credit, and a key for it; later starts make none", async () => {
    const secret = await accounts.first();
    const principal = await accounts.authenticate(secret ?? "");
    expect(principal?.scopes).toEqual(KEY_SCOPES);
    const account = await accounts.get(principal?.accountId ?? "");
    expect(account).toMatchObject({ unlimited: true, maxQueued: undefined, maxRunning: undefined });
    expect(await accounts.balance(account.id)).toMatchObject({ unlimited: true, credit: 0n });
    expect(await Promise.all([accounts.first(), open().first()])).toEqual([undefined, undefined]);
  });
});

describe("accounts", () => {
  it("get the server's limits where they have none of their own", async () => {
    const made = await accounts.create({ name: "  Ann  " });
    expect(made).toMatchObject({ name: "Ann", unlimited: false, maxQueued: 100, maxRunning: undefined });
    expect(await accounts.get(made.id)).toEqual(made);
    const free = await accounts.create({ name: "Bob", maxQueued: null, maxRunning: 2 });
    expect(await accounts.get(free.id)).toMatchObject({ maxQueued: undefined, maxRunning: 2 });
    const after = await accounts.list({ after: made.id, limit: 10 });
    expect(after.map(({ name }) => name)).toEqual(["Bob"]);
  });

  it("are refused without a name or with a limit that is none", async () => {
    for (const [field, wish] of [
      ["name", { name: " " }],
      ["name", { name: "x".repeat(201) }],
      ["max_queued", { name: "x", maxQueued: -1 }],
      ["max_running", { name: "x", maxRunning: 0 }],
      ["max_running", { name: "x", maxRunning: 1.5 }],
    ] as const)
      await expect(accounts.create(wish)).rejects.toMatchObject({ code: "invalid_argument", field });
    await expect(accounts.get("acct_none")).rejects.toMatchObject({ code: "account_not_found" });
  });

  it("get credit once for each reference", async () => {
    const { id: accountId } = await accounts.create({ name: "Ann" });
    const wish = { accountId, amount: 5_000_000n, reference: "invoice 1" };
    expect(await accounts.credit(wish)).toMatchObject({ credit: 5_000_000n, issued: -5_000_000n });
    await expect(accounts.credit(wish)).rejects.toMatchObject({ code: "credit_exists" });
    await expect(accounts.credit({ ...wish, amount: -6_000_000n, reference: "2" })).rejects.toMatchObject({
      code: "credit_insufficient",
    });
    expect(await accounts.credit({ ...wish, amount: -1n, reference: "3" })).toMatchObject({
      credit: 4_999_999n,
    });
    const entries = await accounts.entries(accountId, { limit: 10 });
    expect(entries.map(({ kind, reference, credit }) => [kind, reference, credit])).toEqual([
      ["credit", "3", -1n],
      ["credit", "invoice 1", 5_000_000n],
    ]);
    await expect(accounts.credit({ ...wish, accountId: "acct_none" })).rejects.toMatchObject({
      code: "account_not_found",
    });
    await expect(accounts.entries("acct_none", { limit: 1 })).rejects.toMatchObject({
      code: "account_not_found",
    });
  });
});

describe("keys", () => {
  const made = async (scopes?: readonly (typeof KEY_SCOPES)[number][]) => {
    const account = await accounts.create({ name: "Ann" });
    return {
      account,
      ...(await accounts.createKey({ accountId: account.id, name: "laptop", ...(scopes && { scopes }) })),
    };
  };

  it("open their account with their scopes, and nothing after they were revoked", async () => {
    const { account, key, secret } = await made(["videos:read"]);
    const asked = { accountId: account.id, keyId: key.id, scopes: ["videos:read"], limits: {} };
    expect(await accounts.authenticate(secret)).toEqual(asked);
    const revoked = await accounts.revokeKey(account.id, key.id);
    expect(revoked.revokedAt).toEqual(new Date(time));
    expect(await accounts.authenticate(secret)).toBeUndefined();
    time += 5000;
    expect((await accounts.revokeKey(account.id, key.id)).revokedAt).toEqual(revoked.revokedAt);
  });

  it("are kept as a digest, and shown by their prefix", async () => {
    const { account, key, secret } = await made();
    expect(secret.startsWith(key.prefix)).toBe(true);
    expect(await accounts.listKeys(account.id, { limit: 10 })).toEqual([key]);
    const [row] = await database.query("select * from mixcache.api_keys where id = $1", [key.id]);
    expect(JSON.stringify(row)).not.toContain(secret.slice(key.prefix.length));
  });

  it("of another account are not there", async () => {
    const { key } = await made();
    const other = await accounts.create({ name: "Eve" });
    await expect(accounts.revokeKey(other.id, key.id)).rejects.toMatchObject({ code: "key_not_found" });
    await expect(accounts.createKey({ accountId: "acct_none", name: "x" })).rejects.toMatchObject({
      code: "account_not_found",
    });
  });

  it("note when they were used, at most once a minute", async () => {
    const { account, secret } = await made();
    const used = async () => {
      await accounts.authenticate(secret);
      return (await accounts.listKeys(account.id, { limit: 1 }))[0]?.lastUsedAt?.getTime();
    };
    const first = time;
    expect(await used()).toBe(first);
    time += 59_999;
    expect(await used()).toBe(first);
    time += 1;
    expect(await used()).toBe(time);
  });

  it("that nobody has made open nothing, and most don't even reach the database", async () => {
    const asked: string[] = [];
    const watched: Database = {
      ...database,
      query: (text, values) => {
        asked.push(text);
        return database.query(text, values);
      },
    };
    const watching = open({ database: watched });
    for (const wrong of ["", "mx_", "sk-abc", `mx_${"a".repeat(47)}`, "the operator's own key, 32 character"])
      expect(await watching.authenticate(wrong)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it("of the operator is apart: no account, and its one scope", async () => {
    expect(await accounts.authenticate("the operator's own key, 32 characters")).toEqual({
      accountId: undefined,
      keyId: "operator",
      scopes: ["operator"],
      limits: {},
    });
  });
});
