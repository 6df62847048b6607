/** The API over everything real but the engine: database, jobs, accounts, store, worker, and an HTTP server. */

import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { type ApiOptions, createApi, presentVideo } from "../../src/api/index.ts";
import { embeddedModel } from "../../src/api/testing.ts";
import {
  type Accounts,
  type AccountsOptions,
  bill,
  type Database,
  type Jobs,
  ledger,
  MIGRATIONS,
  makeIds,
  migrate,
  openAccounts,
  openDatabase,
  openFleet,
  openJobs,
  openReports,
  spendProof,
} from "../../src/jobs/index.ts";
import { FolderStore } from "../../src/storage/index.ts";
import { Metrics } from "../../src/telemetry/index.ts";
import { openWebhooks, systemResolve, WebhookSender } from "../../src/webhooks/index.ts";
import { systemTimers, Worker, type WorkerEngine } from "../../src/worker/index.ts";
import { hasten } from "./hasten.ts";
import { StubEngine, type StubEngineOptions } from "./stub-engine.ts";

/** A server for tests. */
export interface TestApi {
  readonly origin: string;
  readonly app: ReturnType<typeof createApi>;
  readonly accounts: Accounts;
  readonly jobs: Jobs;
  readonly database: Database;
  readonly store: FolderStore;
  /** Of an account with unlimited credit. */
  readonly key: string;
  readonly operatorKey: string;
  /** Milliseconds since 1970, by the clock of jobs, accounts and API. */
  now(): number;
  /** Moves that clock. */
  advance(seconds: number): void;
  /** Moves it and, for what waits to be sent, the database's too. */
  pass(seconds: number): Promise<void>;
  /** Sends what is due to receivers on this machine, until nothing is due; starts nothing in the background. */
  readonly sender: WebhookSender;
  /** A worker with a stub of the engine; it works until the server is closed. */
  startWorker(engine?: StubEngineOptions): Promise<void>;
  /** The same with an engine that is given, and ended by whoever gave it. */
  startWorkerWith(engine: WorkerEngine): Promise<void>;
  /** A new account's id and key. */
  account(options?: {
    credit?: bigint;
    unlimited?: boolean;
    maxQueued?: number;
  }): Promise<{ id: string; key: string }>;
  close(): Promise<void>;
}

const SILENT: ApiOptions["log"] = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What tests may choose. */
export interface TestApiOptions
  extends Pick<AccountsOptions, "maxQueued" | "maxRunning">,
    Pick<ApiOptions, "delivery" | "moderate" | "internalToken"> {
  readonly retentionDays?: number;
  /** With it there is an edge before the API, which is cell a. */
  readonly edgeSecret?: string;
  /** How many requests may be held open. */
  readonly streams?: ApiOptions["streams"];
  readonly log?: ApiOptions["log"];
  /** Sees every answer of the app, by whatever way it is asked. */
  readonly onAnswer?: (request: Request, response: Response) => void;
}

const MANY = { process: 1000, account: 1000 };

/**
 * @param given a database, which another server may share; default PGlite in memory
 * @param options limits are of accounts that are made without their own; default none
 */
export async function startTestApi(given?: Database, options: TestApiOptions = {}): Promise<TestApi> {
  const { delivery, maxQueued, maxRunning, streams = MANY, retentionDays } = options;
  const { moderate, log = SILENT, onAnswer, edgeSecret, internalToken } = options;
  const database = given ?? (await openDatabase("memory"));
  await migrate(database, MIGRATIONS);
  let skippedMs = 0;
  const now = () => Date.now() + skippedMs;
  const ids = makeIds({ cell: "a", now, random: Math.random });
  const operatorKey = `operator-${randomBytes(24).toString("hex")}`;
  const accounts = openAccounts({
    database,
    ids,
    cell: "a",
    now: () => new Date(now()),
    randomBytes,
    operatorKey,
    ...(maxQueued !== undefined && { maxQueued }),
    ...(maxRunning !== undefined && { maxRunning }),
  });
  const jobs = await openJobs({
    database,
    ledger,
    bill,
    ids,
    uuid: randomUUID,
    now,
    present: (video) => presentVideo(video),
    ...(retentionDays !== undefined && { retentionDays }),
  });
  const webhookKey = randomBytes(32);
  const policy = { allowHttp: true, allowPrivate: true };
  const webhooks = openWebhooks({
    jobs: jobs.webhooks,
    key: webhookKey,
    policy,
    randomBytes,
    now: () => new Date(now()),
  });
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-api-"));
  const store = await FolderStore.open({ folder, publicUrl: "http://localhost" });
  const reports = openReports(database);
  const fleet = openFleet(database, { max: 10, targetWaitSeconds: 60, startSeconds: 60, silenceSeconds: 30 });
  const metrics = new Metrics({ totals: reports.totals, nowMs: now });
  const app = createApi({
    jobs,
    accounts,
    reports,
    metrics,
    ...(moderate && { moderate }),
    store,
    webhooks,
    scale: fleet.scale,
    models: [{ ...embeddedModel(), formats: ["webp", "mp4"], presets: new Map([["high", 2]]) }],
    currency: "USD",
    version: "0.0.0",
    readiness: async () => ({ ready: true, parts: {} }),
    now: () => new Date(now()),
    random: Math.random,
    wait: systemTimers.wait,
    streams,
    log,
    ...(delivery && { delivery }),
    ...(internalToken !== undefined && { internalToken }),
    ...(edgeSecret !== undefined && {
      edge: {
        secrets: edgeSecret,
        cell: "a",
        spend: (nonce: string) => spendProof(database, nonce, new Date(now())),
      },
    }),
  });
  const answer = async (request: Request) => {
    const response = await app.fetch(request);
    onAnswer?.(request, response);
    return response;
  };
  const server = createAdaptorServer({ fetch: answer });
  if (!(server instanceof Server)) throw new TypeError("The adaptor made no HTTP server.");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const advance = (seconds: number) => {
    skippedMs += seconds * 1000;
  };
  const workers: { worker: Worker; ended: Promise<void> }[] = [];
  const key = (await accounts.first()) ?? "";
  const startWorkerWith = async (engine: WorkerEngine) => {
    const worker = new Worker({
      jobs,
      engine,
      store,
      timers: systemTimers,
      random: Math.random,
      log,
      metrics,
      ...(moderate && { moderate }),
    });
    await worker.load();
    workers.push({ worker, ended: worker.run() });
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    app,
    accounts,
    jobs,
    database,
    store,
    key,
    operatorKey,
    sender: new WebhookSender({
      jobs: jobs.webhooks,
      key: webhookKey,
      send: { policy, resolve: systemResolve },
      timers: { nowMs: now, wait: systemTimers.wait },
      random: Math.random,
      log,
      version: "0.0.0",
    }),
    now,
    advance,
    pass: async (seconds) => {
      advance(seconds);
      await hasten(database, seconds);
    },
    startWorker: (engine = {}) => startWorkerWith(new StubEngine(engine)),
    startWorkerWith,
    account: async ({ credit = 0n, unlimited = false, maxQueued } = {}) => {
      const { id } = await accounts.create({
        name: "test",
        unlimited,
        ...(maxQueued !== undefined && { maxQueued }),
      });
      if (credit > 0n) await accounts.credit({ accountId: id, amount: credit, reference: "first" });
      return { id, key: (await accounts.createKey({ accountId: id, name: "test" })).secret };
    },
    close: async () => {
      for (const { worker } of workers) worker.stop();
      await Promise.all(workers.map(({ ended }) => ended));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await jobs.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
