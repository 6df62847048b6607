/**
 *     npm run fuzz [-- --requests 100000 --raw 50000 --seed 1]
 *
 * Asks every operation of the OpenAPI document with what schemathesis makes of it: right and wrong values, forms, and
 * chains along the links. Every answer has to be one that the document has, and none a 5xx. Then hostile requests of
 * our own. Prints what was answered on each route. MIXCACHE_SCHEMATHESIS names a schemathesis; else one is installed
 * into `.venv-fuzz`.
 */

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { seeded } from "../support/random.ts";
import type { FuzzCounts, FuzzQuestion, FuzzReady } from "./protocol.ts";
import { rawRequests } from "./raw.ts";
import { type Conclusion, conclusion, table } from "./report.ts";
import { schemathesis } from "./schemathesis.ts";
import { sendAll } from "./send.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "100000" },
    raw: { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const requests = Number(values.requests);
const raw = Number(values.raw ?? requests / 2);
const seed = Number(values.seed);

const server = fork(path.join(import.meta.dirname, "server.ts"));
const [ready] = (await once(server, "message")) as [FuzzReady];
const auth = { authorization: `Bearer ${ready.operatorKey}`, "mixcache-account": ready.account.id };

async function ask<Answer>(question: FuzzQuestion): Promise<Answer> {
  const answered = once(server, "message");
  server.send(question);
  return ((await answered) as [Answer])[0];
}

const counts = () => ask<FuzzCounts>({ ask: "histogram" });
const total = ({ histogram }: FuzzCounts) =>
  Object.values(histogram).reduce((sum, of) => sum + Object.values(of).reduce((a, b) => a + b, 0), 0);

/** Rounds with other seeds until there were enough; the first has every phase. */
async function byDocument(): Promise<{ rounds: number; mismatches: number }> {
  const command = await schemathesis();
  let rounds = 0;
  let mismatches = 0;
  for (let made = 0; made < requests; made = total(await counts())) {
    const examples = Math.max(10, Math.min(200, Math.ceil((requests - made) / 60)));
    const args = [
      "run",
      `${ready.origin}/openapi.json`,
      ...Object.entries(auth).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
      // It ends its account, so it gets one of its own each time; see below.
      ...["--exclude-operation-id", "deleteAccountData"],
      ...["--phases", rounds === 0 ? "examples,coverage,fuzzing,stateful" : "fuzzing,stateful"],
      ...["--checks", CHECKS.join(",")],
      ...["--max-examples", String(examples), "--seed", String(seed + rounds), "--workers", "1"],
      ...["--generation-database", "none", "--continue-on-failure", "--no-color", "--warnings", "off"],
    ];
    const run = spawn(command, args, { cwd: tmpdir(), stdio: ["ignore", "inherit", "inherit"] });
    const [code] = (await once(run, "exit")) as [number | null];
    if (code !== 0) mismatches++;
    rounds++;
  }
  return { rounds, mismatches };
}

const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
];

async function hostile(): Promise<ReadonlyMap<number, number>> {
  const document = (await (await fetch(`${ready.origin}/openapi.json`)).json()) as {
    paths: Record<string, object>;
  };
  const operations = Object.entries(document.paths)
    .flatMap(([route, methods]) => Object.keys(methods).map((method) => [method, route] as const))
    .filter(([, route]) => route !== "/v1/account/data");
  const ids = [ready.account.id, ready.account.video, "key_0", "shapes"];
  return sendAll(ready.origin, raw, rawRequests(seeded(seed), { operations, ids, auth }));
}

/** `DELETE /v1/account/data` with whatever; each account once. */
async function endings(count: number): Promise<ReadonlyMap<number, number>> {
  const statuses = new Map<number, number>();
  const random = seeded(seed + 1);
  for (let i = 0; i < count; i++) {
    const { id, key } = await ask<{ id: string; key: string }>({ ask: "account" });
    const operations = [["delete", "/v1/account/data"]] as const;
    const next = rawRequests(random, { operations, ids: [id], auth: { authorization: `Bearer ${key}` } });
    for (const [status, times] of await sendAll(ready.origin, 3, next, 1))
      statuses.set(status, (statuses.get(status) ?? 0) + times);
  }
  return statuses;
}

const started = performance.now();
const { rounds, mismatches } = await byDocument();
const documented = await counts();
const byDocumentSeconds = (performance.now() - started) / 1000;
const ended = await endings(Math.ceil(requests / 1000));
const rawStatuses = await hostile();
const all = await counts();
server.disconnect();

const result: Conclusion = {
  documented,
  requests: total(documented),
  rounds,
  mismatches,
  byDocumentSeconds,
  seconds: (performance.now() - started) / 1000,
  raw: rawStatuses,
  ended,
  all,
};
process.stdout.write(`${table(documented.histogram)}\n${conclusion(result).text}`);
process.exitCode = conclusion(result).passed ? 0 : 1;
