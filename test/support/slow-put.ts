/** A process that writes an object and never gets to its end: `node slow-put.ts FOLDER KEY`. */

import { FolderStore } from "../../src/storage/index.ts";

const [folder = "", key = ""] = process.argv.slice(2);
const store = await FolderStore.open({ folder, publicUrl: "http://localhost" });

async function* endless() {
  yield new Uint8Array(1_000_000);
  process.send?.("half");
  await new Promise(() => setInterval(() => {}, 60_000));
}

await store.put(key, endless());
