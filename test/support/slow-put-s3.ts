/** A process that writes to S3 and never gets to its end: `node slow-put-s3.ts PLACE KEY BYTES`. */

import { S3Store } from "../../src/storage/index.ts";

const [place = "", key = "", bytes = ""] = process.argv.slice(2);

async function* endless() {
  yield new Uint8Array(Number(bytes));
  process.send?.("half");
  await new Promise(() => setInterval(() => {}, 60_000));
}

await new S3Store(JSON.parse(place)).put(key, endless());
