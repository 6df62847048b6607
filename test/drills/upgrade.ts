/**
 * An upgrade under load: schema, API and worker of an older commit, then `mixcache migrate`, then the new API beside
 * the old worker, then both workers.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { judge, type Verdict } from "../chaos/oracle.ts";
import { create, type Reached, reached, type Serving } from "../support/serving.ts";
import type { Installation } from "./installation.ts";

const ROOT = path.join(import.meta.dirname, "../..");

/** The last commit before the schema had `0012-room`. */
export const BEFORE = "995cda4";

/** Whether this clone has the commit; a shallow one has not. */
export function isHere(commit: string): boolean {
  try {
    execFileSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The source of a commit, with the packages of this one. @returns its folder */
export function checkOut(commit: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const archive = execFileSync("git", ["archive", commit, "package.json", "src", "functions", "models"], {
    cwd: ROOT,
    maxBuffer: 1 << 30,
  });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return folder;
}

export interface UpgradeReport extends Verdict {
  /** Requests of the load, and those that were not answered as they should be. */
  readonly requests: number;
  readonly errors: readonly string[];
  /** The steps that `mixcache migrate` applied. */
  readonly migrated: string;
  readonly migrateMs: number;
  /** Attempts that ended otherwise than with a video. */
  readonly burnt: number;
  /** Videos that the old worker made of those that the new API was asked for. */
  readonly oldMadeOfNew: number;
}

export interface UpgradeOptions {
  /** How many videos each phase waits for. */
  readonly videos: number;
  readonly everyMs: number;
}

/** Runs it. @param old folder of the older source */
export async function upgrade(
  installation: Installation,
  old: string,
  { videos, everyMs }: UpgradeOptions,
): Promise<UpgradeReport> {
  const { start, database, store } = installation;
  const container = ["functions/container.ts"];
  await done(start(["src/cli/main.ts", "migrate"], { cwd: old }));
  const oldApi = start(container, { cwd: old, env: { ROLE: "api" } });
  const at = await reached(oldApi);
  const oldWorker = start(container, { cwd: old, env: { ROLE: "worker" } });
  await oldWorker.says("Ready:");
  const load = new Load(at, everyMs);
  await load.completed(videos);
  const startedMs = performance.now();
  const migrating = start(["src/cli/main.ts", "migrate"]);
  const migrated = await migrating.says("Applied");
  await done(migrating);
  const migrateMs = performance.now() - startedMs;
  await load.completed(videos);
  const newApi = start(container, { env: { ROLE: "api" } });
  const url = (await newApi.line("Listening on ")).replace("Listening on ", "");
  const ofNew = load.turnTo({ ...at, url });
  await load.completed(videos, ofNew);
  // Both at once, as during a gradual rollout.
  const newWorker = start(["src/cli/main.ts", "worker"]);
  await newWorker.says("Ready:");
  const oldMadeOfNew = [...ofNew].filter((id) => madeBy(oldWorker).has(id)).length;
  await load.completed(videos);
  await ended(oldWorker);
  await ended(oldApi);
  await load.stop();
  const verdict = await judge(database, store, load.acknowledged);
  const [row] = await database.query<{ burnt: number }>(
    "select coalesce(sum(jsonb_array_length(failures)), 0)::integer as burnt from mixcache.videos",
  );
  const { requests, errors } = load;
  return { ...verdict, requests, errors, migrated, migrateMs, oldMadeOfNew, burnt: row?.burnt ?? 0 };
}

function madeBy(worker: Serving): Set<string> {
  const logged = worker.lines.filter((line) => line.includes('"ending":"completed"'));
  return new Set(logged.map((line) => String((JSON.parse(line) as { video: string }).video)));
}

async function ended(one: Serving): Promise<void> {
  one.process.kill("SIGTERM");
  await done(one);
}

async function done(one: Serving): Promise<void> {
  const code = await one.exit;
  if (code !== 0) throw new Error(`It ended with ${code}:\n${one.lines.slice(-20).join("\n")}`);
}

/** More would only make the drill longer. */
const MOST_WAITING = 8;

/** Somebody who asks for videos at a steady pace, reads them and lists them, and takes note of every error. */
class Load {
  readonly acknowledged = new Set<string>();
  readonly errors: string[] = [];
  requests = 0;
  #at: Pick<Reached, "url" | "key">;
  readonly #everyMs: number;
  #stopped = false;
  #ofNew: Set<string> | undefined;
  #completed = new Set<string>();
  readonly #run: Promise<void>;

  constructor(at: Pick<Reached, "url" | "key">, everyMs: number) {
    this.#at = at;
    this.#everyMs = everyMs;
    this.#run = this.#loop();
  }

  /** From now on another server is asked. @returns the ids that it gives */
  turnTo(at: Pick<Reached, "url" | "key">): ReadonlySet<string> {
    this.#at = at;
    this.#ofNew = new Set();
    return this.#ofNew;
  }

  /** Resolves when so many more videos are done, of all or of these. */
  async completed(count: number, of: ReadonlySet<string> = this.acknowledged): Promise<void> {
    const done = () => [...of].filter((id) => this.#completed.has(id)).length;
    const wanted = done() + count;
    while (done() < wanted && this.errors.length === 0) await pause(50);
  }

  /** Asks for nothing more, and waits until all is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#run;
    while (this.#completed.size < this.acknowledged.size && this.errors.length === 0) {
      await this.#look();
      await pause(100);
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      if (this.acknowledged.size - this.#completed.size < MOST_WAITING) await this.#ask();
      await this.#look();
      await pause(this.#everyMs);
    }
  }

  #ask(): Promise<void> {
    return this.#noting(async () => {
      const wish = { prompt: "a red circle", num_inference_steps: 4, output_format: "webp" };
      const id = await create(this.#at, { ...wish, seed: this.acknowledged.size });
      this.acknowledged.add(id);
      this.#ofNew?.add(id);
    });
  }

  async #look(): Promise<void> {
    for (const id of this.acknowledged)
      if (!this.#completed.has(id)) await this.#noting(() => this.#read(id));
    await this.#noting(async () => void (await this.#get("/videos?limit=20")));
  }

  async #read(id: string): Promise<void> {
    const { status } = await this.#get(`/videos/${id}`);
    if (status === "failed") throw new Error(`${id} failed.`);
    if (status === "completed") this.#completed.add(id);
  }

  async #get(route: string): Promise<Record<string, unknown>> {
    const { url, key } = this.#at;
    const response = await fetch(`${url}/v1${route}`, { headers: { authorization: `Bearer ${key}` } });
    if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }

  async #noting(work: () => Promise<void>): Promise<void> {
    this.requests += 1;
    await work().catch((error: unknown) => this.errors.push(String(error)));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Removes a folder of `checkOut`. */
export function tidyUp(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
