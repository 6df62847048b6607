/** Vitest's global set-up: what the engine without its model gives in Node. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { pureOutputs } from "../support/pure-parts.ts";

const TRACE = path.join(import.meta.dirname, "../fixtures/trace-shapes-20.json");

export async function setup({ provide }: { provide: (key: never, value: never) => void }): Promise<void> {
  const trace = readFileSync(TRACE, "utf8");
  provide("pure" as never, JSON.stringify({ trace, outputs: await pureOutputs(trace) }) as never);
}
