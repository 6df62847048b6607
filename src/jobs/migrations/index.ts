/** The schema, step by step. A new step goes to the end; a released one never changes. */

import type { Migration } from "../database-contract.ts";
import { accounts } from "./0001-accounts.ts";
import { ledger } from "./0002-ledger.ts";
import { videos } from "./0003-videos.ts";
import { keys } from "./0004-keys.ts";
import { webhooks } from "./0005-webhooks.ts";
import { events } from "./0006-events.ts";
import { limits } from "./0007-limits.ts";
import { retention } from "./0008-retention.ts";
import { lines } from "./0009-lines.ts";
import { fleet } from "./0010-fleet.ts";
import { edgeProofs } from "./0011-edge-proofs.ts";
import { room } from "./0012-room.ts";

export const MIGRATIONS: readonly Migration[] = [
  accounts,
  ledger,
  videos,
  keys,
  webhooks,
  events,
  limits,
  retention,
  lines,
  fleet,
  edgeProofs,
  room,
];
