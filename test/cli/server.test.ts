/** `mixcache keys | accounts | credit | jobs` ask a running server. */

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { main } from "../../src/cli/main.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
afterEach(() => vi.unstubAllEnvs());

/** The command line in this process. */
async function run(args: readonly string[], environment: Record<string, string>) {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const said = { stdout: "", stderr: "" };
  const listen = (stream: "stdout" | "stderr") =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      said[stream] += text;
      return true;
    });
  const spies = [listen("stdout"), listen("stderr")];
  try {
    const code = await main(args);
    return { code, ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const ask = (args: string[], key = api.key) =>
  run(args, { MIXCACHE_URL: `${api.origin}/`, MIXCACHE_KEY: key });

describe("commands that ask a server", () => {
  it("make, list and revoke keys", async () => {
    const made = await ask(["keys", "create", "ci", "--scopes", "videos:read,videos:write"]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mx_\S{48}\n$/) });
    const secret = made.stdout.trim();
    const { data } = JSON.parse((await ask(["keys", "list", "--json"])).stdout);
    expect(data).toMatchObject([{}, { name: "ci", scopes: ["videos:read", "videos:write"] }]);
    expect(await ask(["keys", "list"], secret)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("lacks the scope keys:manage"),
    });
    expect(await ask(["keys", "revoke", data[1].id])).toMatchObject({ code: 0 });
    expect(await ask(["jobs", "list"], secret)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("revoked"),
    });
  });

  it("make accounts and give credit, with the operator's key", async () => {
    const id = (await ask(["accounts", "create", "Ada"], api.operatorKey)).stdout.trim();
    const given = await ask(["credit", id, "12.50", "--reference", "invoice 7"], api.operatorKey);
    expect(given.stdout).toMatch(/credit\s+12\.500000 USD/);
    const twice = await ask(["credit", id, "12.50", "--reference", "invoice 7"], api.operatorKey);
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining("invoice 7") });
    expect((await ask(["credit", id], api.operatorKey)).stdout).toBe(given.stdout);
    expect((await ask(["accounts", "list"], api.operatorKey)).stdout).toContain("Ada");
    const made = await ask(["keys", "create", "first", "--account", id], api.operatorKey);
    expect(made.stdout).toMatch(/^mx_/);
  });

  it("list, show and cancel videos", async () => {
    const response = await fetch(`${api.origin}/v1/videos`, {
      method: "POST",
      headers: { authorization: `Bearer ${api.key}` },
      body: JSON.stringify({ prompt: "a red circle" }),
    });
    const { id } = (await response.json()) as { id: string };
    expect((await ask(["jobs", "list"])).stdout).toMatch(
      new RegExp(`${id}\\s+queued, 0 before it\\s+shapes`),
    );
    expect((await ask(["jobs", "cancel", id])).stdout).toContain("failed: cancelled");
    expect((await ask(["jobs", "show", id])).stdout).toMatch(/cost\s+0\.000000 USD/);
    expect(await ask(["jobs", "show", "video_1"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no video video_1"),
    });
  });

  it("say what is missing", async () => {
    expect(await run(["jobs", "list"], { MIXCACHE_KEY: "" })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("MIXCACHE_KEY is not set"),
    });
    const nobody = { MIXCACHE_URL: "http://127.0.0.1:1", MIXCACHE_KEY: "mx_1" };
    expect(await run(["jobs", "list"], nobody)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("No server answers at http://127.0.0.1:1"),
    });
  });
});
