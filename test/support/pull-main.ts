/**
 * A process that pulls a bundle: `node pull-main.ts STORE CACHE DIGEST [STALL_AFTER_BYTES]`. It tells its parent what it
 * fetched; with a stall it stops in the middle of a file, says so, and waits to be killed.
 */

import { pullBundle } from "../../src/node/index.ts";
import { openStoreAt, stalling, systemTiming } from "./bundle-stores.ts";

const [place = "", cache = "", digest = "", stall] = process.argv.slice(2);
const store = await openStoreAt(place);
const objects = {
  store: stall === undefined ? store : stalling(store, Number(stall), () => process.send?.("stalled")),
  url: `file://${place}`,
};
const { fetchedBytes } = await pullBundle({ objects, digest, cache, timing: systemTiming });
process.send?.({ fetchedBytes });
process.disconnect?.();
