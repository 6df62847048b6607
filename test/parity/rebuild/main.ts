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
import { rebuild, type Tools } from "./rebuild.ts";
import { failed, type Outcome, passed, type Result, skipped, summary } from "./report.ts";

/** Every script computes with one thread, so that its sums have one order. */
const MOST_JOBS = 2;

interface Check {
  readonly name: string;
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
  const only = values.only?.split(",").map((name) => name.trim());
  const python = await preparePython();
  process.stderr.write(`Python: ${python.note}\n`);
  const tools: Tools = { python: python.command, env: pythonEnvironment(), quiet: true };
  const scratch = values.keep ?? (await mkdtemp(path.join(tmpdir(), "mixcache-parity-")));
  await mkdir(scratch, { recursive: true });
  try {
    const all = checks(tools, scratch, values.quick);
    const unknown = only?.filter((name) => !all.some((check) => check.name.split(": ").includes(name))) ?? [];
    if (unknown.length > 0) {
      const names = [...new Set(all.flatMap(({ name }) => name.split(": ").slice(1)))];
      throw new EnvironmentError(`--only knows no ${unknown.join(", ")}; there are ${names.join(", ")}.`);
    }
    const chosen = all.filter(({ name }) => !only || name.split(": ").some((part) => only.includes(part)));
    const results = await inTurn(chosen, Math.min(MOST_JOBS, availableParallelism()));
    process.stdout.write(`${summary(results)}\n`);
    if (results.some(({ status }) => status === "failed")) process.exitCode = 1;
  } finally {
    if (values.keep === undefined) await rm(scratch, { recursive: true, force: true });
  }
}

function checks(tools: Tools, scratch: string, quick: boolean): Check[] {
  const rebuilt = fixtures().map((fixture) => ({
    name: `rebuild: ${fixture.name}`,
    work: () => rebuild(tools, fixture, path.join(scratch, fixture.name)),
  }));
  return [...rebuilt, { name: "tests: python", work: () => pythonTests(tools, quick) }];
}

async function pythonTests({ python, env, quiet }: Tools, quick: boolean): Promise<Outcome> {
  if (!existsSync(path.join(ROOT, "python/tests"))) return skipped("There is no python/tests.");
  const args = [
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    ...(quick ? ["-m", "not slow"] : []),
    "python/tests",
  ];
  const { code, tail } = await run(python, args, { cwd: ROOT, env, quiet });
  const last = tail.split("\n").at(-1) ?? "";
  return code === 0 ? passed(last) : failed(tail);
}

/** All checks in their order, some at a time; one that throws has failed. */
async function inTurn(checks: readonly Check[], jobs: number): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...checks];
  const worker = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const started = performance.now();
      process.stderr.write(`${check.name} …\n`);
      const outcome = await check.work().catch((error: unknown) => failed(String(error)));
      const seconds = (performance.now() - started) / 1000;
      process.stderr.write(`${check.name}: ${outcome.status}, ${seconds.toFixed(0)} s\n`);
      results.push({ check: check.name, seconds, ...outcome });
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
