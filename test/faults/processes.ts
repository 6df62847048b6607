/** Which processes an engine has started. */

import { execFileSync } from "node:child_process";
import type { EngineChild } from "../../src/node/index.ts";

/** Processes that a process has started, by their ids. */
export function childrenOf(pid: number | undefined): number[] {
  const listed = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return listed.trim().split(/\s+/).map(Number);
}

/** The torch worker of an engine. */
export function workerOf(engine: EngineChild): number {
  const [worker] = childrenOf(engine.pid);
  if (worker === undefined) throw new Error("The engine has no worker.");
  return worker;
}
