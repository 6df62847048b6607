/** Sends to everything in the corpus and counts the sockets that were opened for it. */

import type { GuardPolicy } from "../../src/webhooks/address.ts";
import type { Address, Resolve } from "../../src/webhooks/resolve.ts";
import { send } from "../../src/webhooks/send.ts";
import { checkUrl } from "../../src/webhooks/url.ts";
import { countSockets } from "./socket-count.ts";
import { PUBLIC_ADDRESS, SSRF_CORPUS, type SsrfCase } from "./ssrf-corpus.ts";

export interface SsrfReport {
  readonly cases: number;
  /** Refused by what is written in them, when they are registered. */
  readonly refusedAtRegistration: number;
  /** Refused when they are sent, all of them. */
  readonly refusedAtSend: number;
  /** Sockets, over all policies. */
  readonly connections: number;
  /** Cases that were not refused, by name. */
  readonly wrong: readonly string[];
  /** Sockets of a request that is allowed: the count can count. */
  readonly control: number;
}

/** What refuses without asking anybody. */
const REFUSALS = new Set(["url_refused", "name_not_found", "address_refused"]);
const STRICT: readonly GuardPolicy[] = [
  { allowHttp: false, allowPrivate: false },
  { allowHttp: true, allowPrivate: false },
];

/** A resolver that answers every name with these. */
export function resolving(addresses: readonly string[]): Resolve {
  return async () =>
    addresses.map((address): Address => ({ address, family: address.includes(":") ? 6 : 4 }));
}

const message = (url: string) => ({ url, headers: { "content-type": "application/json" }, body: "{}" });
const never = new AbortController().signal;

/** Everything under both policies, as it is and over plain HTTP. */
export async function ssrf(): Promise<SsrfReport> {
  const sockets = countSockets({ open: false });
  const wrong: string[] = [];
  const counts = { registration: 0, send: 0 };
  try {
    for (const one of SSRF_CORPUS) {
      const registered = refusedAtRegistration(one);
      counts.registration += Number(registered);
      const words = await Promise.all(
        STRICT.flatMap((policy) => variants(one).map((url) => word(url, one, policy))),
      );
      if (words.every((error) => error !== undefined && REFUSALS.has(error))) counts.send++;
      else wrong.push(`${one.name}: ${words.join(", ")}`);
    }
    const connections = sockets.attempts.length;
    await word("https://hooks.example.com/hook", { name: "control", url: "" }, STRICT[0] as GuardPolicy);
    return {
      cases: SSRF_CORPUS.length,
      refusedAtRegistration: counts.registration,
      refusedAtSend: counts.send,
      connections,
      wrong,
      control: sockets.attempts.length - connections,
    };
  } finally {
    sockets.restore();
  }
}

function variants({ url }: SsrfCase): readonly string[] {
  return url.startsWith("https://") ? [url, url.replace("https://", "http://")] : [url];
}

async function word(url: string, { resolves }: SsrfCase, policy: GuardPolicy): Promise<string | undefined> {
  const resolve = resolving(resolves ?? [PUBLIC_ADDRESS]);
  return (await send(message(url), { policy, resolve }, never)).error;
}

function refusedAtRegistration({ url }: SsrfCase): boolean {
  try {
    checkUrl(url, { allowHttp: false, allowPrivate: false }, "url");
    return false;
  } catch {
    return true;
  }
}
