/**
 * A Python with the pinned packages: `MIXCACHE_PYTHON` where it is set, else a virtual environment of the
 * repository's own in `.venv`, made again whenever the requirements change.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Ended, run } from "./process.ts";

/** A sentence for whoever has to install something. */
export class EnvironmentError extends Error {}

export interface Python {
  readonly command: string;
  /** For the report: which Python, and packages of other versions than the pinned ones. */
  readonly note: string;
}

const ROOT = path.join(import.meta.dirname, "../..");
const REQUIREMENTS = path.join(ROOT, "python/requirements.txt");
const PACKAGES = ["models", "export", "worker", "parity"];
const CANDIDATES = ["python3", "python3.13", "python3.12", "python3.11"];
const INSTALL_TIMEOUT_MS = 30 * 60_000;

/** Prints what is missing or of another version than a requirements file says, one a line. */
const CHECK = `
import sys
from importlib.metadata import PackageNotFoundError, version
for line in open(sys.argv[1]):
    name, _, wanted = line.split("#")[0].split(";")[0].strip().partition("==")
    if not wanted: continue
    try: found = version(name)
    except PackageNotFoundError: found = "missing"
    if found.split("+")[0] != wanted: print(f"{name} {found} instead of {wanted}")
`;

/** Finds or makes the environment. Rejects with an `EnvironmentError`. */
export async function preparePython(): Promise<Python> {
  const chosen = process.env.MIXCACHE_PYTHON;
  return chosen ? givenPython(chosen) : ownPython(path.join(ROOT, ".venv"));
}

/** The environment of a Python that imports the repository's own packages, and asks no hub. */
export function pythonEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PYTHONPATH: PACKAGES.map((folder) => path.join(ROOT, "python", folder)).join(path.delimiter),
    PYTHONDONTWRITEBYTECODE: "1",
    HF_HUB_OFFLINE: "1",
    TOKENIZERS_PARALLELISM: "false",
  };
}

async function givenPython(command: string): Promise<Python> {
  const found = await tryRun(command, ["-c", CHECK, REQUIREMENTS]);
  if (found?.code !== 0) {
    throw new EnvironmentError(
      `MIXCACHE_PYTHON is ${command}, which does not run as a Python. Give the path of a Python 3.11 or newer, or unset it.`,
    );
  }
  const others = found.stdout.trim().split("\n").filter(Boolean);
  const missing = others.filter((line) => line.includes(" missing "));
  if (missing.length > 0) {
    throw new EnvironmentError(
      `MIXCACHE_PYTHON (${command}) lacks packages: ${missing.join(", ")}. ` +
        `Run "${command} -m pip install -r ${REQUIREMENTS}", or unset MIXCACHE_PYTHON.`,
    );
  }
  return { command, note: [command, ...others].join(", ") };
}

async function ownPython(folder: string): Promise<Python> {
  const command = path.join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const stamp = path.join(folder, "mixcache-requirements");
  const base = await findPython();
  const digest = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .update(base.version)
    .digest("hex");
  const python = { command, note: `Python ${base.version}, ${path.basename(folder)}` };
  if (existsSync(command) && (await readFile(stamp, "utf8").catch(() => "")) === digest) return python;
  process.stderr.write(`making a virtual environment in ${folder}; the first time takes some minutes\n`);
  await rm(folder, { recursive: true, force: true });
  const made = await run(base.command, ["-m", "venv", folder]);
  if (made.code !== 0) {
    throw new EnvironmentError(
      `"${base.command} -m venv" failed: ${made.tail}\nInstall Python's venv module (Debian: apt-get install python3-venv).`,
    );
  }
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
  const installed = await run(command, [...pip, "-r", REQUIREMENTS], { timeoutMs: INSTALL_TIMEOUT_MS });
  if (installed.code !== 0) {
    throw new EnvironmentError(
      `pip could not install ${REQUIREMENTS}: ${installed.tail}\n` +
        "Where this machine has no package index, install the packages yourself and set MIXCACHE_PYTHON to that Python.",
    );
  }
  // Last, so that an interrupted installation is begun again.
  await writeFile(stamp, digest);
  return python;
}

/** The first Python that is new enough for the pinned packages. */
async function findPython(): Promise<{ readonly command: string; readonly version: string }> {
  const ask =
    "import sys; print('.'.join(map(str, sys.version_info[:3]))); sys.exit(sys.version_info < (3, 11))";
  for (const command of CANDIDATES) {
    const found = await tryRun(command, ["-c", ask]);
    if (found?.code === 0) return { command, version: found.stdout.trim() };
  }
  throw new EnvironmentError(
    "There is no Python 3.11 or newer on the path. Install one (Debian: apt-get install python3 python3-venv), " +
      "or set MIXCACHE_PYTHON to one that has the packages of python/requirements.txt.",
  );
}

async function tryRun(command: string, args: readonly string[]): Promise<Ended | undefined> {
  return run(command, args, { quiet: true, timeoutMs: 60_000 }).catch(() => undefined);
}
