/** Functions are small: they load without the packages that only workers and one box need. */

import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const ENV = {
  DATABASE_URL: "postgres://mixcache@127.0.0.1:1/x",
  S3_BUCKET: "videos",
  OPERATOR_KEY: "the-operators-own-key-of-32-characters",
  WEBHOOK_KEY: "ab".repeat(32),
};

/** Imports it as the runtime does. */
function load(name: string) {
  const script = `globalThis.awslambda = { streamifyResponse: (f) => f }; const { handler } = await import("./functions/${name}.ts"); console.log(typeof handler);`;
  const flags = ["--import", "./test/support/without-natives.mjs", "--input-type=module", "--eval", script];
  const { PATH = "" } = process.env;
  return spawnSync(process.execPath, flags, { cwd: ROOT, env: { PATH, ...ENV }, encoding: "utf8" });
}

it.each(["lambda", "tick"])("functions/%s.ts needs neither an engine, nor codecs, nor PGlite", (name) => {
  const { status, stdout, stderr } = load(name);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "function\n", stderr: "" });
});
