/** Suites that need a real S3 server: it is installed where it is missing, started, and ended with them. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { howToGet, missingPackages, type S3Server, startRgw } from "./rgw.ts";

/**
 * Ceph's gateway from Debian where it is missing, as root, in memory on loopback. Where it can't be installed, the
 * process says what to install and ends with 2.
 */
export async function installedRgw(): Promise<S3Server> {
  install();
  const startedMs = performance.now();
  const server = await startRgw();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stderr.write(`${server.version} at ${server.endpoint}, after ${seconds} s\n`);
  return server;
}

/** Runs the suites of a folder; `test/support/s3.ts` tells them where the server is. @returns the exit code */
export async function runSuites(folder: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const server = await installedRgw();
  try {
    const { endpoint, accessKeyId, secretAccessKey, configFile } = server;
    const tests = spawn("vitest", ["run", folder], {
      stdio: "inherit",
      env: {
        ...process.env,
        MIXCACHE_TEST_S3: JSON.stringify({ endpoint, accessKeyId, secretAccessKey, configFile }),
        ...env,
      },
    });
    const [code] = await once(tests, "exit");
    return code === 0 ? 0 : 1;
  } finally {
    await server.stop();
  }
}

function install(): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const isPossible = process.getuid?.() === 0 && spawnSync("which", ["apt-get"]).status === 0;
  if (!isPossible) {
    process.stderr.write(`The S3 server is missing. On Debian, as root: ${howToGet(missing)}\n`);
    process.exit(2);
  }
  process.stderr.write(`Installing ${missing.join(", ")} from Debian\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const flags of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", ...missing],
  ]) {
    const { status, stderr } = spawnSync("apt-get", flags, { env, encoding: "utf8" });
    if (status !== 0) {
      process.stderr.write(`apt-get ${flags[0]} failed: ${stderr}\n`);
      process.exit(2);
    }
  }
}
