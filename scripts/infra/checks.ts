/** Every check of the deployment files, each for files of one kind: what is wrong with them, a line each. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Ended, type RunOptions, run } from "../python/process.ts";
import { type Template, templateProblems } from "./cloudformation.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const MODULES = path.join(REPOSITORY, "node_modules");

/** Inputs of serverless.yml, of the form that real ones have. */
const SERVERLESS_INPUTS = {
  MIXCACHE_IMAGE: `111122223333.dkr.ecr.eu-central-1.amazonaws.com/mixcache@sha256:${"0".repeat(64)}`,
  MIXCACHE_BUNDLE: `s3://models/mixcache@sha256:${"0".repeat(64)}`,
  MIXCACHE_BUNDLE_BUCKET: "models",
  MIXCACHE_PUBLIC_URL: "https://video.example.com",
  MIXCACHE_SECRET_ARN: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:mixcache-AbCdEf",
  MIXCACHE_SUBNETS: "subnet-11111111111111111,subnet-22222222222222222",
  MIXCACHE_SECURITY_GROUP: "sg-11111111111111111",
};

/**
 * `osls package` of a folder with a serverless.yml, then its template against AWS's specification and by `cfn-lint`.
 * @param bin the folder of `cfn-lint`
 */
export async function serverlessProblems(folder: string, bin: string): Promise<string[]> {
  const output = await mkdtemp(path.join(tmpdir(), "mixcache-osls-"));
  try {
    const osls = path.join(MODULES, "osls/bin/serverless.js");
    const packaged = await node([osls, "package", "--package", output], {
      cwd: folder,
      env: { ...process.env, ...SERVERLESS_INPUTS },
    });
    if (packaged.code !== 0) return lines(packaged.tail);
    const file = path.join(output, "cloudformation-template-update-stack.json");
    const template: Template = JSON.parse(await readFile(file, "utf8"));
    // W3005: osls itself says twice that a function needs its role.
    const linted = await run(
      path.join(bin, "cfn-lint"),
      ["--template", file, "--ignore-checks", "W3005", "--regions", "eu-central-1", "--format", "parseable"],
      { quiet: true },
    );
    return [...templateProblems(template), ...complaints(linted)];
  } finally {
    await rm(output, { recursive: true });
  }
}

/** Kubernetes, KEDA and Cloud Run. @param bin the folder of a `python` that has the schemas */
export async function manifestProblems(files: readonly string[], bin: string): Promise<string[]> {
  const script = path.join(import.meta.dirname, "manifests.py");
  return complaints(await run(path.join(bin, "python"), [script, ...files], { quiet: true }));
}

/** A Compose file against the schema of the Compose specification, and rules of `dclint`. */
export async function composeProblems(file: string): Promise<string[]> {
  const dclint = path.join(MODULES, "dclint/bin/dclint.cjs");
  const rules = path.join(import.meta.dirname, "dclint.json");
  return complaints(await node([dclint, "--config", rules, "--max-warnings", "0", file]));
}

/** A Dockerfile. @param bin the folder of `hadolint` */
export async function dockerfileProblems(file: string, bin: string): Promise<string[]> {
  return complaints(await run(path.join(bin, "hadolint"), ["--no-color", file], { quiet: true }));
}

function node(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return run(process.execPath, args, { quiet: true, ...options });
}

/** What a tool said that did not like something. */
function complaints({ code, tail }: Ended): string[] {
  return code === 0 ? [] : lines(tail === "" ? `It ended with ${code} and said nothing.` : tail);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
