/**
 * Deletes everything of an account. What stays are the entries of its ledger, under the name of an account that nobody
 * has, with other names for its videos and references: the house's books have to add up, and need no more than that.
 */

import { MixcacheError } from "../errors.ts";
import { cancel } from "./cancel.ts";
import { type Core, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import * as sql from "./sql/erase.ts";
import { LOCK_LINES } from "./sql/lines.ts";

/** Videos that are looked up at a time. */
const AT_ONCE = 500;
/** A worker stops within a step; asking sooner is no use. */
const STOPPED_WITHIN_SECONDS = 2;

/** See `Jobs.stopAll`. */
export async function stopAll(core: Core, accountId: string): Promise<void> {
  const live = () => core.database.query<{ id: string }>(sql.LIVE_VIDEOS, [accountId, AT_ONCE]);
  for (;;) {
    const states = [];
    for (const { id } of await live()) states.push((await cancel(core, accountId, id)).status);
    // Those that wait have ended by now; what a worker has, it stops itself.
    if (states.length < AT_ONCE || !states.includes("failed")) break;
  }
  const left = await live();
  if (left.length > 0) throw busy(`${left.length} of its videos are being stopped`);
}

/** See `Jobs.allVideos`. */
export async function allVideos(core: Core, accountId: string): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const page = await core.database.query<{ id: string }>(sql.ALL_VIDEOS, [
      accountId,
      ids.at(-1) ?? "",
      AT_ONCE,
    ]);
    ids.push(...page.map(({ id }) => id));
    if (page.length < AT_ONCE) return ids;
  }
}

/** See `Jobs.erase`. */
export async function erase(core: Core, accountId: string, videos: number): Promise<void> {
  await core.database.transaction(async (tx) => {
    await tx.query(LOCK_LINES, [[accountId]]);
    const [account] = await tx.query<{ unlimited: boolean }>(sql.LOCK_ACCOUNT, [accountId]);
    if (!account) throw new MixcacheError("account_not_found", `There is no account ${accountId}.`);
    const live = await tx.query(sql.LIVE_VIDEOS, [accountId, 1]);
    const [count] = await tx.query<{ videos: number }>(sql.COUNT_VIDEOS, [accountId]);
    if (live.length > 0 || count?.videos !== videos) throw busy("Videos were created meanwhile");
    await core.queue.removeOf(tx, accountId);
    for (const statement of sql.ERASE) await tx.query(statement, [accountId]);
    await forgetWhose(core, tx, accountId, account.unlimited);
  });
}

async function forgetWhose(core: Core, tx: Sql, accountId: string, unlimited: boolean): Promise<void> {
  const nobody = `acct_erased_${core.uuid()}`;
  await tx.query(sql.INSERT_NOBODY, [nobody, unlimited, timeOf(core)]);
  await tx.query(sql.ALLOW_ERASING);
  await tx.query(sql.RENAME_ENTRIES, [accountId, nobody]);
  await tx.query(sql.END_ERASING);
  await tx.query(sql.MOVE_BALANCES, [accountId, nobody]);
  await tx.query(sql.DELETE_BALANCES, [accountId]);
  await tx.query(sql.DELETE_ACCOUNT, [accountId]);
}

function busy(why: string): MixcacheError {
  return new MixcacheError(
    "account_busy",
    `The account's data can't be deleted yet: ${why}. Send the request again in ${STOPPED_WITHIN_SECONDS} s.`,
    { retryAfterSeconds: STOPPED_WITHIN_SECONDS },
  );
}
