/**
 * Guarantee: behind an edge the API answers what came through it, once, and what has one of the cell's own secrets;
 * everything else is a 403. On a real server and database.
 */

import net from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/wire/hex.ts";
import { type Claim, headerOf, PROOF_HEADER, PROOF_SECONDS, proofKey } from "../../src/wire/proof.ts";
import { startTestApi, type TestApi } from "../support/api.ts";

const SECRET = "the-edge-of-this-test-has-a-long-secret";
const NEXT = "and-this-is-the-secret-that-comes-after";
const TOKEN = "a-token-of-scalers-with-32-characters";
const REFUSED = { status: 403, code: "edge_proof_invalid" };

let api: TestApi;
let other: TestApi;

beforeAll(async () => {
  const options = { edgeSecret: `${SECRET},${NEXT}`, internalToken: TOKEN };
  api = await startTestApi(undefined, options);
  // The first one closes the database that both have.
  other = await startTestApi({ ...api.database, close: async () => {} }, options);
});
afterAll(async () => {
  await other.close();
  await api.close();
});

interface Sent {
  readonly method?: string;
  /** With its query. */
  readonly path?: string;
  readonly body?: string;
  /** What the proof says instead of what is sent. */
  readonly claim?: Partial<Claim>;
  /** How old the proof is. */
  readonly agedSeconds?: number;
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request with a proof, ready to be sent, several times if need be. */
async function proven(sent: Sent = {}) {
  const { method = "GET", path = "/v1/videos", body = "", claim, agedSeconds = 0, secret, headers } = sent;
  const key = await proofKey(secret ?? SECRET);
  const { pathname, search } = new URL(path, api.origin);
  const proof = await headerOf(key, {
    method,
    path: pathname,
    query: search,
    cell: "a",
    ip: "192.0.2.1",
    seconds: Math.floor(api.now() / 1000) - agedSeconds,
    nonce: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("hex"),
    bodyDigest: await sha256Hex(new TextEncoder().encode(body)),
    ...claim,
  });
  const all = { authorization: `Bearer ${api.key}`, [PROOF_HEADER]: proof, ...headers };
  return {
    proof,
    send: (changes: RequestInit & { path?: string; to?: TestApi } = {}) =>
      fetch(`${(changes.to ?? api).origin}${changes.path ?? path}`, {
        method,
        headers: all,
        ...(body !== "" && { body }),
        ...changes,
      }),
  };
}

async function errorOf(response: Response) {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, code: error.code, message: error.message };
}

const CREATE = {
  method: "POST",
  body: '{"prompt":"a red circle"}',
  headers: { "content-type": "application/json" },
};

describe("a request through the edge", () => {
  it("is answered, with its body", async () => {
    const read = await proven({ path: "/v1/videos?limit=1" });
    expect((await read.send()).status).toBe(200);
    const created = await (await proven(CREATE)).send();
    expect([created.status, await created.json()]).toMatchObject([200, { prompt: "a red circle" }]);
  });

  it("may have a form as its body", async () => {
    const form = new Request(api.origin, { method: "POST", body: formOf({ prompt: "a blue square" }) });
    const body = await form.text();
    const headers = { "content-type": form.headers.get("content-type") ?? "" };
    const created = await (await proven({ method: "POST", body, headers })).send();
    expect([created.status, await created.json()]).toMatchObject([200, { prompt: "a blue square" }]);
  });

  it("still needs a key that is good", async () => {
    const response = await (await proven({ headers: { authorization: "Bearer mx_wrong" } })).send();
    expect(await errorOf(response)).toMatchObject({ status: 401, code: "invalid_api_key" });
  });

  it("may be proved with either secret while one takes the other's place", async () => {
    expect((await (await proven({ secret: NEXT })).send()).status).toBe(200);
  });
});

