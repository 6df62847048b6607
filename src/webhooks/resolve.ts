/** From a receiver's URL to the addresses that may be connected to, judged anew at every attempt. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type GuardPolicy, refusalOf } from "./address.ts";
import { hostOf, whyNot } from "./url.ts";

/** An address of a name. */
export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Asks for all addresses of a name. @throws where there is none */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

/** As the machine resolves names. */
export const systemResolve: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }));

/** Where a request may go, or the word that says why it may not. */
export type Judged =
  | { readonly addresses: readonly [Address, ...Address[]] }
  | { readonly refused: "url_refused" | "name_not_found" | "address_refused" };

/**
 * Every address has to be allowed: a name that also leads inside is either hostile or a mistake. The answer is what is
 * connected to; nobody asks again.
 */
export async function judge(url: URL, policy: GuardPolicy, resolve: Resolve): Promise<Judged> {
  if (whyNot(url, policy) !== undefined) return { refused: "url_refused" };
  const host = hostOf(url);
  const family = isIP(host);
  const addresses = family === 0 ? await found(host, resolve) : [{ address: host, family: familyOf(family) }];
  const [first, ...others] = addresses;
  if (!first) return { refused: "name_not_found" };
  if (addresses.some(({ address }) => refusalOf(address, policy) !== undefined))
    return { refused: "address_refused" };
  return { addresses: [first, ...others] };
}

async function found(host: string, resolve: Resolve): Promise<readonly Address[]> {
  try {
    return (await resolve(host)).map(({ address }) => ({ address, family: familyOf(isIP(address)) }));
  } catch {
    return [];
  }
}

function familyOf(family: number): 4 | 6 {
  return family === 6 ? 6 : 4;
}
