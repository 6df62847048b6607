/** `GET /v1/usage`: what an account's videos used and cost, by day, key and model. */

import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { invalid } from "../errors.ts";
import { USAGE_GROUPS, type UsageRow } from "../jobs/index.ts";
import { checked } from "../schemas/sentence.ts";
import { usageQuerySchema, usageSchema } from "../schemas/usage.ts";
import { accountOf, authenticated } from "./auth.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { addOperation } from "./operation.ts";
import { decimal, orNull, thousandths } from "./present.ts";

const Usage = usageSchema.openapi("Usage");

const DAY_MS = 86_400_000;
const USUAL_DAYS = 30;
const MOST_DAYS = 366;
const USUAL_ROWS = 1000;

/** Adds it to an app. */
export function addUsageRoutes(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  addOperation(app, {
    method: "get",
    path: "/v1/usage",
    id: "getUsage",
    summary: "What was used, by day, key and model",
    description: "Of videos that ended in these days of UTC. Amounts are those of the ledger.",
    tag: "Accounts",
    query: usageQuerySchema,
    success: { schema: Usage },
    failures: [400],
    key: authenticated(options.accounts, "usage:read"),
    handle: (c) => usage(c, options),
  });
}

async function usage(c: Context<ApiEnv>, { reports, currency, now }: ApiOptions): Promise<Response> {
  const asked = checked(usageQuerySchema, c.req.query());
  const { limit = USUAL_ROWS, group_by = "day" } = asked;
  const last = asked.to === undefined ? dayOf(now()) : new Date(asked.to);
  const from = asked.from === undefined ? days(last, 1 - USUAL_DAYS) : new Date(asked.from);
  const until = days(last, 1);
  if (from >= until) invalid("from", "from is after to. Ask for days in their order.");
  if (until.getTime() - from.getTime() > MOST_DAYS * DAY_MS)
    invalid("from", `from and to are more than ${MOST_DAYS} days apart. Ask for fewer.`);
  const by = USAGE_GROUPS.filter((group) => group_by.split(",").includes(group));
  const rows = await reports.usage({ accountId: accountOf(c), from, until, by, limit: limit + 1 });
  const answer: z.infer<typeof usageSchema> = {
    object: "usage",
    currency,
    from: textOf(from),
    to: textOf(last),
    group_by: by,
    data: rows.slice(0, limit).map(presentRow),
    has_more: rows.length > limit,
  };
  return c.json(answer);
}

function dayOf(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / DAY_MS) * DAY_MS);
}

function days(from: Date, count: number): Date {
  return new Date(from.getTime() + count * DAY_MS);
}

function textOf(day: Date): string {
  return day.toISOString().slice(0, 10);
}

function presentRow(row: UsageRow): z.infer<typeof usageSchema>["data"][number] {
  const same = (text: string) => text;
  return {
    day: orNull(row.day, same),
    key: orNull(row.key, same),
    model: orNull(row.model, same),
    videos: row.videos,
    completed: row.completed,
    amount: decimal(row.amount),
    flops: row.flops.toString(),
    engine_seconds: thousandths(row.engineMs),
    video_seconds: thousandths(row.videoMs),
  };
}
