/** A receiver that is away for a while of a simulated clock, in one of two ways; and what arrives when it is back. */

import { startTestApi, type TestApi } from "../../support/api.ts";
import { type Received, startReceiver, status, verified } from "../../support/receiver.ts";
import { happenAll } from "./events.ts";

export interface DownReport {
  readonly events: number;
  /** Events that arrived after the return, verified. */
  readonly delivered: number;
  /** Different `webhook-id`s over all requests; as many as events. */
  readonly ids: number;
  /** Requests that came more than once while it answered 503: duplicates, each of an id that was there before. */
  readonly duplicates: number;
  /** Seconds of the simulated clock from the return until the last event had arrived. */
  readonly lastAfterSeconds: number;
}

/** @param how `refused`: nobody listens; `failing`: it takes the request and answers 503 */
export async function down(
  events: number,
  { seconds, how }: { readonly seconds: number; readonly how: "refused" | "failing" },
): Promise<DownReport> {
  const api = await startTestApi();
  let receiver = await startReceiver();
  const port = Number(new URL(receiver.origin).port);
  try {
    const { id, key } = await api.account({ unlimited: true });
    const response = await api.app.request("/v1/webhooks", {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ url: `${receiver.origin}/hook` }),
    });
    const { secret } = (await response.json()) as { secret: string };
    if (how === "refused") await receiver.close();
    else receiver.answer(status(503));
    await happenAll(
      api,
      id,
      Array.from({ length: events }, (_, at) => at),
    );
    const returnMs = api.now() + seconds * 1000;
    await until(api, returnMs);
    const before: Received[] = [...receiver.received];
    if (how === "refused") receiver = await startReceiver({ port });
    const good = new Set<string>();
    let lastMs = returnMs;
    receiver.answer((got, answer) => {
      verified(secret, got, api.now());
      good.add(got.id);
      lastMs = api.now();
      answer.writeHead(204).end();
    });
    await until(api, Number.POSITIVE_INFINITY);
    const all = new Set([...before, ...receiver.received].map((got) => got.id));
    return {
      events,
      delivered: good.size,
      ids: all.size,
      duplicates: before.length,
      lastAfterSeconds: Math.round((lastMs - returnMs) / 1000),
    };
  } finally {
    await receiver.close();
    await api.close();
  }
}

/** Lets time pass from one due attempt to the next, until then or until nothing is due any more. */
async function until(api: TestApi, endMs: number): Promise<void> {
  for (;;) {
    await api.sender.settle();
    const [row] = await api.database.query<{ next: Date | null }>(
      "select min(next_attempt_at) as next from mixcache.webhook_deliveries where state = 'pending'",
    );
    const nextMs = row?.next?.getTime() ?? Number.POSITIVE_INFINITY;
    if (nextMs > endMs || nextMs === Number.POSITIVE_INFINITY) break;
    await api.pass(Math.max(1, (nextMs - api.now()) / 1000));
  }
  if (endMs !== Number.POSITIVE_INFINITY) await api.pass(Math.max(0, (endMs - api.now()) / 1000));
}
