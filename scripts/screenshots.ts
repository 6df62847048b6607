/**
 *     npm run screenshots                         the pictures of the docs, into docs/images
 *     npm run screenshots -- --output folder      every view on phone and desktop, light and dark
 *
 * Of a real server with the embedded model, in Chromium. Videos are made anew, so times in the pictures are this machine's.
 */

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { chromiumProgram, launchChromium } from "../test/support/browser.ts";
import { ask, LOOKS } from "../test/support/playground.ts";
import { call, create, isOver, type Reached, reached, Servers, until } from "../test/support/serving.ts";

type Look = (typeof LOOKS)[number];

const DOCS = path.join(import.meta.dirname, "../docs/images");
const PROMPT = "a red circle moves left on a blue background";
const PROMPTS = [
  "a large blue ring grows on a white background",
  "a large orange cross moves right on a black background",
  "a green square spins on a gray background",
];

/** What a video needs to show its first frame. */
const SETTLE_MS = 500;

/** What is shown of the page, and when it is there. */
interface View {
  readonly name: string;
  /** In the docs, in this look. */
  readonly docs?: Look["name"];
  readonly open: (page: Page, scene: Scene) => Promise<void>;
}

/** Videos of the server that views are about. */
interface Scene {
  readonly at: Reached;
  readonly cached: string;
  readonly uncached: string;
}

const goTo = async (page: Page, { at }: Scene, fragment: string, ready: string) => {
  await page.goto(`${at.url}/#/${fragment}?key=${at.key}`);
  await page.locator(ready).first().waitFor();
  // Pictures and frames of videos come last.
  await page.waitForLoadState("networkidle");
  await page.waitForTimeout(SETTLE_MS);
};

const VIEWS: readonly View[] = [
  { name: "create", docs: "desktop, light", open: (page, scene) => goTo(page, scene, "", "form") },
  {
    name: "timeline",
    docs: "phone, light",
    open: async (page, scene) => {
      await goTo(page, scene, `video/${scene.cached}`, "video");
      const slider = page.getByRole("slider", { name: "Step" });
      await slider.focus();
      for (let step = 0; step < 24; step++) await page.keyboard.press("ArrowRight");
      await slider.evaluate((element) => element.scrollIntoView({ block: "center" }));
    },
  },
  {
    name: "compare",
    docs: "desktop, light",
    open: (page, scene) => goTo(page, scene, `compare/${scene.uncached}/${scene.cached}`, ".compared"),
  },
  { name: "history", docs: "phone, dark", open: (page, scene) => goTo(page, scene, "history", ".card") },
  {
    name: "usage",
    docs: "phone, light",
    open: (page, scene) => goTo(page, scene, "operator/usage", "table"),
  },
  { name: "keys", open: (page, scene) => goTo(page, scene, "operator/keys", "table") },
  {
    name: "deliveries",
    open: (page, scene) => goTo(page, scene, "operator/deliveries", "nav[aria-label='Views of the account']"),
  },
  // Last, as it leaves videos behind.
  {
    name: "live",
    docs: "desktop, dark",
    open: async (page, scene) => {
      await goTo(page, scene, "", "form");
      await ask(page, { prompt: PROMPT, steps: 100 });
      await page.locator("#stage canvas").waitFor();
      await page.locator("#stage strong", { hasText: /^Step [3-8]\d of 100$/ }).waitFor();
    },
  },
];

async function sceneOn(at: Reached): Promise<Scene> {
  const make = async (wish: object) => {
    const id = await create(at, { seed: 7, num_inference_steps: 50, ...wish });
    await until(at, id, isOver);
    return id;
  };
  for (const prompt of PROMPTS) await make({ prompt });
  const uncached = await make({ prompt: PROMPT, cache: "off" });
  const cached = await make({ prompt: PROMPT, cache: { policy: "mixcache", speed: 2 } });
  await call(at, "POST", "/webhooks", { url: "https://hooks.example.com/mixcache" });
  return { at, cached, uncached };
}

async function picture(browser: Browser, view: View, look: Look, scene: Scene, file: string): Promise<void> {
  const { viewport, colorScheme } = look;
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 2 });
  try {
    const page = await context.newPage();
    await view.open(page, scene);
    await sharp(await page.screenshot())
      .webp({ quality: 70 })
      .toFile(file);
    process.stdout.write(`${file}\n`);
  } finally {
    await context.close();
  }
}

async function main(): Promise<void> {
  const { output } = parseArgs({ options: { output: { type: "string" } } }).values;
  if (output !== undefined) await mkdir(output, { recursive: true });
  const servers = new Servers();
  const browser = await launchChromium({ webgpu: false });
  try {
    const serving = servers.start();
    const at = await reached(serving);
    await serving.line("Ready:");
    const scene = await sceneOn(at);
    for (const view of VIEWS)
      for (const look of LOOKS) {
        const name = `playground-${view.name}`;
        if (output !== undefined)
          await picture(
            browser,
            view,
            look,
            scene,
            path.join(output, `${name}-${look.name.replace(", ", "-")}.webp`),
          );
        else if (view.docs === look.name)
          await picture(browser, view, look, scene, path.join(DOCS, `${name}.webp`));
      }
  } finally {
    await browser.close();
    await servers.close();
  }
}

if (!chromiumProgram) {
  process.stderr.write("Chromium is missing: apt-get install chromium, or set CHROMIUM.\n");
  process.exitCode = 2;
} else await main();
