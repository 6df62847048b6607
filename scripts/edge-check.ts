/**
 * Bundles the edge router as a deployment would, without deploying it. A setting of wrangler.toml that wrangler doesn't
 * know is a failure here; wrangler itself only warns of it.
 *
 *     node scripts/edge-check.ts [another wrangler.toml]
 */

import { execFile } from "node:child_process";
import path from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";

const ROOT = path.join(import.meta.dirname, "..");

/** What is wrong with the Worker or its configuration; empty where nothing is. */
export async function edgeFaults(config = path.join(ROOT, "wrangler.toml")): Promise<string> {
  const wrangler = path.join(ROOT, "node_modules/.bin/wrangler");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  const ran = await promisify(execFile)(wrangler, ["deploy", "--dry-run", "--config", config], {
    cwd: ROOT,
    env,
  }).then(
    ({ stdout, stderr }) => ({ said: stdout + stderr, failed: false }),
    ({ stdout = "", stderr = "" }: { stdout?: string; stderr?: string }) => ({
      said: stdout + stderr,
      failed: true,
    }),
  );
  const said = stripVTControlCharacters(ran.said);
  return ran.failed || /warning/i.test(said) ? said.trim() : "";
}

if (import.meta.main) {
  const faults = await edgeFaults(process.argv[2]);
  process.stdout.write(faults === "" ? "The edge can be deployed.\n" : `${faults}\n`);
  if (faults !== "") process.exitCode = 1;
}
