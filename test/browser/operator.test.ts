/** The operator's views on a real server: keys, usage, deliveries. */

import { readFileSync } from "node:fs";
import path from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { LOOKS, strangers, type Visitor, violations, visitor } from "../support/playground.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { call, create, isOver, type Reached, reached, Servers, until } from "../support/serving.ts";

const PATIENCE_MS = 300_000;

describe.skipIf(noPage)(pageSuite("the operator's views"), { timeout: PATIENCE_MS }, () => {
  let servers: Servers;
  let at: Reached;
  let browser: Browser;
  let receiver: Receiver;
  let visit: Visitor;

  beforeAll(async () => {
    servers = new Servers();
    browser = await launchChromium({ webgpu: false });
    receiver = await startReceiver();
    const serving = servers.start({ WEBHOOK_ALLOW_HTTP: "1", WEBHOOK_ALLOW_PRIVATE: "1" });
    at = await reached(serving);
    await serving.line("Ready:");
    await call(at, "POST", "/webhooks", { url: `${receiver.origin}/hook`, events: ["video.completed"] });
    const id = await create(at, { prompt: "a red circle moves left", num_inference_steps: 4 });
    await until(at, id, isOver);
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await receiver?.close();
    await servers?.close();
  });
  beforeEach(async () => {
    visit = await visitor(browser);
  });
  afterEach(async () => {
    expect(strangers(visit, at.url)).toEqual([]);
    await visit.context.close();
  });

  const operatorKey = () => readFileSync(path.join(servers.folder, "data/operator-key"), "utf8").trim();
  const open = (view: string, key = at.key) => visit.page.goto(`${at.url}/#/operator/${view}?key=${key}`);

  it("make a key whose secret is shown once and works, and revoke it", async () => {
    const { page, errors } = visit;
    await open("keys");
    await page.getByLabel("Name", { exact: true }).fill("for the page's test");
    await page.getByRole("button", { name: "Make the key" }).click();
    const made = page.getByRole("region", { name: "The new key" });
    const secret = (await made.locator("code").textContent()) ?? "";
    expect(secret).toMatch(/^mx_a[a-z2-7]{47}$/);
    expect((await call({ url: at.url, key: secret }, "GET", "/videos")).status).toBe(200);
    expect((await call({ url: at.url, key: secret }, "GET", "/usage")).status).toBe(403);
    await page.getByRole("button", { name: "I have it" }).click();
    expect(await page.content()).not.toContain(secret);
    await page.getByRole("button", { name: "Revoke for the page's test" }).click();
    await page.getByRole("button", { name: "Really revoke for the page's test" }).click();
    await page
      .getByRole("row", { name: /for the page's test/ })
      .getByText("revoked")
      .waitFor();
    expect((await call({ url: at.url, key: secret }, "GET", "/videos")).status).toBe(401);
    expect(errors).toEqual([]);
  });

  it("show what was used, by day and by model, as the API has it", async () => {
    const { page, errors } = visit;
    await open("usage");
    const { body } = await call(at, "GET", "/usage?group_by=model");
    const [row] = body.data as { model: string; amount: string }[];
    await page.getByRole("img", { name: /Cost by day/ }).waitFor();
    await page.getByRole("combobox", { name: "By", exact: true }).selectOption("model");
    const shown = page.getByRole("row", { name: new RegExp(row?.model ?? "none") });
    expect(await shown.textContent()).toContain(row?.amount);
    expect(errors).toEqual([]);
  });

  it("show what was sent to a webhook, and send it again", async () => {
    const { page, errors } = visit;
    await expect.poll(() => receiver.received.length).toBe(1);
    await open("deliveries");
    await page
      .getByRole("row", { name: /video.completed/ })
      .getByText("delivered")
      .waitFor();
    await page.getByRole("button", { name: /Send again video.completed/ }).click();
    await expect.poll(() => receiver.received.length).toBe(2);
    await page.getByText("2 attempts").waitFor();
    expect(errors).toEqual([]);
  });

  it("speak for an account that is chosen, with the operator's key", async () => {
    const { page } = visit;
    await open("keys", operatorKey());
    await page.getByRole("combobox", { name: "Account" }).selectOption({ index: 1 });
    await page.getByRole("rowheader", { name: /first/i }).waitFor();
  });

  it.each(LOOKS)("have nothing that axe-core finds: $name", async ({ viewport, colorScheme }) => {
    const { context, page } = await visitor(browser, { viewport, colorScheme });
    for (const [view, ready] of [
      ["keys", "Begins with"],
      ["usage", "Engine s"],
      ["deliveries", "Attempts"],
    ] as const) {
      await page.goto(`${at.url}/#/operator/${view}?key=${at.key}`);
      await page.getByRole("columnheader", { name: ready }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    }
    await context.close();
  });
});
