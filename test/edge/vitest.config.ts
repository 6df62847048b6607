/** The edge's tests run in workerd, against cells on this machine; nothing is asked outside it. */

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { FIRST_BYTE_SECONDS, MOST_REQUESTS, MOST_UNKNOWN, SECRET } from "./cells.ts";

export default defineConfig({
  plugins: [
    cloudflareTest(({ inject }) => ({
      wrangler: { configPath: "../../wrangler.toml" },
      miniflare: {
        bindings: {
          CELLS: inject<string>("cells"),
          EDGE_SECRET: SECRET,
          FIRST_BYTE_SECONDS: String(FIRST_BYTE_SECONDS),
        },
        // Less than wrangler.toml has, to be reached soon.
        ratelimits: {
          REQUESTS: { namespace_id: "1", simple: { limit: MOST_REQUESTS, period: 60 } },
          UNKNOWN_KEYS: { namespace_id: "2", simple: { limit: MOST_UNKNOWN, period: 60 } },
        },
      },
    })),
  ],
  test: {
    name: "edge",
    include: ["*.test.ts"],
    globalSetup: ["./cells.ts", "./pure.ts"],
    // The first test of a file waits for workerd.
    testTimeout: 60_000,
  },
});
