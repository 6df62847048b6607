/** Runs a program to its end, with its output passed on and its last lines kept for the report. */

import { spawn } from "node:child_process";

export interface Ended {
  /** `null` where a signal or the time limit ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** The last lines of both outputs, in the order in which they came. */
  readonly tail: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** Keeps the output from the terminal. */
  readonly quiet?: boolean;
}

const TAIL_LINES = 40;

/** Rejects only where the program cannot be started at all. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: "SIGKILL" }),
    });
    let stdout = "";
    let all = "";
    const take = (text: string) => {
      all += text;
      if (!options.quiet) process.stderr.write(text);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      take(text);
    });
    child.stderr.setEncoding("utf8").on("data", take);
    child.on("error", reject);
    child.on("close", (code) => {
      const lines = all.trimEnd().split("\n").slice(-TAIL_LINES);
      resolve({ code, stdout, tail: lines.join("\n"), seconds: (performance.now() - started) / 1000 });
    });
  });
}
