/** From the form to the file: the page on the server that `npm start` starts, with its own engine and database. */

import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";
import {
  ask,
  drawn,
  LOOKS,
  play,
  strangers,
  type Visitor,
  violations,
  visitor,
} from "../support/playground.ts";
import { call, create, download, isOver, type Reached, reached, Servers, until } from "../support/serving.ts";

const PATIENCE_MS = 300_000;
const PROMPT = "a red circle moves left on a blue background";

describe.skipIf(noPage)(pageSuite("the page on a server"), { timeout: PATIENCE_MS }, () => {
  let servers: Servers;
  let at: Reached;
  let link: string;
  let browser: Browser;
  let visit: Visitor;
  let page: Page;

  beforeAll(async () => {
    servers = new Servers();
    browser = await launchChromium({ webgpu: false });
    const serving = servers.start();
    at = await reached(serving);
    link = (await serving.line("Playground: ")).replace("Playground: ", "");
    await serving.line("Ready:");
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await servers?.close();
  });
  beforeEach(async () => {
    visit = await visitor(browser);
    page = visit.page;
    page.setDefaultTimeout(60_000);
  });
  afterEach(async () => {
    expect(strangers(visit, at.url)).toEqual([]);
    expect(visit.errors).toEqual([]);
    await visit.context.close();
  });

  const newest = async () => {
    const { body } = await call(at, "GET", "/videos?limit=1");
    return (body.data as { id: string; status: string; error: { code: string } | null }[])[0];
  };
  const isAtStepOf = (steps: number) =>
    page.locator("#stage .progress strong", { hasText: new RegExp(`^Step \\d+ of ${steps}$`) }).waitFor();
  /** A finished video, made without the page. */
  const made = async (wish: object) => {
    const id = await create(at, { prompt: PROMPT, seed: 7, num_inference_steps: 6, ...wish });
    await until(at, id, isOver);
    return id;
  };

  it("takes the key out of the link, and keeps it in the tab", async () => {
    await page.goto(link);
    await page.getByLabel("Prompt", { exact: true }).waitFor();
    expect(page.url()).not.toContain("mx_");
    await page.reload();
    await page.getByText("Asking the server").waitFor({ state: "detached" });
    expect(await page.getByLabel("API key").count()).toBe(0);
  });

  it("asks for the key where it has none, and says what is wrong with another one", async () => {
    await page.goto(at.url);
    const field = page.getByLabel("API key", { exact: true });
    await field.fill(`mx_a${"a".repeat(47)}`);
    await page.getByRole("button", { name: "Use" }).click();
    await page.getByRole("alert").first().waitFor();
    await field.fill(at.key);
    await page.getByRole("button", { name: "Use" }).click();
    await field.waitFor({ state: "detached" });
    // What the server refuses, browsers write into the console.
    visit.errors.splice(0, visit.errors.length, ...visit.errors.filter((text) => !text.includes("401")));
  });

  it("makes a video, shows it while it forms, plays it and saves it", async () => {
    await page.goto(link);
    await ask(page, { prompt: PROMPT, steps: 40 });
    const stage = page.locator("#stage");
    await isAtStepOf(40);
    await stage.getByRole("img", { name: /as it would become after step/ }).waitFor();
    await stage.getByRole("slider", { name: "Step" }).waitFor();
    const video = stage.locator("video");
    expect(await play(video)).toMatchObject({ advances: true });
    expect(await drawn(video)).toBeGreaterThan(10);
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const saved = await (await saving).createReadStream();
    const bytes = Buffer.concat(await saved.toArray());
    const id = (await newest())?.id ?? "";
    expect(bytes).toEqual(Buffer.from(await download(at, id)));
    expect((await saving).suggestedFilename()).toMatch(/^a-red-circle-moves-left-.*\.mp4$/);
    expect(await stage.getByRole("slider", { name: "Step" }).getAttribute("aria-valuemax")).toBe("40");
  });

  it("makes a video in the browser, under the policy that the server gives the page", async () => {
    await page.goto(link);
    await page.getByText("In this browser", { exact: true }).click();
    await ask(page, { prompt: PROMPT, steps: 2 });
    const video = page.locator("#stage video");
    expect(await play(video)).toMatchObject({ advances: true });
    expect(await drawn(video)).toBeGreaterThan(10);
  });

  it("stops a video when it is told to, and says so", async () => {
    await page.goto(link);
    await ask(page, { prompt: PROMPT, steps: 1000 });
    await isAtStepOf(1000);
    await page.locator("#stage").getByRole("button", { name: "Cancel" }).click();
    await page.locator("#stage").getByText("Cancelled.").waitFor();
    expect(await newest()).toMatchObject({ status: "failed", error: { code: "cancelled" } });
  });

  it("says what is wrong with the form, at the field", async () => {
    await page.goto(link);
    await ask(page, { prompt: PROMPT, steps: "many" });
    const field = page.getByLabel("Steps", { exact: true });
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it("shows two videos side by side on one clock, and how near they are", async () => {
    const [uncached, cached] = [
      await made({ cache: "off" }),
      await made({ cache: { policy: "mixcache", speed: 2 } }),
    ];
    await page.goto(`${at.url}/#/compare/${uncached}/${cached}?key=${at.key}`);
    await page.locator(".compared").waitFor();
    const pictures = () =>
      page
        .locator(".sides canvas")
        .evaluateAll((list) =>
          list.flatMap((canvas) => (canvas instanceof HTMLCanvasElement ? [canvas.toDataURL()] : [])),
        );
    const pause = page.getByRole("button", { name: "Pause" });
    if (await pause.isVisible()) await pause.click();
    const frame = page.getByRole("slider", { name: "Frame" });
    const seek = async (to: number) => {
      await frame.fill(String(to));
      await page.getByText(`${to + 1} / 16`).waitFor();
      await page.evaluate(painted);
      return pictures();
    };
    const [early, late] = [await seek(2), await seek(12)];
    expect(early.length).toBe(3);
    for (const side of [0, 1]) expect(early[side] === late[side]).toBe(false);
    expect((await seek(2)).join() === early.join()).toBe(true);
    await page.getByRole("button", { name: "One frame on" }).click();
    await page.getByText("4 / 16").waitFor();
    await page.getByRole("button", { name: "Play" }).click();
    await expect.poll(async () => await frame.inputValue()).not.toBe("3");
    expect(await page.locator(".compared").textContent()).toMatch(/\d+(\.\d+)? dB/);
  });

  it("makes the uncached video of one, and compares them", async () => {
    const id = await made({ cache: { policy: "mixcache", speed: 2 }, seed: 8 });
    await page.goto(`${at.url}/#/video/${id}?key=${at.key}`);
    await page.getByRole("button", { name: "Compare with uncached" }).click();
    await page.locator(".compared").waitFor();
    expect(page.url()).toContain(`#/compare/${id}/`);
  });

  it("lists what was made, and deletes what is not wanted", async () => {
    const id = await made({ prompt: "a green square grows", seed: 9 });
    await page.goto(`${at.url}/#/history?key=${at.key}`);
    await page.getByRole("button", { name: "Delete the video: a green square grows" }).click();
    await page.getByRole("button", { name: "Really delete" }).click();
    await page.getByText("a green square grows").waitFor({ state: "detached" });
    expect((await call(at, "GET", `/videos/${id}`)).status).toBe(404);
  });

  it("makes a video with the keyboard alone", async () => {
    await page.goto(link);
    await page.getByText("Asking the server").waitFor({ state: "detached" });
    const tabTo = async (name: string) => {
      for (let tabs = 0; tabs < 60; tabs++) {
        await page.keyboard.press("Tab");
        const isThere = await page.evaluate((wanted) => {
          const element = document.activeElement;
          const labels =
            element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement
              ? element.labels
              : [];
          return [element?.textContent, ...[...(labels ?? [])].map((label) => label.textContent)].some(
            (text) => text?.trim() === wanted,
          );
        }, name);
        if (isThere) return;
      }
      throw new Error(`Tab never came to ${name}.`);
    };
    await tabTo("Prompt");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(PROMPT);
    await tabTo("Steps");
    await page.keyboard.type("4");
    await tabTo("Generate");
    await page.keyboard.press("Enter");
    await page.locator("#stage video").waitFor();
  });

  it("says it when the server stops in the middle, and shows the video when it is back", async () => {
    const own = new Servers();
    try {
      const first = own.start();
      const there = await reached(first);
      await first.line("Ready:");
      await page.goto(`${there.url}/#key=${there.key}`);
      await ask(page, { prompt: PROMPT, steps: 300 });
      await isAtStepOf(300);
      first.process.kill("SIGTERM");
      await first.exit;
      await page.getByText("The connection was lost; the page tries again.").waitFor();
      own.start({ PORT: new URL(there.url).port });
      await page.locator("#stage video").waitFor({ timeout: PATIENCE_MS });
    } finally {
      await own.close();
      visit.errors.length = 0;
      visit.requests.length = 0;
    }
  });

  it("plays what lies on the store's own origin, though the page is isolated", async () => {
    const own = new Servers();
    try {
      const port = await freePort();
      const store = `http://localhost:${port}`;
      const serving = own.start({ PORT: String(port), PUBLIC_URL: store, CONTENT_DELIVERY: "redirect" });
      const there = await reached(serving);
      await serving.line("Ready:");
      const id = await create(there, { prompt: PROMPT, num_inference_steps: 2 });
      await until(there, id, isOver);
      await page.goto(`http://127.0.0.1:${port}/#/video/${id}?key=${there.key}`);
      expect(await play(page.locator("video"))).toMatchObject({ advances: true });
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      const elsewhere = strangers(visit, `http://127.0.0.1:${port}`);
      expect(elsewhere.length).toBeGreaterThan(0);
      for (const url of elsewhere) expect(new URL(url).origin).toBe(store);
    } finally {
      await own.close();
      visit.requests.length = 0;
    }
  });

  it.each(LOOKS)("has nothing that axe-core finds: $name", async ({ viewport, colorScheme }) => {
    const [one, two] = [await made({ cache: "off", seed: 1 }), await made({ seed: 1 })];
    const { context, page, errors } = await visitor(browser, { viewport, colorScheme });
    for (const [path, ready] of [
      ["", "form"],
      [`video/${one}`, "video"],
      ["history", ".card"],
      ["compare", ".choose"],
      [`compare/${one}/${two}`, ".compared"],
    ] as const) {
      await page.goto(`${at.url}/#/${path}?key=${at.key}`);
      await page.locator(ready).first().waitFor();
      expect(await violations(page), path).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true);
    }
    expect(errors).toEqual([]);
    await context.close();
  });
});

/** In the page: until effects of what was drawn last are done. */
function painted(): Promise<void> {
  return new Promise((resolve) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 50))),
  );
}
