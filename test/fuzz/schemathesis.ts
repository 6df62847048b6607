/** Where schemathesis is: the one that MIXCACHE_SCHEMATHESIS names, or one of our own in `.venv-fuzz`. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const FOLDER = path.join(import.meta.dirname, "../../.venv-fuzz");
const REQUIREMENTS = path.join(import.meta.dirname, "requirements.txt");

/** The command. @throws Error where it can't be installed */
export async function schemathesis(): Promise<string> {
  const given = process.env.MIXCACHE_SCHEMATHESIS;
  if (given) return given;
  const stamp = path.join(FOLDER, "requirements");
  const wanted = readFileSync(REQUIREMENTS, "utf8");
  const command = path.join(FOLDER, "bin/st");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return command;
  must("python3", ["-m", "venv", "--clear", FOLDER]);
  must(path.join(FOLDER, "bin/pip"), ["install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS]);
  writeFileSync(stamp, wanted);
  return command;
}

function must(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}.`);
}
