/** What commands need that ask a running server. */

import { z } from "zod";
import { docs, webUrl } from "./rules.ts";

/** The server, and the key for it. */
export const client = {
  MIXCACHE_URL: webUrl().default("http://localhost:8080").register(docs, {
    group: "client",
    meaning: "The server that `mixcache keys`, `accounts`, `credit` and `jobs` ask.",
  }),
  MIXCACHE_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "it must be an API key, without spaces")
    .optional()
    .register(docs, {
      group: "client",
      meaning: "The key that they use: an account's, or the operator's.",
      otherwise: "none: the commands ask for one",
    }),
};
