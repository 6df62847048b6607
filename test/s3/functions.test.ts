/**
 * The API and the tick as AWS Lambda runs them, on PostgreSQL and a real S3 server, from nothing to a video: the tick
 * starts a worker with the embedded model as a process, which ends when there is nothing to do. `npm run test:s3`.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readServerConfig } from "../../src/config/index.ts";
import { migrateDatabase, type Ticked } from "../../src/service/index.ts";
import { installRuntime, invoke, type UrlRequest } from "../support/function-url.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { noS3, s3Server, s3Suite, type TestBucket, testBucket } from "../support/s3.ts";
import { statement, until } from "../support/s3-service.ts";

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const OPERATOR = "the-operators-own-key-of-32-characters";
const TOKEN = "a-token-of-scalers-with-32-characters";
const PATIENCE_MS = 300_000;

describe.skipIf(noS3 !== undefined)(s3Suite("functions"), { timeout: PATIENCE_MS }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-functions-"));
  let postgres: Postgres;
  let bucket: TestBucket;
  let url: string;
  let handler: unknown;
  let tick: () => Promise<Ticked>;
  let key = OPERATOR;
  let account = "";
  const uninstall = installRuntime();

  beforeAll(async () => {
    const { accessKeyId, secretAccessKey } = s3Server();
    postgres = await startPostgres();
    bucket = await testBucket();
    url = await postgres.database();
    const env = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      DATABASE_URL: url,
      DATA_DIR: path.join(folder, "nothing-is-written-here"),
      S3_BUCKET: bucket.place.bucket,
      S3_ENDPOINT: bucket.place.endpoint,
      S3_PATH_STYLE: "1",
      OPERATOR_KEY: OPERATOR,
      INTERNAL_TOKEN: TOKEN,
      WEBHOOK_KEY: "ab".repeat(32),
      LAUNCHER: "local",
      LOG_LEVEL: "silent",
      THREADS: "1",
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    handler = (await import("../../functions/lambda.ts")).handler;
    tick = (await import("../../functions/tick.ts")).handler;
  }, PATIENCE_MS);
  afterAll(async () => {
    uninstall();
    bucket?.close();
    vi.unstubAllEnvs();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const call = async (method: string, route: string, body?: object, more: UrlRequest["headers"] = {}) => {
    const { response, ended } = invoke(handler, {
      method,
      url: route,
      headers: {
        authorization: `Bearer ${key}`,
        ...(key === OPERATOR && account !== "" && { "mixcache-account": account }),
        ...(body && { "content-type": "application/json" }),
        ...more,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    await ended;
    return { ...(await response.head), response };
  };
  const rows = (text: string) => statement(url, text) as Promise<Record<string, unknown>[]>;

  it("never migrate: before somebody has, requests are 503 and the tick says what to run", async () => {
    expect(await call("GET", "/v1/models")).toMatchObject({ statusCode: 503 });
    await expect(tick()).rejects.toMatchObject({ code: "database_older" });
    expect(
      await rows("select schema_name from information_schema.schemata where schema_name = 'mixcache'"),
    ).toEqual([]);
    expect(await migrateDatabase(readServerConfig(), SILENT)).toContain("0001-accounts");
    expect(await migrateDatabase(readServerConfig(), SILENT)).toEqual([]);
    expect(await call("GET", "/readyz")).toMatchObject({ statusCode: 200 });
    expect(await tick()).toMatchObject({ started: 0, scale: { desired: 0 } });
  });

  it("make an account and its key by the operator's", async () => {
    const made = await call("POST", "/v1/accounts", { name: "first", unlimited: true });
    expect(made.statusCode).toBe(201);
    account = String(made.response.json.id);
    const { response } = await call("POST", "/v1/keys", { name: "first" });
    key = String(response.json.secret);
    expect(key).toMatch(/^mx_/);
  });

  it("take a video, start one worker for it, stream its events, redirect to its file, and go down to none", async () => {
    const created = await call("POST", "/v1/videos", { prompt: "a red circle", num_inference_steps: 4 });
    expect(created).toMatchObject({ statusCode: 200, response: { json: { status: "queued" } } });
    const id = String(created.response.json.id);
    const number = async () => {
      const headers = { authorization: `Bearer ${TOKEN}` };
      return (await call("GET", "/internal/scale", undefined, headers)).response.json;
    };
    expect(await number()).toMatchObject({ desired: 1, missing: 1, queued: 1, starting: 0 });
    const streamed = invoke(handler, {
      method: "GET",
      url: `/v1/videos/${id}/events`,
      headers: { authorization: `Bearer ${key}`, accept: "text/event-stream" },
    });
    expect(await streamed.response.head).toMatchObject({
      statusCode: 200,
      headers: { "content-type": expect.stringContaining("text/event-stream") },
    });
    await streamed.response.until("event: video.queued");
    const ticks = await Promise.all([tick(), tick()]);
    expect(ticks.map(({ started }) => started).sort()).toEqual([0, 1]);
    await streamed.ended;
    expect(streamed.response.text).toContain("event: video.completed");
    const content = await call("GET", `/v1/videos/${id}/content`);
    expect(content.statusCode).toBe(302);
    expect(content.headers["cache-control"]).toContain("no-store");
    const file = await fetch(content.headers.location ?? "");
    expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(1000);
    const listed = await call("GET", "/v1/videos?limit=1");
    expect(listed.response.json).toMatchObject({ data: [{ id, status: "completed" }] });
    await until(async () => (await rows("select id from mixcache.workers")).length === 0);
    expect(await number()).toMatchObject({ desired: 0, busy: 0, idle: 0, starting: 0, queued: 0 });
  });

  it("tell the scale number to nobody else", async () => {
    expect((await call("GET", "/internal/scale")).statusCode).toBe(401);
    expect((await call("GET", "/internal/scale", undefined, { authorization: "" })).statusCode).toBe(401);
  });

  it("keep nothing on this machine, and hold few connections", async () => {
    expect(existsSync(path.join(folder, "nothing-is-written-here"))).toBe(false);
    const held = await rows("select 1 from pg_stat_activity where application_name = 'mixcache'");
    // Two of the pool, and those that listen for news.
    expect(held.length).toBeLessThanOrEqual(5);
  });
});
