/**
 * Checks the files of every deployment, offline: their schemas and linters come with pinned packages.
 *
 *     npm run check:infra                       makes .venv-infra from scripts/infra/requirements.txt first
 *     node scripts/infra/main.ts <folder>       with the programs of another folder than .venv-infra/bin
 */

import { globSync } from "node:fs";
import path from "node:path";
import { composeProblems, dockerfileProblems, manifestProblems, serverlessProblems } from "./checks.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const bin = path.resolve(process.argv[2] ?? path.join(REPOSITORY, ".venv-infra/bin"));

const checks: readonly (readonly [name: string, problems: Promise<string[]>])[] = [
  ["serverless.yml", serverlessProblems(REPOSITORY, bin)],
  ["infra/kubernetes", manifestProblems(filesOf("infra/kubernetes/*.yaml"), bin)],
  ["infra/cloud-run", manifestProblems(filesOf("infra/cloud-run/*.yaml"), bin)],
  ["infra/compose.yaml", composeProblems(path.join(REPOSITORY, "infra/compose.yaml"))],
  ["infra/Dockerfile", dockerfileProblems(path.join(REPOSITORY, "infra/Dockerfile"), bin)],
];

for (const [name, pending] of checks) {
  const problems = await pending;
  console.log(`${problems.length === 0 ? "well" : "WRONG"}  ${name}`);
  for (const problem of problems) console.log(`       ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

function filesOf(pattern: string): string[] {
  const files = globSync(pattern, { cwd: REPOSITORY });
  if (files.length === 0) throw new Error(`There is no ${pattern}.`);
  return files.sort().map((file) => path.join(REPOSITORY, file));
}
