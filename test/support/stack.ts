/**
 * Everything at once on this machine, as it is deployed: the edge in workerd before two cells, each an API and a worker
 * with the embedded model on a PostgreSQL database and a bucket of its own.
 */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Cell } from "./cell.ts";
import { type RunningEdge, startEdge } from "./edge.ts";
import { freePort } from "./free-port.ts";
import { startPostgres } from "./postgres.ts";
import type { S3Server } from "./rgw.ts";
import { type TestBucket, testBucket } from "./s3.ts";

export interface StackOptions {
  readonly server: Pick<S3Server, "endpoint" | "accessKeyId" | "secretAccessKey">;
  /** Of every process of the cells, besides what makes them cells. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A cell, and where it keeps what it knows. */
export interface StackCell {
  readonly cell: Cell;
  readonly databaseUrl: string;
  readonly bucket: TestBucket;
}

export interface Stack {
  readonly edge: RunningEdge;
  readonly a: StackCell;
  readonly b: StackCell;
  close(): Promise<void>;
}

/** @throws Error that says what is missing, or what a process said that ended */
export async function startStack({ server, env = {} }: StackOptions): Promise<Stack> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const folder = mkdtempSync(path.join(tmpdir(), "mixcache-stack-"));
    closers.push(() => rmSync(folder, { recursive: true, force: true }));
    const postgres = await startPostgres();
    closers.push(() => postgres.stop());
    const secret = randomBytes(32).toString("hex");
    const port = await freePort();
    const all = { ...env, EDGE_SECRET: secret, PUBLIC_URL: `http://127.0.0.1:${port}` };
    const cellOf = async (label: string): Promise<StackCell> => {
      const [databaseUrl, bucket] = [await postgres.database(), await testBucket(server)];
      closers.push(() => bucket.close());
      const own = { DATABASE_URL: databaseUrl, DATA_DIR: path.join(folder, label) };
      const cell = new Cell({
        label,
        port: await freePort(),
        operatorKey: randomBytes(32).toString("hex"),
        env: { ...settings(server, bucket), ...own, ...all },
      });
      closers.push(() => cell.end("SIGTERM"));
      await cell.migrate();
      await cell.start();
      return { cell, databaseUrl, bucket };
    };
    const [a, b] = [await cellOf("a"), await cellOf("b")];
    const cells = [a, b].map(({ cell }) => `${cell.label}=${cell.origin}`).join(",");
    const edge = await startEdge({ cells, secret, port });
    closers.push(() => edge.close());
    return { edge, a, b, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function settings(server: StackOptions["server"], { place }: TestBucket) {
  return {
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    S3_BUCKET: place.bucket,
    S3_ENDPOINT: place.endpoint,
    S3_PATH_STYLE: "1",
    THREADS: "1",
    WEBHOOK_KEY: randomBytes(32).toString("hex"),
    // The receivers of webhooks are on this machine too.
    WEBHOOK_ALLOW_HTTP: "1",
    WEBHOOK_ALLOW_PRIVATE: "1",
  };
}
