/** The docs page asks nobody but its own server for anything. */

import { serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../../src/api/index.ts";
import { stillOptions } from "../../src/api/testing.ts";

let origin = "";
let close: () => void = () => {};

beforeAll(
  () =>
    new Promise<void>((resolve) => {
      const server = serve(
        { fetch: createApi(stillOptions()).fetch, port: 0, hostname: "127.0.0.1" },
        (at) => {
          origin = `http://127.0.0.1:${at.port}`;
          resolve();
        },
      );
      close = () => void server.close();
    }),
);
afterAll(() => close());

describe("the docs page", () => {
  it("loads one script, from here", async () => {
    const html = await (await fetch(`${origin}/docs`)).text();
    const sources = [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, source]) => source);
    expect(sources).toEqual(["/docs/scalar.js"]);
    expect(html).not.toMatch(/https?:\/\//);
  });

  it("forbids the browser to ask anybody else", async () => {
    const policy = (await fetch(`${origin}/docs`)).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
  });

  it("has its script here, once", async () => {
    const response = await fetch(`${origin}/docs/scalar.js`);
    expect(response.headers.get("content-type")).toContain("text/javascript");
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect((await response.text()).length).toBeGreaterThan(1_000_000);
    const again = { "if-none-match": response.headers.get("etag") ?? "" };
    expect((await fetch(`${origin}/docs/scalar.js`, { headers: again })).status).toBe(304);
  });
});
