/** What the tests of the engine's process share; nothing else imports it. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { GenerateRequest } from "../engine/settings.ts";
import type { EngineResult } from "./protocol.ts";

export { EMBEDDED_BUNDLE as BUNDLE } from "./embedded.ts";

/** A request that takes a fraction of a second; nothing of it is cached. */
export const SHORT: GenerateRequest = {
  prompt: "a red circle moves left on a blue background",
  num_inference_steps: 2,
  cache: "off",
};

/** A request that nobody waits for to end. */
export const LONG: GenerateRequest = { ...SHORT, num_inference_steps: 1000 };

export function framesHash({ frames }: Pick<EngineResult, "frames">): string {
  return createHash("sha256").update(frames.data).digest("hex");
}

/** True while a process runs; one that is dead but not yet collected by its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    // No such folder: another system (where signal 0 was the answer), or the process ended in between.
    return process.platform !== "linux";
  }
}

/** Resolves when a process that is no child of ours has ended; there is no event for that. */
export async function ended(pid: number): Promise<void> {
  while (isRunning(pid)) await wait(10);
}
