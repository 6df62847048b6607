/**
 * Whatever is another account's is the same 404 as what nobody has: on every route of the document that names
 * something, with the body, headers and all. A new route that this test doesn't know fails it.
 */

import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";

let api: TestApi;
/** By what a path begins with: an id of another account's, and one that nobody has. */
let known: Readonly<Record<string, { readonly theirs: string; readonly nobodys: string }>>;
let key: string;

const ask = (path: string, by: string, method: string, body?: object) =>
  api.app.request(path, {
    method,
    headers: { authorization: `Bearer ${by}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });

beforeAll(async () => {
  api = await startTestApi();
  await api.startWorker();
  const other = await api.account({ unlimited: true });
  const hook = await ask("/v1/webhooks", other.key, "POST", { url: "http://127.0.0.1:9/hook" });
  const endpoint = ((await hook.json()) as { id: string }).id;
  const made = await ask("/v1/videos", other.key, "POST", { prompt: "a red circle" });
  const { id } = (await made.json()) as { id: string };
  while ((await api.jobs.get(other.id, id)).status !== "completed")
    await new Promise((resolve) => setTimeout(resolve, 20));
  const [first] = await api.accounts.listKeys(other.id, { limit: 1 });
  await api.jobs.webhooks.fanOut();
  const [delivery] = await api.jobs.webhooks.deliveries(other.id, endpoint, { limit: 1 });
  ({ key } = await api.account({ unlimited: true }));
  const pair = (theirs = "") => ({ theirs, nobodys: `${theirs.slice(0, -4)}0000` });
  known = {
    "/v1/videos/": pair(id),
    "/v1/keys/": pair(first?.id),
    // The first that fits counts.
    "/v1/webhooks/deliveries/": pair(delivery?.id),
    "/v1/webhooks/": pair(endpoint),
  };
  for (const { theirs } of Object.values(known)) expect(theirs).not.toBe("");
});
afterAll(() => api.close());

/** Not of an account: models are everybody's, accounts the operator's. */
const OTHERS = ["/v1/models/", "/v1/accounts/"];
/** What a body has to be for the id to be looked at. */
const BODIES: Readonly<Record<string, object>> = {
  "/v1/videos/{id}/remix": { prompt: "a blue square" },
  "/v1/keys/{id}": { name: "mine" },
  "/v1/webhooks/{id}": { enabled: false },
};

it("every route answers the same, byte for byte, for another account's id as for nobody's", async () => {
  const document = (await (await api.app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const routes = Object.entries(document.paths)
    .filter(([path]) => path.includes("{") && !OTHERS.some((start) => path.startsWith(start)))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
    );
  expect(routes.length).toBeGreaterThanOrEqual(8);
  for (const [method, path] of routes) {
    const ids = Object.entries(known).find(([start]) => path.startsWith(start))?.[1];
    if (!ids)
      throw new Error(`${method} ${path} is not known here: give the test an id of another account's.`);
    const answers = [];
    for (const id of [ids.theirs, ids.nobodys]) {
      const body = method === "POST" ? BODIES[path] : undefined;
      const response = await ask(path.replace("{id}", id).replace("{n}", "1"), key, method, body);
      response.headers.delete("x-request-id");
      const text = (await response.text()).replaceAll(id, "ID").replace(/req_\w+/, "");
      answers.push({ status: response.status, headers: [...response.headers], text });
    }
    expect({ method, path, status: answers[0]?.status }).toEqual({ method, path, status: 404 });
    expect(answers[0]).toEqual(answers[1]);
  }
});

it("accounts are the operator's: nobody else learns which there are", async () => {
  const [account] = await api.accounts.list({ limit: 1 });
  for (const id of [account?.id, "acct_0"]) {
    expect((await ask(`/v1/accounts/${id}`, key, "GET")).status).toBe(403);
    expect((await ask(`/v1/accounts/${id}/credit`, key, "POST", {})).status).toBe(403);
  }
});
