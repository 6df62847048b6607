/** The server that is fuzzed: everything real but the engine, in a process of its own; it counts what it answers. */

import { createLog } from "../../src/logging.ts";
import { startTestApi } from "../support/api.ts";
import type { FuzzCounts, FuzzQuestion, FuzzReady } from "./protocol.ts";

const MOST_FAULTS = 20;

const counts = new Map<string, Map<number, number>>();
const faults: string[] = [];
const log = createLog({ level: "error" });
const api = await startTestApi(undefined, { log, onAnswer: count });
const patterns = await documented();
// Videos are made in a moment, but not so many that nothing else is done.
await api.startWorker({ stepMs: 5 });

const { id, key } = await api.account({ unlimited: true });
const video = await finishedVideo();
process.on("message", async (question: FuzzQuestion) => {
  if (question.ask === "account") process.send?.(await api.account({ unlimited: true }));
  else process.send?.(counted());
});
process.on("disconnect", () => process.exit());
process.send?.({
  origin: api.origin,
  operatorKey: api.operatorKey,
  account: { id, key, video },
} satisfies FuzzReady);

/** Routes of the document, those without parameters first: `/v1/videos/quote` is no id. */
async function documented(): Promise<readonly { readonly route: string; readonly pattern: RegExp }[]> {
  const document = (await (await api.app.request("/openapi.json")).json()) as { paths: object };
  return Object.keys(document.paths)
    .sort((a, b) => Number(a.includes("{")) - Number(b.includes("{")))
    .map((route) => ({ route, pattern: new RegExp(`^${route.replace(/\{\w+\}/g, "[^/]+")}$`) }));
}

function count(request: Request, response: Response): void {
  const { pathname } = new URL(request.url);
  const found = patterns?.find(({ pattern }) => pattern.test(pathname));
  const name = found ? `${request.method} ${found.route}` : "elsewhere";
  const ofRoute = counts.get(name) ?? new Map<number, number>();
  ofRoute.set(response.status, (ofRoute.get(response.status) ?? 0) + 1);
  counts.set(name, ofRoute);
  if (response.status >= 500 && pathname !== "/readyz" && faults.length < MOST_FAULTS)
    faults.push(`${response.status} ${request.method} ${pathname} (${response.headers.get("x-request-id")})`);
}

function counted(): FuzzCounts {
  const histogram = Object.fromEntries([...counts].map(([name, of]) => [name, Object.fromEntries(of)]));
  return { histogram, faults };
}

async function finishedVideo(): Promise<string> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const body = '{"prompt":"a red circle","num_inference_steps":2}';
  const made = await api.app.request("/v1/videos", { method: "POST", headers, body });
  const { id: videoId } = (await made.json()) as { id: string };
  for (;;) {
    if ((await api.jobs.get(id, videoId)).status === "completed") return videoId;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
