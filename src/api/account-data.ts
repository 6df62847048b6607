/** `DELETE /v1/account/data`: everything of an account, once and for all. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { folderOf } from "../jobs/index.ts";
import { removeAll } from "../storage/index.ts";
import { accountOf, authenticated } from "./auth.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addOperation } from "./operation.ts";

const AccountDataDeleted = z
  .object({
    object: z.literal("account.data_deleted"),
    deleted: z.literal(true),
    videos: z.int().meta({ description: "How many videos went, those deleted before among them." }),
  })
  .openapi("AccountDataDeleted");

/** Adds it to an app. */
export function addAccountDataRoute(app: OpenAPIHono<ApiEnv>, { jobs, accounts, store }: ApiOptions): void {
  addOperation(app, {
    method: "delete",
    path: "/v1/account/data",
    id: "deleteAccountData",
    summary: "Delete everything of one's account",
    description:
      "Videos with their files and records, keys, names and what was promised for them. Videos that have not ended are " +
      "cancelled; while a worker still has one, the answer is a 409: send it again. What stays is the ledger, under " +
      "names that nothing links to the account. It can't be undone.",
    tag: "Accounts",
    success: { schema: AccountDataDeleted },
    failures: [404, 409],
    key: authenticated(accounts, "keys:manage"),
    handle: async (c) => {
      const accountId = accountOf(c);
      await jobs.stopAll(accountId);
      const ids = await jobs.allVideos(accountId);
      // Files first: were it cut off in between, the rows would still say what is to be removed.
      for (const id of ids) await removeAll(store, folderOf(id));
      await jobs.erase(accountId, ids.length);
      return c.json({ object: "account.data_deleted", deleted: true, videos: ids.length });
    },
  });
}
