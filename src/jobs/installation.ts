/** Which installation a database belongs to. */

import { MixcacheError } from "../errors.ts";
import type { Sql } from "./database-contract.ts";
import { CLAIM_SETTING, READ_SETTING } from "./sql/settings.ts";

const NAME = "installation";

/**
 * The database's installation; where it has none yet, the one that is offered. Processes that start at once agree.
 * @param fresh an id that nobody has
 */
export async function installationOf(database: Sql, fresh: string): Promise<string> {
  await database.query(CLAIM_SETTING, [NAME, fresh]);
  const [row] = await database.query<{ value: string }>(READ_SETTING, [NAME]);
  if (!row) throw new MixcacheError("database_misused", "The installation's id was not stored.");
  return row.value;
}
