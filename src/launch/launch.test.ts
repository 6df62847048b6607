/**
 * What launchers ask of a platform: one worker, which is told its id. AWS and Google are small HTTP servers here, which
 * hold the requests against what the documentation says; neither cloud was asked.
 */

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { BatchClient } from "@aws-sdk/client-batch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { batchLauncher } from "./batch.ts";
import { cloudRunJobsLauncher } from "./cloud-run-jobs.ts";
import { localLauncher } from "./local.ts";

interface Seen {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let origin: string;
let seen: Seen[];
let answer: (request: Seen) => { status: number; body: object };

beforeEach(async () => {
  seen = [];
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const one = { method: request.method, path: request.url, headers: request.headers, body };
    seen.push(one);
    const { status, body: told } = answer(one);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(told));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

describe("AWS Batch", () => {
  const launcher = () =>
    batchLauncher({
      queue: "gpu",
      definition: "mixcache-worker:3",
      client: new BatchClient({
        endpoint: origin,
        region: "eu-central-1",
        maxAttempts: 1,
        credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
      }),
    });

  it("is sent a signed SubmitJob with the worker's id in its environment", async () => {
    answer = () => ({
      status: 200,
      body: { jobId: "8f2c", jobName: "mixcache-w1", jobArn: "arn:aws:batch:x" },
    });
    expect(await launcher().launch("w1")).toBe("8f2c");
    expect(seen).toHaveLength(1);
    const [{ method, path: at, headers, body } = { body: "" } as Seen] = seen;
    expect({ method, at }).toEqual({ method: "POST", at: "/v1/submitjob" });
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/batch\//,
    );
    expect(JSON.parse(body)).toEqual({
      jobName: "mixcache-w1",
      jobQueue: "gpu",
      jobDefinition: "mixcache-worker:3",
      containerOverrides: { environment: [{ name: "WORKER_ID", value: "w1" }] },
    });
  });

  it("is asked once: what it refuses is a sentence, and the next tick's affair", async () => {
    answer = () => ({ status: 500, body: { message: "no room" } });
    await expect(launcher().launch("w1")).rejects.toMatchObject({
      code: "launch_failed",
      message: expect.stringMatching(/^AWS Batch did not take a worker \(.+\)\. Check BATCH_JOB_QUEUE/),
    });
    expect(seen).toHaveLength(1);
  });
});

describe("Cloud Run Jobs", () => {
  const job = "projects/p/locations/europe-west4/jobs/worker";
  const launcher = () => cloudRunJobsLauncher({ job, fetch, api: origin, metadata: origin });
  const TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token";

  it("is sent jobs.run with the machine's token and the worker's id as an override", async () => {
    answer = ({ path: at }) =>
      at === TOKEN_PATH
        ? { status: 200, body: { access_token: "ya29.x", expires_in: 3599, token_type: "Bearer" } }
        : { status: 200, body: { name: "projects/p/locations/europe-west4/operations/o1", done: false } };
    expect(await launcher().launch("w1")).toBe("projects/p/locations/europe-west4/operations/o1");
    const [token, run] = seen;
    expect(token?.headers["metadata-flavor"]).toBe("Google");
    expect(run).toMatchObject({
      method: "POST",
      path: `/v2/${job}:run`,
      headers: { authorization: "Bearer ya29.x", "content-type": "application/json" },
    });
    expect(JSON.parse(run?.body ?? "")).toEqual({
      overrides: { containerOverrides: [{ env: [{ name: "WORKER_ID", value: "w1" }] }], taskCount: 1 },
    });
  });

  it.each([
    ["no token is given", TOKEN_PATH],
    ["the job refuses", `/v2/${job}:run`],
  ])("is a sentence where %s", async (_, refused) => {
    answer = ({ path: at }) =>
      at === refused
        ? { status: 403, body: { error: "denied" } }
        : { status: 200, body: { access_token: "t" } };
    await expect(launcher().launch("w1")).rejects.toMatchObject({
      code: "launch_failed",
      message: expect.stringMatching(
        /^Cloud Run did not take a worker \(403: .*denied.*\)\. Check CLOUD_RUN_JOB/,
      ),
    });
  });
});

describe("this machine", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-launch-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("starts the command line's `worker --drain` with its id, as a process of its own", async () => {
    const told = path.join(folder, "told");
    const script = `require("node:fs").writeFileSync(process.env.TOLD + ".part", JSON.stringify([process.argv.slice(1), process.env.WORKER_ID])); require("node:fs").renameSync(process.env.TOLD + ".part", process.env.TOLD)`;
    const launcher = localLauncher({
      command: [process.execPath, "-e", script, "--"],
      environment: (id) => ({ WORKER_ID: id, TOLD: told }),
    });
    expect(Number(await launcher.launch("w1"))).toBeGreaterThan(0);
    const read = () => {
      try {
        return JSON.parse(readFileSync(told, "utf8"));
      } catch {
        return undefined;
      }
    };
    await expect.poll(read, { timeout: 30_000 }).toEqual([["worker", "--drain"], "w1"]);
  });

  it("is a sentence where there is no such program", async () => {
    const launcher = localLauncher({ command: [path.join(folder, "nothing")], environment: () => ({}) });
    await expect(launcher.launch("w1")).rejects.toMatchObject({ code: "launch_failed" });
  });
});
