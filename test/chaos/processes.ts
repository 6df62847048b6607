/** The processes of a drill: started with what they need as JSON, killed at will, gone when the drill is. */

import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a file of this folder. Its standard output and error go where they are asked for. */
export function start(file: string, given: object, quiet = true): ChildProcess {
  const child = fork(path.join(import.meta.dirname, file), [JSON.stringify(given)], {
    stdio: ["ignore", "pipe", quiet ? "ignore" : "inherit", "ipc"],
    serialization: "advanced",
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.on("error", () => {});
  return child;
}

/** The arguments that a process of this folder was started with. */
export function given<T>(): T {
  process.once("disconnect", () => process.exit());
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export function exitOf(child: ChildProcess): Promise<Exit> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
}

/** The next message that the process sends; undefined where it ends before. */
export function messageOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const message = (value: unknown) => done(value);
    const exit = () => done(undefined);
    const done = (value: unknown) => {
      child.removeListener("message", message);
      child.removeListener("exit", exit);
      resolve(value);
    };
    child.once("message", message);
    child.once("exit", exit);
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
