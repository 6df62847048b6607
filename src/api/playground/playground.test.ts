import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { brotliCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../app.ts";
import { stillOptions } from "../testing.ts";

const root = mkdtempSync(path.join(tmpdir(), "mixcache-page-"));
const folder = path.join(root, "page");
const SCRIPT = "export {};\n".repeat(100);
const app = createApi({ ...stillOptions(), playground: { folder, mediaOrigin: "https://videos.example" } });

beforeAll(() => {
  mkdirSync(path.join(folder, "assets"), { recursive: true });
  writeFileSync(path.join(folder, "index.html"), "<!doctype html>");
  writeFileSync(path.join(folder, "service-worker.js"), "");
  writeFileSync(path.join(folder, "assets/page-1234.js"), SCRIPT);
  writeFileSync(path.join(folder, "assets/page-1234.js.br"), brotliCompressSync(SCRIPT));
  writeFileSync(path.join(folder, "runtime.wasm"), "\0asm");
  writeFileSync(path.join(folder, ".hidden"), "secret");
  writeFileSync(path.join(root, "above.txt"), "secret");
});
afterAll(() => rmSync(root, { recursive: true }));

describe("the page at /", () => {
  it("is served without a key, and asked for again each time", async () => {
    const response = await app.request("/");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(await response.text()).toBe("<!doctype html>");
    const again = { "if-none-match": `W/${response.headers.get("etag")}` };
    const known = await app.request("/", { headers: again });
    expect(known.status).toBe(304);
    expect(known.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await app.request("/", { headers: { "if-none-match": '"another"' } })).status).toBe(200);
  });

  it("has hashed files that browsers keep, and others that they ask for", async () => {
    const cached = async (name: string) => (await app.request(name)).headers.get("cache-control");
    expect(await cached("/assets/page-1234.js")).toBe("public, max-age=31536000, immutable");
    expect(await cached("/service-worker.js")).toBe("no-cache");
    expect(await cached("/runtime.wasm")).toBe("no-cache");
  });

  it.each([
    ["gzip, br", "br", brotliCompressSync(SCRIPT)],
    ["br;q=0.5, gzip", "br", brotliCompressSync(SCRIPT)],
    ["br;q=0, gzip", null, Buffer.from(SCRIPT)],
    ["gzip", null, Buffer.from(SCRIPT)],
  ])("sends to who takes %s the bytes of %s", async (accepted, encoding, bytes) => {
    const response = await app.request("/assets/page-1234.js", { headers: { "accept-encoding": accepted } });
    expect(response.headers.get("content-encoding")).toBe(encoding);
    expect(response.headers.get("vary")).toBe("accept-encoding");
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("content-length")).toBe(String(bytes.byteLength));
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
  });

  it("has another validator for each encoding", async () => {
    const etags = await Promise.all(
      ["br", ""].map(async (accepted) => {
        const headers = { "accept-encoding": accepted };
        return (await app.request("/assets/page-1234.js", { headers })).headers.get("etag");
      }),
    );
    expect(new Set(etags).size).toBe(2);
  });

  it("gives wasm its type, without which browsers don't compile it while it comes", async () => {
    expect((await app.request("/runtime.wasm")).headers.get("content-type")).toBe("application/wasm");
  });

  it("answers HEAD without a body", async () => {
    const response = await app.request("/runtime.wasm", { method: "HEAD" });
    expect(response.headers.get("content-length")).toBe("4");
    expect(await response.text()).toBe("");
  });

  it("lets the browser ask this server and the store, and nobody else", async () => {
    for (const name of ["/", "/assets/page-1234.js"]) {
      const { headers } = await app.request(name);
      const policy = new Map(
        (headers.get("content-security-policy") ?? "")
          .split("; ")
          .map((part): [string, string] => [part.split(" ")[0] ?? "", part.split(" ").slice(1).join(" ")]),
      );
      expect(policy.get("default-src")).toBe("'none'");
      expect(policy.get("script-src")).toBe("'self' 'wasm-unsafe-eval'");
      expect(policy.get("connect-src")).toBe("'self' https://videos.example");
      expect(policy.get("frame-ancestors")).toBe("'none'");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-embedder-policy")).toBe("credentialless");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    }
  });

  it.each([
    "/../above.txt",
    "/%2e%2e/above.txt",
    "/..%2fabove.txt",
    "/assets/..%2f..%2fabove.txt",
    "/assets%2fpage-1234.js",
    "/..%5cabove.txt",
    "//above.txt",
    "/.hidden",
    "/assets/../.hidden",
    "/assets",
    "/assets/",
    "/assets/page-1234.js/",
    "/assets/page-1234.js%00",
    "/assets/page-1234.js.br",
    "/outside",
  ])("has nothing at %s", async (name) => {
    symlinkSync(root, path.join(folder, "outside"));
    const response = await app.request(`http://localhost${name}`);
    rmSync(path.join(folder, "outside"));
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "route_unknown" });
  });

  it("leaves other methods and paths as they were", async () => {
    expect((await app.request("/", { method: "POST" })).status).toBe(405);
    expect((await app.request("/runtime.wasm", { method: "POST" })).status).toBe(404);
    expect((await app.request("/v1/videos")).status).toBe(401);
    expect((await app.request("/v1/nothing")).status).toBe(404);
  });

  it("says how it is built where it is not", async () => {
    const unbuilt = createApi({ ...stillOptions(), playground: { folder: path.join(root, "none") } });
    const response = await unbuilt.request("/");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      detail: expect.stringContaining("npm run build:playground"),
    });
  });

  it("is the documentation where it is switched off", async () => {
    const response = await createApi(stillOptions()).request("/");
    expect(response.headers.get("location")).toBe("/docs");
  });
});
