/**
 * Parity with PyTorch, from the ground up: `npm run test:parity -- [--only wan,schedulers] [--quick] [--keep folder]`.
 *
 * Makes every fixture that Python made anew and compares it with the committed one, and runs Python's own tests.
 * What this needs of Python it installs into `.venv`; `MIXCACHE_PYTHON` names a Python that has it all.
 */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { EnvironmentError, preparePython, pythonEnvironment } from "../../../scripts/python/environment.ts";
import { run } from "../../../scripts/python/process.ts";
import { fixtures, ROOT } from "./fixtures.ts";
import { rebuild, Scratch, type Tools } from "./rebuild.ts";
import { failed, type Outcome, passed, type Result, skipped, summary } from "./report.ts";

/** Every script computes with one thread, so that its sums have one order. */
const MOST_JOBS = 2;

/** A worker imports torch and diffusers before it answers, which takes a busy machine minutes. */
const PATIENT = ["--hookTimeout=900000", "--testTimeout=900000"];

interface Check {
  /** What `--only` names: a fixture, "python", "gpu" or "torch". */
  readonly name: string;
  readonly title: string;
  readonly work: () => Promise<Outcome>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      keep: { type: "string" },
    },
  });
  const python = await preparePython();
  process.stderr.write(`Python: ${python.note}\n`);
  const tools: Tools = { python: python.command, env: pythonEnvironment(), quiet: true };
  const scratch = new Scratch(
    path.resolve(values.keep ?? (await mkdtemp(path.join(tmpdir(), "mixcache-parity-")))),
  );
  await mkdir(scratch.folder, { recursive: true });
  try {
    const chosen = choose(checks(tools, scratch, values.quick), values.only);
    // The torch worker computes with the weights that the others make.
    const last = chosen.filter(({ name }) => name === "torch");
    const first = chosen.filter(({ name }) => name !== "torch");
    const results = [
      ...(await inTurn(first, Math.min(MOST_JOBS, availableParallelism()))),
      ...(await inTurn(last, 1)),
    ];
    process.stdout.write(`${summary(results)}\n`);
    if (results.some(({ status }) => status === "failed")) process.exitCode = 1;
  } finally {
    if (values.keep === undefined) await rm(scratch.folder, { recursive: true, force: true });
  }
}

function checks(tools: Tools, scratch: Scratch, quick: boolean): Check[] {
  const rebuilt = fixtures().map((fixture) => ({
    name: fixture.name,
    title: `rebuild ${fixture.name}`,
    work: () => rebuild(tools, fixture, scratch),
  }));
  return [
    // First, since it takes longest and nothing can share its work.
    { name: "python", title: "Python's own tests", work: () => pythonTests(tools, quick) },
    ...rebuilt,
    { name: "gpu", title: "GPU script, tiny, on the CPU", work: () => gpuScript(tools, quick) },
    { name: "torch", title: "torch worker", work: () => torchParity(tools, scratch) },
  ];
}

/** @throws EnvironmentError where `--only` names something else */
function choose(all: readonly Check[], only: string | undefined): readonly Check[] {
  if (only === undefined) return all;
  const wanted = only.split(",").map((name) => name.trim());
  const unknown = wanted.filter((name) => !all.some((check) => check.name === name));
  if (unknown.length > 0) {
    const names = all.map(({ name }) => name).join(", ");
    throw new EnvironmentError(`--only knows no ${unknown.join(", ")}; there are ${names}.`);
  }
  return all.filter(({ name }) => wanted.includes(name));
}

async function pythonTests({ python, env, quiet }: Tools, quick: boolean): Promise<Outcome> {
  const chosen = quick ? ["-m", "not slow"] : [];
  const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", ...chosen, "python/tests"];
  const { code, tail } = await run(python, args, { cwd: ROOT, env, quiet });
  return code === 0 ? passed(tail.split("\n").at(-1) ?? "") : failed(tail);
}

/** It has to work on the day a GPU is at hand. */
async function gpuScript({ python, env, quiet }: Tools, quick: boolean): Promise<Outcome> {
  const models = quick ? ["--models", "wan-tiny"] : [];
  const how = ["--tiny", "--device", "cpu", "--dtype", "float32", "--steps", "2", "--no-compile", "--strict"];
  const { code, tail } = await run(python, ["bench/gpu/main.py", ...how, ...models], {
    cwd: ROOT,
    env,
    quiet,
  });
  return code === 0 ? passed("worker, client and engine together") : failed(tail);
}

/** The parity suite through the torch worker, on the fixtures that were just made. */
async function torchParity({ python, env, quiet }: Tools, scratch: Scratch): Promise<Outcome> {
  if (!existsSync(scratch.weights)) return skipped("No model was rebuilt: name one with --only, too.");
  const { code, tail } = await run(
    process.execPath,
    [path.join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "test/parity/torch.test.ts", ...PATIENT],
    {
      cwd: ROOT,
      env: {
        ...env,
        NO_COLOR: "1",
        MIXCACHE_PARITY_PYTHON: python,
        MIXCACHE_PARITY_WEIGHTS: scratch.weights,
        MIXCACHE_PARITY_FIXTURES: scratch.fixtures,
      },
      quiet,
    },
  );
  return code === 0 ? passed(tail.split("\n").at(-1) ?? "") : failed(tail);
}

/** All checks in their order, some at a time; one that throws has failed. */
async function inTurn(checks: readonly Check[], jobs: number): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...checks];
  const worker = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const started = performance.now();
      process.stderr.write(`${check.title} …\n`);
      const outcome = await check.work().catch((error: unknown) => failed(String(error)));
      const seconds = (performance.now() - started) / 1000;
      process.stderr.write(`${check.title}: ${outcome.status}, ${seconds.toFixed(0)} s\n`);
      results.push({ check: check.title, seconds, ...outcome });
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

try {
  await main();
} catch (error) {
  process.stderr.write(
    `test:parity: ${error instanceof EnvironmentError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}
