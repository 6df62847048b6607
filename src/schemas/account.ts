/** Accounts, their keys and their money, as the API takes and shows them. */

import { z } from "zod";

const name = z
  .string("it must be a text")
  .min(1, "it is empty")
  .max(200, "it has more than 200 characters")
  .meta({ description: "For people." });

const count = (least: number) =>
  z
    .number("it must be a number, or null for no limit")
    .int("it must be a whole number")
    .min(least, `it must be at least ${least}`)
    .max(2 ** 31 - 1, "it is too large");

const retentionDays = z
  .number("it must be a number of days, or null for the server's")
  .int("it must be a whole number")
  .min(0, "it must be at least 0")
  .max(36_500, "it must be at most 36500")
  .nullable()
  .meta({
    description:
      "Days that files of its videos are kept; 0: for ever. Left out or null: as long as the server says.",
  });

const unixSeconds = z.int();
const amount = z
  .string()
  .meta({ description: "Decimal, in units of the currency; exact.", example: "12.500000" });

/** What a key may be allowed. */
export const SCOPES = [
  "videos:read",
  "videos:write",
  "usage:read",
  "keys:manage",
  "webhooks:manage",
] as const;

const scopes = z.array(z.enum(SCOPES, `a scope is one of ${SCOPES.join(", ")}`)).min(1, "it has no scope");

const requestsPerMinute = z
  .number("it must be a number, or null for no limit")
  .int("it must be a whole number")
  .min(1, "it must be at least 1")
  .max(1_000_000, "it must be at most 1000000")
  .nullable();

const spendCap = z
  .strictObject({
    amount: z
      .string('it must be a decimal number as a text, such as "12.50"')
      .regex(/^\d{1,9}(\.\d{1,6})?$/, 'it must be a decimal number with at most 6 places, such as "12.50"')
      .meta({ description: "In units of the currency.", example: "12.50" }),
    period: z.enum(["day", "month"], "it must be day or month").meta({ description: "Of UTC." }),
  })
  .nullable();

const REQUESTS = "Requests that the key may send in a minute, all at once or one by one; null: no limit.";
const CAP =
  "The most that the videos of the key's day or month may cost; while a video is not done, what is held for it " +
  "counts. null: no cap.";

export const createKeySchema = z.strictObject({
  name,
  scopes: scopes.optional().meta({ description: "Default: those of the key that makes it." }),
  requests_per_minute: requestsPerMinute.optional().meta({ description: `${REQUESTS} Default null.` }),
  spend_cap: spendCap.optional().meta({ description: `${CAP} Default null.` }),
});

export const changeKeySchema = z.strictObject({
  name: name.optional(),
  requests_per_minute: requestsPerMinute.optional().meta({ description: REQUESTS }),
  spend_cap: spendCap.optional().meta({ description: CAP }),
});

export const keySchema = z.object({
  id: z.string(),
  object: z.literal("key"),
  account: z.string(),
  name: z.string(),
  prefix: z.string().meta({ description: "The key's first characters, to know it again." }),
  scopes,
  requests_per_minute: z.int().nullable(),
  spend_cap: z.object({ amount, period: z.enum(["day", "month"]) }).nullable(),
  created_at: unixSeconds,
  last_used_at: unixSeconds.nullable(),
  revoked_at: unixSeconds.nullable(),
});

export const createdKeySchema = keySchema.extend({
  secret: z.string().meta({ description: "The key itself. It is shown this once." }),
});

export const keyListSchema = z.object({
  object: z.literal("list"),
  data: z.array(keySchema),
  has_more: z.boolean(),
});

export const createAccountSchema = z.strictObject({
  name,
  unlimited: z
    .boolean("it must be true or false")
    .meta({ description: "Needs no credit. Default false." })
    .optional(),
  max_queued: count(0).nullable().optional().meta({ description: "null: no limit. Default: the server's." }),
  max_running: count(1).nullable().optional().meta({ description: "null: no limit. Default: the server's." }),
  retention_days: retentionDays.optional(),
});

export const retentionSchema = z.strictObject({ retention_days: retentionDays.optional() });

export const accountSchema = z.object({
  id: z.string(),
  object: z.literal("account"),
  name: z.string(),
  unlimited: z.boolean(),
  max_queued: z.int().nullable(),
  max_running: z.int().nullable(),
  retention_days: z
    .int()
    .nullable()
    .meta({ description: "Days that files are kept; 0: for ever; null: as long as the server says." }),
  created_at: unixSeconds,
  balance: z
    .object({
      currency: z.string(),
      credit: amount.meta({ description: "What may be spent." }),
      held: amount.meta({ description: "What is set aside for videos that have not ended." }),
      spent: amount.meta({ description: "What was paid for videos." }),
    })
    .meta({ description: "Below zero only where the account is unlimited." }),
});

export const accountListSchema = z.object({
  object: z.literal("list"),
  data: z.array(accountSchema.omit({ balance: true })),
  has_more: z.boolean(),
});

export const creditSchema = z.strictObject({
  amount: z
    .string('it must be a decimal number as a text, such as "12.50"')
    .regex(/^-?\d{1,9}(\.\d{1,6})?$/, 'it must be a decimal number with at most 6 places, such as "12.50"')
    .meta({ description: "In units of the currency. Below zero takes credit back.", example: "12.50" }),
  reference: z
    .string("it must be a text")
    .min(1, "it is empty")
    .max(200, "it has more than 200 characters")
    .meta({
      description: "Of the payment, say. The same one again is refused, so that nothing is given twice.",
    }),
});
