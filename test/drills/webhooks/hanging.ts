/** Many receivers of which some accept a request and never answer: how long events take to reach the others. */

import { randomBytes } from "node:crypto";
import { openDatabase } from "../../../src/jobs/index.ts";
import { startTestApi } from "../../support/api.ts";
import { startPostgres } from "../../support/postgres.ts";
import { startReceiver } from "../../support/receiver.ts";
import { happen } from "./events.ts";

export interface HangingReport {
  readonly receivers: number;
  readonly hanging: number;
  /** Deliveries to receivers that answer: due, and arrived. */
  readonly due: number;
  readonly arrived: number;
  /** From the event to the request, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that hung when the last event had happened. */
  readonly open: number;
}

export interface HangingOptions {
  /** A multiple of 20. */
  readonly receivers: number;
  readonly hanging: number;
  readonly events: number;
  /** Between two events, each of which goes to 20 receivers. */
  readonly everyMs: number;
}

const OF_ACCOUNT = 20;

/** On a real PostgreSQL, with the sender's own clock and timeouts. */
export async function hanging({
  receivers,
  hanging,
  events,
  everyMs,
}: HangingOptions): Promise<HangingReport> {
  const postgres = await startPostgres();
  const api = await startTestApi(await openDatabase({ url: await postgres.database() }));
  const receiver = await startReceiver();
  const accounts = receivers / OF_ACCOUNT;
  const hangingOfAccount = Math.ceil(hanging / accounts);
  const happened = new Map<string, number>();
  const arrivals: { readonly id: string; readonly atMs: number }[] = [];
  let open = 0;
  let tell = () => {};
  try {
    const ids = await Promise.all(
      Array.from({ length: accounts }, (_, account) =>
        registered(api, receiver.origin, account < hanging / hangingOfAccount ? hangingOfAccount : 0),
      ),
    );
    receiver.answer((got, response) => {
      if (got.path.startsWith("/hang")) {
        open++;
        response.on("close", () => open--);
        return;
      }
      arrivals.push({ id: got.id, atMs: Date.now() });
      response.writeHead(204).end();
      tell();
    });
    let due = 0;
    const one = async (number: number) => {
      const account = ids[number % accounts];
      const startedMs = Date.now();
      happened.set(await happen(api, account?.id ?? "", number), startedMs);
      due += OF_ACCOUNT - (account?.hanging ?? 0);
    };
    // A receiver that waits for ever shows as a run that does.
    const all = async () => {
      while (arrivals.length < due)
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
    };
    api.sender.start();
    // Everyone is sent to once, so that those who hang do.
    for (let number = 0; number < accounts; number++) await one(number);
    await all();
    const first = arrivals.splice(0).length;
    due = 0;
    for (let number = 0; number < events; number++) {
      await one(number);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    const openAtEnd = open;
    await all();
    await api.sender.stop();
    const latencies = arrivals.map(({ id, atMs }) => atMs - (happened.get(id) ?? 0));
    const sorted = latencies.toSorted((a, b) => a - b);
    const quantile = (share: number) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      receivers,
      hanging,
      due: due + receivers - hanging,
      arrived: arrivals.length + first,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      open: openAtEnd,
    };
  } finally {
    await api.sender.stop();
    await receiver.close();
    await api.close();
    await postgres.stop();
  }
}

/** An account with its receivers, the first ones of which hang. */
async function registered(
  api: Awaited<ReturnType<typeof startTestApi>>,
  origin: string,
  hangingOfAccount: number,
): Promise<{ id: string; hanging: number }> {
  const { id, key } = await api.account({ unlimited: true });
  for (let count = 0; count < OF_ACCOUNT; count++) {
    const kind = count < hangingOfAccount ? "hang" : "answer";
    await api.app.request("/v1/webhooks", {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ url: `${origin}/${kind}/${randomBytes(6).toString("hex")}` }),
    });
  }
  return { id, hanging: hangingOfAccount };
}
