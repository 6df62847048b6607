/** A cell's process for the bench of the edge: the API on PGlite in memory, with a stub of the engine. */

import { startTestApi } from "../../test/support/api.ts";
import type { Ready, Seen } from "./protocol.ts";

const [edgeSecret = ""] = process.argv.slice(2);
let publicRequests = 0;
let lookUps: Seen["lookUps"][number][] = [];

const api = await startTestApi(undefined, {
  edgeSecret,
  onAnswer: (request) => {
    const [, hash] = /^\/internal\/keys\/(\w+)$/.exec(new URL(request.url).pathname) ?? [];
    if (hash === undefined) publicRequests++;
    else lookUps.push({ hash, atMs: Date.now() });
  },
});
await api.startWorker();
const { id, key: revokedKey } = await api.account({ unlimited: true });
const [own] = await api.accounts.listKeys(id, { limit: 1 });
if (own) await api.accounts.revokeKey(id, own.id);

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ publicRequests, lookUps, cpuMs: (user + system) / 1000 } satisfies Seen);
  publicRequests = 0;
  lookUps = [];
});
process.on("disconnect", () => void api.close().then(() => process.exit()));
process.send?.({ origin: api.origin, key: api.key, revokedKey } satisfies Ready);
