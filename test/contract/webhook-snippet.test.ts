/** The receiver in docs/webhooks.md, as a reader would run it. */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { startTestApi } from "../support/api.ts";

const ROOT = path.join(import.meta.dirname, "../..");

it("verifies what arrives, tells a repetition, and refuses what nobody signed", async () => {
  const page = readFileSync(path.join(ROOT, "docs/webhooks.md"), "utf8");
  const [, snippet = ""] = /<!-- test: webhook-javascript -->\n\n```js\n([\s\S]*?)```/.exec(page) ?? [];
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-receiver-"));
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  writeFileSync(path.join(folder, "receiver.mjs"), snippet);
  const api = await startTestApi();
  const ask = async (route: string, body: object) => {
    const headers = { authorization: `Bearer ${api.key}`, "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return (await (await api.app.request(`/v1${route}`, init)).json()) as Record<string, string>;
  };
  // The secret is needed before the receiver's port is known.
  const { id, secret } = await ask("/webhooks", { url: "http://127.0.0.1:9/" });
  const receiver = spawn(process.execPath, ["receiver.mjs"], {
    cwd: folder,
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
    const port = String((await lines.next()).value).replace("listening on ", "");
    const url = `http://127.0.0.1:${port}/`;
    await ask(`/webhooks/${id}`, { url });
    const video = await ask("/videos", { prompt: "a red circle" });
    await ask(`/videos/${video.id}/cancel`, {});
    await api.sender.settle();
    expect((await lines.next()).value).toBe(`video.cancelled ${video.id} failed`);
    const [delivery] = await api.jobs.webhooks.deliveries(
      (await api.accounts.list({ limit: 1 }))[0]?.id ?? "",
      String(id),
      {
        limit: 1,
      },
    );
    await ask(`/webhooks/deliveries/${delivery?.id}/replay`, {});
    const other = await ask("/videos", { prompt: "a blue star" });
    await ask(`/videos/${other.id}/cancel`, {});
    await api.sender.settle();
    expect((await lines.next()).value).toBe(`video.cancelled ${other.id} failed`);
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(400);
  } finally {
    receiver.kill();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
