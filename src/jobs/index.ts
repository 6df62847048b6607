/** A video's life: states, queue, settlement. Knows nothing of HTTP, and of the engine only what a request looks like. */

export {
  type Account,
  type Accounts,
  type ApiKey,
  KEY_SCOPES,
  type KeyChange,
  type KeyLimits,
  type KeyScope,
  type NewAccount,
  type PageWish,
  type Principal,
  type RateState,
  type Scope,
} from "./account-types.ts";
export { type AccountsOptions, openAccounts } from "./accounts.ts";
export type * from "./contract.ts";
export type { JobsOptions } from "./core.ts";
export { type DatabasePlace, openDatabase } from "./database.ts";
export type * from "./database-contract.ts";
export { dumpFolder, isInUse, loadFolder } from "./dump.ts";
export { spendProof } from "./edge-proofs.ts";
export type * from "./event-contract.ts";
export { fingerprint } from "./fingerprint.ts";
export { type Fleet, type FleetPolicy, openFleet, type Presence, type Scale } from "./fleet.ts";
export { folderOf, type IdOptions, type Ids, makeIds, VIDEOS, videoIdOf } from "./ids.ts";
export { installationOf } from "./installation.ts";
export { openJobs } from "./jobs.ts";
export { type NewKey, newKey, sameSecret } from "./keys.ts";
export { type Balance, type Entry, type EntryKind, inUnits, ledger, MAX_ENTRY_MICROS } from "./ledger.ts";
export { auditLedger, type LedgerAudit } from "./ledger-audit.ts";
export { checkSchema, migrate } from "./migrate.ts";
export { MIGRATIONS } from "./migrations/index.ts";
export type * from "./money-contract.ts";
export { bill, type Price, type Prices, priceFor, priceSchema, termsOf } from "./price.ts";
export { holdFor, mostUsage } from "./price-hold.ts";
export type { LeaseOptions } from "./queue.ts";
export {
  openReports,
  type PastCharges,
  type Reports,
  type Totals,
  USAGE_GROUPS,
  type UsageGroup,
  type UsageRow,
  type UsageWish,
} from "./reports.ts";
export {
  type AttemptRecord,
  RECORD_FORMAT,
  readRecord,
  recordSchema,
  usageOf,
  videoMsOf,
} from "./usage.ts";
export type * from "./video-contract.ts";
export type * from "./webhook-contract.ts";
export { WEBHOOK_EVENTS, type WebhookEvent } from "./webhook-events.ts";