describe("a proof", () => {
  it("that is missing is 403, but for health and who has the cell's own secrets", async () => {
    const ask = (path: string, key = api.key) =>
      fetch(`${api.origin}${path}`, { headers: { authorization: `Bearer ${key}` } });
    for (const path of [
      "/v1/videos",
      "/v1/models",
      "/",
      "/docs",
      "/openapi.json",
      "/anything",
      "/internal/keys/x",
    ])
      expect(await errorOf(await ask(path))).toMatchObject(REFUSED);
    for (const path of ["/healthz", "/readyz"]) expect((await ask(path)).status).toBe(200);
    expect((await ask("/v1/accounts", api.operatorKey)).status).toBe(200);
    expect((await ask(`/internal/keys/${"0".repeat(64)}`, TOKEN)).status).toBe(200);
    expect(await errorOf(await ask("/v1/accounts", TOKEN))).toMatchObject({ status: 401 });
  });

  it.each<[string, Sent]>([
    ["forged", { secret: "a-secret-that-somebody-made-up-for-it" }],
    ["of another method", { claim: { method: "HEAD" } }],
    ["of another path", { claim: { path: "/v1/models" } }],
    ["of another query", { claim: { query: "?limit=2" } }],
    ["of another cell", { claim: { cell: "b" } }],
    ["of another body", { ...CREATE, claim: { bodyDigest: "00".repeat(32) } }],
    ["of an old time", { agedSeconds: PROOF_SECONDS + 2 }],
    ["of a time to come", { agedSeconds: -PROOF_SECONDS - 2 }],
  ])("that is %s is 403", async (_, sent) => {
    expect(await errorOf(await (await proven(sent)).send())).toMatchObject(REFUSED);
  });

  it("that is cut off or changed is 403", async () => {
    const { proof } = await proven();
    const other = proof.replace(/n=../, (start) => (start === "n=00" ? "n=11" : "n=00"));
    for (const wrong of ["", "v1", proof.slice(0, -1), other, `${proof}, ${proof}`])
      expect(
        await errorOf(await (await proven({ headers: { [PROOF_HEADER]: wrong } })).send()),
      ).toMatchObject(REFUSED);
  });

  it("does not fit another path or body that is sent with it", async () => {
    const read = await proven({ path: "/v1/videos?limit=1" });
    for (const path of ["/v1/videos?limit=2", "/v1/videos", "/v1/account"])
      expect(await errorOf(await read.send({ path }))).toMatchObject(REFUSED);
    const create = await proven(CREATE);
    for (const body of ['{"prompt":"a red circle" }', '{"prompt":', "{}"])
      expect(await errorOf(await create.send({ body }))).toMatchObject(REFUSED);
    // What was refused has not spent it.
    expect((await create.send()).status).toBe(200);
  });

  it("of a body that is too large or compressed says nothing for another one", async () => {
    const create = await proven(CREATE);
    expect(await errorOf(await create.send({ body: "x".repeat(2 ** 20 + 1) }))).toMatchObject(REFUSED);
  });
});

describe("a request that is sent again", () => {
  it("is 403 where it only reads", async () => {
    const read = await proven();
    expect((await read.send()).status).toBe(200);
    expect((await errorOf(await read.send())).message).toMatch(/used before/);
  });

  it("is 403 where it changes something, in every process of the cell", async () => {
    const create = await proven(CREATE);
    const statuses = await Promise.all(
      [0, 1, 2, 3].map(async (at) => (await create.send({ to: at % 2 ? other : api })).status),
    );
    expect(statuses.toSorted()).toEqual([200, 403, 403, 403]);
  });

  it("is 403 as long as its time would let it pass, also after a sweep", async () => {
    const create = await proven({
      ...CREATE,
      agedSeconds: 2 - PROOF_SECONDS,
    });
    expect((await create.send()).status).toBe(200);
    api.advance(2 * PROOF_SECONDS - 10);
    await api.jobs.sweep();
    expect((await errorOf(await create.send())).message).toMatch(/used before/);
    api.advance(20);
    expect((await errorOf(await create.send())).message).toMatch(/older than/);
    api.advance(2 * 3600);
    expect((await api.jobs.sweep()).forgotten).toBeGreaterThan(0);
  });
});

it("a body that is cut off on its way is no request", async () => {
  const { proof } = await proven(CREATE);
  const { hostname, port } = new URL(api.origin);
  const socket = net.connect(Number(port), hostname);
  const before = await videos();
  const head = [
    "POST /v1/videos HTTP/1.1",
    `host: ${hostname}`,
    `authorization: Bearer ${api.key}`,
    `${PROOF_HEADER}: ${proof}`,
    "content-type: application/json",
    `content-length: ${CREATE.body.length}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${CREATE.body.slice(0, -3)}`);
  await new Promise<void>((resolve) => socket.end(() => resolve()));
  await new Promise((resolve) => socket.on("close", resolve).resume());
  expect(await videos()).toBe(before);
});

describe("GET /internal/keys/{hash}", () => {
  it("knows keys that are good, and says nothing of others", async () => {
    const { id, key } = await api.account({ unlimited: true });
    const known = async (text: string) => {
      const hash = await sha256Hex(new TextEncoder().encode(text));
      return (await (await proven({ path: `/internal/keys/${hash}` })).send()).json();
    };
    expect(await known(key)).toEqual({ known: true });
    expect(await known(`${key}x`)).toEqual({ known: false });
    expect(await known(api.operatorKey)).toEqual({ known: false });
    const [one] = await api.accounts.listKeys(id, { limit: 1 });
    await api.accounts.revokeKey(id, one?.id ?? "");
    expect(await known(key)).toEqual({ known: false });
    expect((await (await proven({ path: "/internal/keys/abc" })).send()).status).toBe(404);
  });

  it("makes keys and accounts that name the cell", async () => {
    const { id, key } = await api.account();
    expect(key).toMatch(/^mx_a[a-z2-7]{47}$/);
    expect(id).toMatch(/^acct_a[0-9A-HJKMNP-TV-Z]{26}$/);
  });
});

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}

async function videos(): Promise<number> {
  const [row] = await api.database.query<{ count: number }>("select count(*)::int from mixcache.videos");
  return row?.count ?? 0;
}
