/** What accounts may do, what they pay, and where they are told of it. */

import { z } from "zod";
import { priceSchema } from "../../jobs/price.ts";
import { docs, flag, whole } from "./rules.ts";

const PRICES_RULE =
  'it must be JSON like {"shapes":{"unit":"tflop","micros":"500"}}, with a model’s id or * before a unit of tflop, gpu_second or video_second and micros as a text';

const prices = z.string().transform((text, context) => {
  try {
    return z.record(z.string().min(1), priceSchema).parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: "custom", message: PRICES_RULE });
    return z.NEVER;
  }
});

/** Prices, limits and where webhooks may go. */
export const accounts = {
  WEBHOOK_KEY: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, "it must be 64 hexadecimal digits")
    .optional()
    .register(docs, {
      group: "server",
      meaning:
        "Seals the secrets of [webhooks](webhooks.md) in the database; 64 hexadecimal digits, the same for all processes.",
      otherwise: "one that is made on the first start and kept in `DATA_DIR/webhook-key`",
    }),
  WEBHOOK_ALLOW_HTTP: flag().register(docs, {
    group: "server",
    meaning: "`1`: webhooks may go to `http://` URLs, readable for everybody on the way.",
  }),
  WEBHOOK_ALLOW_PRIVATE: flag().register(docs, {
    group: "server",
    meaning:
      "`1`: webhooks may go to private networks, to this machine and to any port. Only where every account is trusted.",
  }),
  PRICES: prices.optional().register(docs, {
    group: "server",
    meaning:
      'What models cost, as JSON: `{"shapes":{"unit":"tflop","micros":"500"}}`. `*` stands for every other model. A unit is a `tflop` really computed, a `gpu_second` or a `video_second`; micros are millionths of `CURRENCY`. See [billing.md](billing.md).',
    otherwise: "500 micros a TFLOP",
  }),
  CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, "it must be three capital letters, such as USD")
    .default("USD")
    .register(docs, { group: "server", meaning: "Of prices, credit and bills." }),
  MAX_QUEUED: whole(1, 1_000_000).default(10_000).register(docs, {
    group: "server",
    meaning: "How many videos of one account may wait, unless the account says otherwise.",
  }),
  MAX_RUNNING: whole(1, 100_000).default(100).register(docs, {
    group: "server",
    meaning: "How many videos of one account may be made at once, unless the account says otherwise.",
  }),
};
