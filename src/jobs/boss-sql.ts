/** A connection or a transaction as pg-boss takes it. */

import type { Sql } from "./database-contract.ts";

export function adapt(sql: Sql) {
  return {
    async executeSql(text: string, values?: unknown[]) {
      return { rows: await sql.query(text, values) };
    },
  };
}
