/** Bodies as they are sent, each verified by the public library with the secret that the API gave out. */

import { startTestApi } from "../../support/api.ts";
import { type Received, startReceiver, verified } from "../../support/receiver.ts";
import { happenAll } from "./events.ts";

export interface SignaturesReport {
  readonly bodies: number;
  readonly verified: number;
  /** Bodies with one bit changed that the library took. */
  readonly tamperedTaken: number;
  readonly largestBytes: number;
}

const ACCOUNTS = 10;

/** @param bodies how many, over ten accounts with a secret each */
export async function signatures(bodies: number): Promise<SignaturesReport> {
  const api = await startTestApi();
  const receiver = await startReceiver();
  try {
    const secrets = new Map<string, string>();
    for (let count = 0; count < ACCOUNTS; count++) {
      const { id, key } = await api.account({ unlimited: true });
      const response = await api.app.request("/v1/webhooks", {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ url: `${receiver.origin}/${count}` }),
      });
      secrets.set(`/${count}`, ((await response.json()) as { secret: string }).secret);
      const numbers = Array.from({ length: bodies / ACCOUNTS }, (_, at) => at * ACCOUNTS + count);
      await happenAll(api, id, numbers);
    }
    await api.sender.settle();
    const good = receiver.received.filter((got) => holds(secrets, got, api.now()));
    const tampered = receiver.received.filter((got) => holds(secrets, oneBitOff(got), api.now()));
    return {
      bodies: new Set(receiver.received.map(({ id }) => id)).size,
      verified: good.length,
      tamperedTaken: tampered.length,
      largestBytes: Math.max(...receiver.received.map(({ body }) => Buffer.byteLength(body))),
    };
  } finally {
    await receiver.close();
    await api.close();
  }
}

function holds(secrets: ReadonlyMap<string, string>, got: Received, nowMs: number): boolean {
  try {
    verified(secrets.get(got.path) ?? "", got, nowMs);
    return true;
  } catch {
    return false;
  }
}

function oneBitOff(got: Received): Received {
  const at = got.body.indexOf("video");
  return { ...got, body: `${got.body.slice(0, at)}w${got.body.slice(at + 1)}` };
}
