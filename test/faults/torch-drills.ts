/** Disturbs the real torch worker in every way; each must give its error, and the next video must be the undisturbed one. */

import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type ErrorCode, MixcacheError, messageOf } from "../../src/errors.ts";
import { EngineChild, type EngineOptions } from "../../src/node/index.ts";
import { ended, framesHash } from "../../src/node/testing.ts";
import { workerCommand } from "../../src/node/torch-worker.ts";
import type { TinyWeights } from "../support/tiny-weights.ts";
import { workerOf } from "./processes.ts";

export interface Drill {
  readonly name: string;
  /** Whether the error was the right one, and whether the next video was right. */
  readonly passed: boolean;
  /** The error as it was told, or what was wrong. */
  readonly told: string;
}

export const REQUEST = { prompt: "a red circle", num_inference_steps: 2, seed: 3, cache: "off" };
/** Faults of `bad_worker.py` while a video is made. */
const WORKER_FAULTS: readonly (readonly [string, ErrorCode])[] = [
  ["truncated", "engine_crashed"],
  ["garbage", "engine_failed"],
  ["silent", "engine_hung"],
  ["memory", "engine_out_of_memory"],
];

/** Options of an engine whose worker is the real one, or with a fault the same with that fault. */
export function engineOptions(python: string, tiny: TinyWeights, fault?: string): EngineOptions {
  const torch = { python, weights: tiny.weights, device: "cpu", dtype: "float32" } as const;
  const [, unbuffered = "-u", , ...args] = workerCommand(torch, 1);
  const bad = path.join(import.meta.dirname, "bad_worker.py");
  const command = fault === undefined ? workerCommand(torch, 1) : [python, unbuffered, bad, fault, ...args];
  // Python that starts under load is slow to answer.
  const watch = { command, heartbeatMs: 500, hangTimeoutMs: 10_000 };
  return { bundle: tiny.bundle, threads: 1, torch: { ...torch, watch } };
}

/** Runs the drills one after the other; `onDrill` hears of each when it is over. */
export async function torchDrills(
  python: string,
  tiny: TinyWeights,
  onDrill: (drill: Drill) => void,
): Promise<Drill[]> {
  const drills: Drill[] = [];
  const engine = await EngineChild.start(engineOptions(python, tiny));
  const undisturbed = framesHash(await engine.generate(REQUEST));
  const note = (name: string, wanted: ErrorCode, error: unknown, next: string | undefined) => {
    const code = error instanceof MixcacheError ? error.code : undefined;
    const right = code === wanted && (next === undefined || next === undisturbed);
    const told = `${code ?? "no error"}: ${messageOf(error)}${next !== undefined && next !== undisturbed ? " The next video is another one." : ""}`;
    const drill = { name, passed: right, told };
    drills.push(drill);
    onDrill(drill);
  };
  try {
    for (const [name, wanted, disturb] of fromOutside) {
      const worker = workerOf(engine);
      const error = await errorOf(disturbed(engine, () => disturb(worker)));
      note(name, wanted, error, framesHash(await engine.generate(REQUEST)));
    }
  } finally {
    engine.dispose();
  }
  for (const [fault, wanted] of WORKER_FAULTS) {
    const bad = await EngineChild.start(engineOptions(python, tiny, fault));
    note(fault, wanted, await errorOf(bad.generate(REQUEST)), undefined);
    bad.dispose();
  }
  for (const [name, wanted, options] of badStarts(python, tiny)) {
    const error = await errorOf(EngineChild.start(options).then((started) => started.dispose()));
    note(name, wanted, error, undefined);
  }
  const last = await orphan(python, tiny);
  onDrill(last);
  return [...drills, last];
}

/** A suspended worker can't see the end of its pipe: the system must end it with the engine's process. */
async function orphan(python: string, tiny: TinyWeights): Promise<Drill> {
  const engine = await EngineChild.start(engineOptions(python, tiny));
  const worker = workerOf(engine);
  process.kill(worker, "SIGSTOP");
  process.kill(engine.pid ?? 0, "SIGKILL");
  const passed = await Promise.race([ended(worker).then(() => true), wait(10_000, false)]);
  engine.dispose();
  const told = passed ? "it has ended" : "it still runs 10 s later";
  if (!passed) process.kill(worker, "SIGKILL");
  return { name: "suspended when its engine was killed", passed, told };
}

/** What somebody else does to the worker's process while it makes a video. */
const fromOutside: readonly (readonly [string, ErrorCode, (worker: number) => void])[] = [
  ["killed", "engine_crashed", (worker) => process.kill(worker, "SIGKILL")],
  ["suspended", "engine_hung", (worker) => process.kill(worker, "SIGSTOP")],
  [
    "no memory left",
    "engine_out_of_memory",
    (worker) => {
      const used = Number(/^VmSize:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${worker}/status`, "utf8"))?.[1]);
      execFileSync("prlimit", ["--pid", String(worker), `--as=${used * 1024}`]);
    },
  ],
];

function badStarts(
  python: string,
  tiny: TinyWeights,
): readonly (readonly [string, ErrorCode, EngineOptions])[] {
  const weights = path.join(tiny.root, "other-weights");
  cpSync(tiny.weights, weights, { recursive: true });
  const folder = path.join(weights, "transformer");
  const file = path.join(folder, readdirSync(folder).find((name) => name.endsWith(".safetensors")) ?? "");
  const bytes = readFileSync(file);
  // The last tensor's first bytes lie in the last 1 kB of a file of such small tensors.
  for (let i = bytes.length - 1024; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ 1;
  writeFileSync(file, bytes);
  const options = engineOptions(python, tiny);
  const withWeights = (other: string): EngineOptions => {
    const torch = { python, weights: other, device: "cpu", dtype: "float32" } as const;
    return { ...options, torch };
  };
  return [
    ["another version", "engine_unavailable", engineOptions(python, tiny, "version")],
    ["other weights", "bundle_digest_mismatch", withWeights(weights)],
    ["no diffusers folder", "bundle_unsupported", withWeights(tiny.bundle)],
    ["no such Python", "engine_unavailable", { ...options, torch: { python: "/nowhere/python3", weights } }],
  ];
}

/** A video during which something is done once, in its denoising; long enough not to be over before that works. */
export function disturbed(engine: EngineChild, disturbance: () => void) {
  let count = 0;
  return engine.generate(
    { ...REQUEST, num_inference_steps: 100 },
    {
      onProgress: ({ phase }) => {
        if (phase === "denoise" && ++count === 2) disturbance();
      },
    },
  );
}

async function errorOf(run: Promise<unknown>): Promise<unknown> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return error;
  }
}
