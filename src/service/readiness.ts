/** Whether the parts of a process can do their work. */

import type { Readiness } from "../api/index.ts";
import { messageOf } from "../errors.ts";
import type { Core } from "./core.ts";

/** @param worker where there is one: why it takes no videos; empty where it does */
export async function readinessOf(
  { database }: Pick<Core, "database">,
  worker?: { readonly reason: string },
): Promise<Readiness> {
  const parts = {
    database: await database.query("select 1").then(() => "ready", messageOf),
    ...(worker && { worker: worker.reason || "ready" }),
  };
  return { ready: Object.values(parts).every((part) => part === "ready"), parts };
}
