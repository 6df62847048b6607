/** The whole service on PostgreSQL and S3, with a stub of the engine, in this process. */

import { once } from "node:events";
import OpenAI from "openai";
import pg from "pg";
import { readServerConfig, type ServerConfig } from "../../src/config/index.ts";
import { createLog } from "../../src/logging.ts";
import { startService } from "../../src/service/index.ts";
import { StubEngine } from "./stub-engine.ts";

/** A running service, and a client of its first account. */
export interface S3Service {
  readonly config: ServerConfig;
  readonly url: string;
  readonly key: string;
  readonly client: OpenAI;
  /** What it said when it was started. */
  readonly said: readonly string[];
  close(): Promise<void>;
}

/** A server that shares a busy process with its client lets connections go while that one wants them. */
const RETRIES = 8;

/** @param key of an earlier start on the same database */
export async function startS3Service(
  env: Readonly<Record<string, string>>,
  key?: string,
): Promise<S3Service> {
  const config = readServerConfig({ PORT: "0", LOG_LEVEL: "silent", ...env });
  const said: string[] = [];
  const service = await startService({
    config,
    log: createLog({ level: "silent" }),
    say: (line) => said.push(line),
    openEngine: async () => new StubEngine(),
  });
  await service.ready;
  const made = key ?? /mx_[a-z2-7]+/.exec(said.join("\n"))?.[0] ?? "";
  const url = service.url ?? "";
  return {
    config,
    url,
    key: made,
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: made, maxRetries: RETRIES }),
    said,
    close: () => service.close(),
  };
}

/** Asks for a video and waits until it is done. @returns its id */
export async function makeVideo({ client }: S3Service, seed: number): Promise<string> {
  const wish = { prompt: "a red circle", seed } as OpenAI.VideoCreateParams;
  const { id } = await client.videos.create(wish);
  await until(async () => (await client.videos.retrieve(id)).status === "completed");
  return id;
}

/** Asks again and again, as a client does. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Runs statements on a database of a test's own, behind the service's back. */
export async function statement(url: string, text: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    const ended = once(client, "end");
    await client.end();
    await ended;
  }
}
