/** Server processes as people run them: what they say, and how they are asked. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

export interface Serving {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  /** Everything that it said so far, on both streams. */
  readonly lines: string[];
  /** The first line, said or to come, that begins so. @throws Error where the process ends before */
  line(start: string): Promise<string>;
  /** The first one with this in it. @throws Error where the process ends before */
  says(part: string): Promise<string>;
}

/** A server that can be asked. */
export interface Reached {
  readonly url: string;
  /** Of the first start; empty on later ones. */
  readonly key: string;
  /** The line for a shell that the start printed. */
  readonly curl: string;
}

/** A video as the API shows it. */
export type Shown = Record<string, unknown>;

/** Starts processes on one folder, and ends them with it. */
export class Servers {
  readonly folder = mkdtempSync(path.join(tmpdir(), "mixcache-serve-"));
  readonly #running: Serving[] = [];

  /** What `npm start` starts, on a port that is free. */
  start(env: Readonly<Record<string, string>> = {}): Serving {
    const child = spawn(process.execPath, ["functions/container.ts"], {
      env: { ...process.env, DATA_DIR: path.join(this.folder, "data"), PORT: "0", THREADS: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const serving = watched(child);
    this.#running.push(serving);
    return serving;
  }

  async close(): Promise<void> {
    for (const one of this.#running) one.process.kill("SIGKILL");
    await Promise.all(this.#running.map(({ exit }) => exit));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A process that is listened to. */
export function watched(child: ChildProcess): Serving {
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (text) => {
      lines.push(text);
      tell();
    });
  }
  let ended = false;
  const exit = once(child, "close").then(([code]) => {
    ended = true;
    tell();
    return code as number | null;
  });
  const first = (what: string, isIt: (text: string) => boolean) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = lines.find(isIt);
        if (found === undefined && !ended) return;
        waiting.delete(look);
        if (found === undefined) reject(new Error(`It ended without “${what}”:\n${lines.join("\n")}`));
        else resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    process: child,
    exit,
    lines,
    line: (start) => first(start, (text) => text.startsWith(start)),
    says: (part) => first(part, (text) => text.includes(part)),
  };
}

/** What a start says of where it is and how it is asked. */
export async function reached(serving: Serving): Promise<Reached> {
  const curl = await serving.line("ID=");
  const url = (await serving.line("Listening on ")).replace("Listening on ", "");
  return { curl, url, key: /Bearer (mx_[a-z2-7]+)/.exec(curl)?.[1] ?? "" };
}

/** Asks the API. */
export async function call(
  { url, key }: Pick<Reached, "url" | "key">,
  method: string,
  route: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: Shown }> {
  const response = await fetch(`${url}/v1${route}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Shown };
}

/** Asks for a video. @returns its id */
export async function create(at: Pick<Reached, "url" | "key">, wish: object): Promise<string> {
  const { status, body } = await call(at, "POST", "/videos", wish);
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return String(body.id);
}

/** Asks every tenth of a second, as a client does, until the video is as wanted. */
export async function until(
  at: Pick<Reached, "url" | "key">,
  id: string,
  wanted: (video: Shown) => boolean,
): Promise<Shown> {
  for (;;) {
    const { body } = await call(at, "GET", `/videos/${id}`);
    if (wanted(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const isOver = ({ status }: Shown): boolean => status === "completed" || status === "failed";
export const isBegun = ({ progress }: Shown): boolean => Number(progress) > 0;

/** The bytes of a video. */
export async function download({ url, key }: Pick<Reached, "url" | "key">, id: string): Promise<Uint8Array> {
  const response = await fetch(`${url}/v1/videos/${id}/content`, {
    headers: { authorization: `Bearer ${key}` },
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return new Uint8Array(await response.arrayBuffer());
}
