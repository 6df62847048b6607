/** What a cell is left with, as the oracle of the chaos drills sees it in its database and its bucket. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { openDatabase } from "../../src/jobs/index.ts";
import { judge, type Verdict } from "../chaos/oracle.ts";
import { keysIn, type TestBucket } from "../support/s3.ts";
import type { StackCell } from "../support/stack.ts";

/** The oracle makes each bill again, for which every FLOP has to show in it. */
export const PRICES = JSON.stringify({ "*": { unit: "tflop", micros: "1000000" } });

/** Judges a cell that is at rest. */
export async function verdictOf(
  { databaseUrl, bucket }: StackCell,
  acknowledged: ReadonlySet<string>,
): Promise<Verdict> {
  const store = mkdtempSync(path.join(tmpdir(), "mixcache-e2e-"));
  const database = await openDatabase({ url: databaseUrl, connections: 2 });
  try {
    await copy(bucket, store);
    return await judge(database, store, acknowledged);
  } finally {
    await database.close();
    rmSync(store, { recursive: true, force: true });
  }
}

/** The oracle reads a folder. */
async function copy({ client, place }: TestBucket, folder: string): Promise<void> {
  for (const key of await keysIn(client, place.bucket)) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
    const file = path.join(folder, key);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, (await Body?.transformToByteArray()) ?? "");
  }
}
