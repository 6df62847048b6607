/** The docs page in a browser: it asks nobody but its own server for anything. */

import { serve } from "@hono/node-server";
import { describe, expect, it } from "vitest";
import { createApi } from "../../src/api/index.ts";
import { stillOptions } from "../../src/api/testing.ts";
import { chromiumProgram, noPage, pageSuite } from "../support/browser.ts";
import { visit } from "../support/chromium.ts";

const PATIENCE_MS = 90_000;

describe.skipIf(noPage)(pageSuite("the docs page"), () => {
  it("asks for nothing from elsewhere, and shows the routes", async () => {
    const { fetch } = createApi(stillOptions());
    const listening = Promise.withResolvers<number>();
    const server = serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => listening.resolve(port));
    const origin = `http://127.0.0.1:${await listening.promise}`;
    try {
      const { requests, errors, text } = await visit(
        chromiumProgram ?? "",
        `${origin}/docs`,
        "Create a video",
        PATIENCE_MS,
      );
      const asked = requests.filter((url) => !url.startsWith("data:")).map((url) => new URL(url).origin);
      expect(new Set(asked)).toEqual(new Set([origin]));
      expect(errors).toEqual([]);
      expect(text).toContain("/v1/videos/{id}/content");
    } finally {
      server.close();
    }
  });
});
