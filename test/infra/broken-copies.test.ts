/**
 * Every deployment file passes its check, and a copy of it with one key misspelt does not. It runs where
 * MIXCACHE_TEST_INFRA names a folder with the programs of scripts/infra/requirements.txt; `npm run check:infra` makes one.
 */

import { globSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  composeProblems,
  dockerfileProblems,
  manifestProblems,
  serverlessProblems,
} from "../../scripts/infra/checks.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
const programs = process.env.MIXCACHE_TEST_INFRA;
const bin = path.resolve(programs ?? ".");

describe.skipIf(programs === undefined)("a misspelt key is found", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "mixcache-infra-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A copy in which the first `from` is `to`. */
  async function brokenCopy(file: string, from: string, to: string): Promise<string> {
    const source = await readFile(path.join(REPOSITORY, file), "utf8");
    expect(source).toContain(from);
    const copy = path.join(folder, file);
    await mkdir(path.dirname(copy), { recursive: true });
    await writeFile(copy, source.replace(from, to));
    return copy;
  }

  it("manifests pass as they are", async () => {
    const files = globSync("infra/{kubernetes,cloud-run}/*.yaml", { cwd: REPOSITORY });
    const all = files.map((file) => path.join(REPOSITORY, file));
    expect(await manifestProblems(all, bin)).toEqual([]);
  });

  it.each([
    ["infra/kubernetes/settings.yaml", "labels:", "label:", "label"],
    ["infra/kubernetes/migrate.yaml", "ttlSecondsAfterFinished:", "ttlSecondAfterFinished:", "ttlSecond"],
    ["infra/kubernetes/api.yaml", "path: /readyz", "pth: /readyz", "readinessProbe.httpGet"],
    ["infra/kubernetes/network.yaml", "policyTypes:", "policyType:", "policyType"],
    ["infra/kubernetes/worker.yaml", "secretTargetRef:", "secretTargtRef:", "secretTargtRef"],
    ["infra/kubernetes/worker.yaml", "maxReplicaCount:", "maxReplicasCount:", "maxReplicasCount"],
    ["infra/kubernetes/worker.yaml", "strategy: gradual", "strategi: gradual", "spec.rollout"],
    ["infra/kubernetes/worker.yaml", "backoffLimit:", "backofLimit:", "backofLimit"],
    ["infra/kubernetes/worker.yaml", "runAsNonRoot:", "runAsNonRot:", "runAsNonRot"],
    ["infra/cloud-run/api.yaml", "containerConcurrency:", "containerConcurency:", "containerConcurency"],
    ["infra/cloud-run/worker.yaml", "maxRetries:", "maxRetrys:", "maxRetrys"],
    ["infra/cloud-run/tick.yaml", "secretKeyRef:", "secretKeyReff:", "secretKeyReff"],
    ["infra/cloud-run/migrate.yaml", "timeoutSeconds:", "timeoutSecond:", "timeoutSecond"],
  ])("%s: %s", async (file, from, to, named) => {
    const problems = await manifestProblems([await brokenCopy(file, from, to)], bin);
    expect(problems.join("\n")).toContain(named);
  });

  it("infra/compose.yaml", async () => {
    expect(await composeProblems(path.join(REPOSITORY, "infra/compose.yaml"))).toEqual([]);
    const copy = await brokenCopy("infra/compose.yaml", "stop_grace_period:", "stop_grace_perod:");
    expect((await composeProblems(copy)).join("\n")).toContain("/services/mixcache");
  });

  it("infra/Dockerfile", async () => {
    expect(await dockerfileProblems(path.join(REPOSITORY, "infra/Dockerfile"), bin)).toEqual([]);
    const copy = await brokenCopy("infra/Dockerfile", "\nHEALTHCHECK ", "\nHEALTHCHEK ");
    expect(await dockerfileProblems(copy, bin)).not.toEqual([]);
  });

  describe("serverless.yml", () => {
    /** serverless.yml with all that it includes, and functions that only have to be there. */
    async function copied(): Promise<string> {
      const copy = await mkdtemp(path.join(folder, "serverless-"));
      await cp(path.join(REPOSITORY, "infra/aws"), path.join(copy, "infra/aws"), { recursive: true });
      await mkdir(path.join(copy, "dist-functions"), { recursive: true });
      await writeFile(path.join(copy, "package.json"), "{}");
      for (const name of ["lambda", "tick"])
        await writeFile(path.join(copy, `dist-functions/${name}.js`), "export const handler = undefined;");
      await cp(path.join(REPOSITORY, "serverless.yml"), path.join(copy, "serverless.yml"));
      return copy;
    }

    it("passes", async () => {
      expect(await serverlessProblems(await copied(), bin)).toEqual([]);
    });

    it.each([
      ["serverless.yml", "memorySize:", "memorySiz:", "memorySiz"],
      ["infra/aws/batch.yml", "MinvCpus:", "MinvCpu:", "there is no property MinvCpu."],
      [
        "infra/aws/batch.yml",
        "Type: AWS::Batch::JobQueue",
        "Type: AWS::Batch::JobQueu",
        "AWS::Batch::JobQueu",
      ],
      ["infra/aws/bucket.yml", "BlockPublicAcls:", "BlockPublicAcl:", "there is no property BlockPublicAcl."],
      [
        "infra/aws/roles.yml",
        "AssumeRolePolicyDocument:",
        "AssumeRolePolicy:",
        "AssumeRolePolicyDocument is missing",
      ],
      ["infra/aws/alarms.yml", "ComparisonOperator:", "ComparisonOperatr:", "ComparisonOperatr"],
    ])("%s: %s", async (file, from, to, named) => {
      const copy = await copied();
      const source = await readFile(path.join(copy, file), "utf8");
      expect(source).toContain(from);
      await writeFile(path.join(copy, file), source.replace(from, to));
      expect((await serverlessProblems(copy, bin)).join("\n")).toContain(named);
    });
  });
});
