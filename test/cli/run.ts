/** Runs the real command line as a process, in an empty folder of its own. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";

export const ROOT = path.join(import.meta.dirname, "../..");
export const PROMPT = "a red circle moves left on a blue background";

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Gives the command line a process group of its own, as a terminal does. */
  readonly group?: boolean;
}

/** A folder to run in, and empty ones that stand in for the home and the temporary folder; a cache beside them. */
export class Sandbox {
  readonly #root = mkdtempSync(path.join(tmpdir(), "mixcache-cli-"));
  readonly folder = path.join(this.#root, "work");
  readonly #elsewhere = ["home", "tmp"].map((name) => path.join(this.#root, name));

  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox();
    for (const folder of [sandbox.folder, ...sandbox.#elsewhere]) await mkdir(folder);
    return sandbox;
  }

  pathOf(file: string): string {
    return path.join(this.folder, file);
  }

  /** Every file that runs left, wherever but in the cache. */
  async files(): Promise<string[]> {
    const all = await Promise.all([this.folder, ...this.#elsewhere].map((folder) => readdir(folder)));
    return all.flat();
  }

  start(args: readonly string[], options: CliOptions = {}): RunningCli {
    const [home = "", tmp = ""] = this.#elsewhere;
    return new RunningCli(
      args,
      this.folder,
      { HOME: home, TMPDIR: tmp, XDG_CACHE_HOME: path.join(this.#root, "cache"), ...options.env },
      options.group ?? false,
    );
  }

  run(args: readonly string[], options?: CliOptions): Promise<Outcome> {
    return this.start(args, options).done;
  }

  remove(): Promise<void> {
    return rm(this.#root, { recursive: true, force: true });
  }
}

export class RunningCli {
  readonly done: Promise<Outcome>;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>, group: boolean) {
    this.#process = spawn(process.execPath, [path.join(ROOT, "src/cli/main.ts"), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: group,
    });
    this.#process.stdout.on("data", (chunk) => {
      this.#stdout += chunk;
    });
    this.#process.stderr.on("data", (chunk) => {
      this.#stderr += chunk;
    });
    this.done = once(this.#process, "close").then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error("The command line did not start.");
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves when stderr holds the pattern; rejects when the run ends without. */
  async said(pattern: RegExp): Promise<void> {
    const ended = this.done.then(() => "ended" as const);
    while (!pattern.test(this.#stderr)) {
      const next = await Promise.race([once(this.#process.stderr, "data"), ended]);
      if (next === "ended" && !pattern.test(this.#stderr))
        throw new Error(`It ended and only said: ${this.#stderr}`);
    }
  }

  /** Closes the other ends of stdout and stderr. */
  stopListening(): void {
    this.#process.stdout.destroy();
    this.#process.stderr.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** What Ctrl-C on a terminal does. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** The engine's process; Linux only. */
  get enginePid(): number {
    return Number(readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8").trim().split(" ")[0]);
  }
}
