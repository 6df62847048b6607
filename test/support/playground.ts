/** The page as a person has it: built, served by a real server, in a real Chromium. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";

/** What a visit must not do. */
export interface Watched {
  /** URLs of everything that was asked for over the network. */
  readonly requests: string[];
  /** What the policy refused, uncaught errors, and errors in the console. */
  readonly errors: string[];
}

/** A browser's profile and a tab in it. */
export interface Visitor extends Watched {
  readonly context: BrowserContext;
  readonly page: Page;
}

/** Phones and desktops, by day and by night. */
export const LOOKS = [
  { name: "phone, light", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "phone, dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  { name: "desktop, light", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "desktop, dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
] as const;

/** Opens a tab of a new profile, which is watched from the first request on. */
export async function visitor(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext(options);
  const requests: string[] = [];
  const errors: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  context.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  context.on("weberror", (error) => errors.push(String(error.error())));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`The policy refused ${blockedURI} by ${violatedDirective}`),
    );
  });
  return { context, page: await context.newPage(), requests, errors };
}

/** Where a visit went beside its own server. */
export function strangers({ requests }: Watched, origin: string): string[] {
  return requests.filter((url) => !/^(data|blob):/.test(url) && new URL(url).origin !== origin);
}

const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

interface Axe {
  run(): Promise<{
    violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
  }>;
}

/** What axe-core finds wrong with what is shown: a line for each element, empty where it is well. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const found = (await axe.run()).violations;
    return found.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary ?? ""}`),
    );
  });
}

/** Fills in the form and sends it. */
export async function ask(
  page: Page,
  { prompt, steps }: { readonly prompt: string; readonly steps: number | string },
): Promise<void> {
  await page.getByLabel("Prompt", { exact: true }).fill(prompt);
  await page.getByLabel("Steps", { exact: true }).fill(String(steps));
  await page.getByRole("button", { name: "Generate" }).click();
}

/** Plays a video: whether it was decoded, and its time goes on. */
export async function play(video: Locator): Promise<{ readonly width: number; readonly advances: boolean }> {
  await video.waitFor();
  return video.evaluate(async (element) => {
    if (!(element instanceof HTMLVideoElement)) throw new Error("It is no video.");
    await element.play();
    const from = element.currentTime;
    const deadlineMs = performance.now() + 20_000;
    while (element.currentTime === from && performance.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return { width: element.videoWidth, advances: element.videoWidth > 0 && element.currentTime !== from };
  });
}

/** How far apart the darkest and the brightest value of the frame are that is shown, 0 to 255: 0 is a blank. */
export function drawn(video: Locator): Promise<number> {
  return video.evaluate((element) => {
    if (!(element instanceof HTMLVideoElement)) throw new Error("It is no video.");
    const canvas = new OffscreenCanvas(element.videoWidth, element.videoHeight);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("There is no canvas.");
    context.drawImage(element, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const colours = data.filter((_, at) => at % 4 !== 3);
    return (
      colours.reduce((most, value) => Math.max(most, value)) -
      colours.reduce((least, value) => Math.min(least, value))
    );
  });
}
