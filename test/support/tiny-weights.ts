/** The tiny Wan's weights, made by Python, and the bundle that belongs to them: for tests of the real torch worker. */

import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Manifest } from "../../src/engine/bundle/manifest.ts";

const ROOT = path.join(import.meta.dirname, "../..");

export interface TinyWeights {
  /** The diffusers folder. */
  readonly weights: string;
  /** The fixture's bundle, whose manifest names these weights. */
  readonly bundle: string;
  /** A folder of the test's own, beside the two. */
  readonly root: string;
  readonly remove: () => void;
}

/** @param python one that has the packages of python/requirements.txt */
export async function tinyWeights(python: string): Promise<TinyWeights> {
  const root = mkdtempSync(path.join(tmpdir(), "mixcache-tiny-"));
  const [weights, bundle] = [path.join(root, "weights"), path.join(root, "bundle")];
  const torch = JSON.parse(await run(python, ["python/parity/folder.py", "wan", "--output", weights]));
  cpSync(path.join(ROOT, "test/fixtures/models/wan/bundle"), bundle, { recursive: true });
  const file = path.join(bundle, "model.json");
  const manifest: Manifest = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...manifest, engines: ["onnx", "torch"], torch }));
  return { weights, bundle, root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Runs a script of the repository; gives the last line that it prints. */
async function run(python: string, args: readonly string[]): Promise<string> {
  const packages = ["models", "export", "parity"].map((name) => path.join(ROOT, "python", name));
  const child = spawn(python, args, {
    cwd: ROOT,
    env: { ...process.env, PYTHONPATH: packages.join(path.delimiter), PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  let complaint = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}: ${complaint}`);
  return printed.trim().split("\n").at(-1) ?? "";
}
