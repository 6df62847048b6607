/** PostgreSQL's client tools, which a machine may lack or have in a version that is older than the server of a test. */

import { spawnSync } from "node:child_process";
import type { Postgres } from "./postgres.ts";

/** Why backups of this server can't be made here; undefined where they can. */
export function noTools({ version }: Pick<Postgres, "version">): string | undefined {
  for (const tool of ["pg_dump", "pg_restore", "psql"]) {
    const { stdout, error } = spawnSync(tool, ["--version"], { encoding: "utf8" });
    const has = /\(PostgreSQL\) (\d+)/.exec(stdout ?? "")?.[1];
    if (error || has === undefined) return `${tool} is missing (Debian: postgresql-client)`;
    const wants = Number.parseInt(version, 10);
    if (Number(has) < wants) return `${tool} is ${has}, the server is ${wants}`;
  }
  return undefined;
}
