/** A Chromium that is on the machine, driven over its debugging protocol: what a page asks for, and what it shows. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** The browser's program: what `CHROMIUM` says, or one of the usual names; undefined where there is none. */
export function findChromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"])
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // The next name.
    }
  return undefined;
}

/** What became of a page. */
export interface Visit {
  /** Every URL that it asked for, also those that were refused. */
  readonly requests: readonly string[];
  /** Uncaught errors and lines of the console with the level error. */
  readonly errors: readonly string[];
  /** Text that a reader sees. */
  readonly text: string;
}

/** What the browser says. */
export interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { request?: { url: string }; entry?: { level: string; text: string } };
  readonly result?: { result?: { value?: unknown }; sessionId?: string; targetId?: string };
}

/** Opens a page and waits until its text has what `until` says, or the time is over. */
export function visit(program: string, url: string, until: string, limitMs: number): Promise<Visit> {
  return withChromium(program, (link) => drive(link, url, until, limitMs));
}

/** The debugging protocol of a browser that is running. */
export interface Link {
  /** Asks, and resolves with the answer. */
  readonly send: (method: string, params?: object, sessionId?: string) => Promise<Message>;
  readonly listen: (hear: (message: Message) => void) => void;
}

/**
 * Starts a browser for as long as the work takes. Unlike playwright-core it lets a tab be hidden: that one tells each
 * page that it has the focus.
 */
export async function withChromium<T>(program: string, work: (link: Link) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-browser-"));
  const browser = spawn(program, [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--remote-debugging-port=0",
    `--user-data-dir=${folder}`,
    "about:blank",
  ]);
  try {
    return await work(await linkTo(await debuggerOf(browser)));
  } finally {
    const gone = new Promise((resolve) => browser.once("exit", resolve));
    browser.kill("SIGKILL");
    await gone;
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Opens a tab in front of the others. @returns the tab's session */
export async function openTab({ send }: Link, url: string): Promise<string | undefined> {
  const { result: target } = await send("Target.createTarget", { url });
  const attached = await send("Target.attachToTarget", { targetId: target?.targetId, flatten: true });
  await send("Target.activateTarget", { targetId: target?.targetId });
  return attached.result?.sessionId;
}

/** What an expression in a tab gives, once its promise is kept. */
export async function evaluateIn({ send }: Link, session: string | undefined, expression: string) {
  const asked = { expression, awaitPromise: true, returnByValue: true };
  return (await send("Runtime.evaluate", asked, session)).result?.result?.value;
}

function debuggerOf(browser: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    browser.stderr?.on("data", (chunk) => {
      said += chunk;
      const [, address] = /listening on (ws:\S+)/.exec(said) ?? [];
      if (address) resolve(address);
    });
    browser.once("exit", () => reject(new Error(`Chromium ended: ${said}`)));
  });
}

async function linkTo(address: string): Promise<Link> {
  const socket = new WebSocket(address);
  await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
  const waiting = new Map<number, (message: Message) => void>();
  const hearers: ((message: Message) => void)[] = [];
  socket.addEventListener("message", ({ data }) => {
    const message: Message = JSON.parse(String(data));
    if (message.id !== undefined) waiting.get(message.id)?.(message);
    for (const hear of hearers) hear(message);
  });
  let last = 0;
  return {
    listen: (hear) => void hearers.push(hear),
    send: (method, params = {}, sessionId) =>
      new Promise((resolve) => {
        last += 1;
        waiting.set(last, resolve);
        socket.send(JSON.stringify({ id: last, method, params, ...(sessionId && { sessionId }) }));
      }),
  };
}

async function drive(link: Link, url: string, until: string, limitMs: number): Promise<Visit> {
  const { send, listen } = link;
  const requests: string[] = [];
  const errors: string[] = [];
  listen((message) => {
    if (message.method === "Network.requestWillBeSent") requests.push(message.params?.request?.url ?? "");
    if (message.method === "Runtime.exceptionThrown") errors.push(JSON.stringify(message.params));
    if (message.method === "Log.entryAdded" && message.params?.entry?.level === "error")
      errors.push(message.params.entry.text);
  });
  const session = await openTab(link, "about:blank");
  for (const domain of ["Network", "Runtime", "Log", "Page"]) await send(`${domain}.enable`, {}, session);
  await send("Page.navigate", { url }, session);
  const expression = "document.body ? document.body.innerText : ''";
  const deadline = Date.now() + limitMs;
  let text = "";
  do {
    await new Promise((resolve) => setTimeout(resolve, 250));
    text = String((await evaluateIn(link, session, expression)) ?? "");
  } while (!text.includes(until) && Date.now() < deadline);
  // What a page does once it is shown: a moment longer.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { requests, errors, text };
}
