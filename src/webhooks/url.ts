/** Whether a URL can be a receiver at all, by what is written in it; where its name leads is asked at each attempt. */

import { isIP } from "node:net";
import { invalid } from "../errors.ts";
import { type GuardPolicy, refusalOf } from "./address.ts";

const MAX_URL_CHARACTERS = 2000;
/** What services listen on; others are of use to whoever looks for open doors. */
const PORTS_HTTPS: readonly string[] = ["", "443", "8443"];
const PORTS_HTTP: readonly string[] = ["", "80", "8080"];

/** Names that never mean a host of the public internet (RFC 6761, RFC 6762, RFC 8375, and what people use). */
const INNER_NAMES = [
  "localhost",
  "local",
  "localdomain",
  "internal",
  "intranet",
  "lan",
  "home",
  "corp",
  "private",
  "home.arpa",
  "svc",
  "test",
  "invalid",
  "onion",
];

/**
 * The URL, as `URL` reads it: numbers in any notation have become an address.
 * @param field named by the refusal
 * @throws MixcacheError `invalid_argument`
 */
export function checkUrl(text: string, policy: GuardPolicy, field: string): URL {
  const refuse = (why: string) => invalid(field, `${field} can't be used: ${why}.`);
  if (text.length > MAX_URL_CHARACTERS) refuse(`it has more than ${MAX_URL_CHARACTERS} characters`);
  if (!URL.canParse(text)) refuse("it is no URL");
  const url = new URL(text);
  const why = whyNot(url, policy);
  if (why !== undefined) refuse(why);
  return url;
}

/** In a few words why nothing is sent there; undefined where it may be. */
export function whyNot(url: URL, policy: GuardPolicy): string | undefined {
  const { allowHttp, allowPrivate } = policy;
  if (url.protocol !== "https:" && !(allowHttp && url.protocol === "http:"))
    return allowHttp ? "it must begin with https:// or http://" : "it must begin with https://";
  if (url.username !== "" || url.password !== "") return "it must have no user name and no password";
  const ports = url.protocol === "https:" ? PORTS_HTTPS : PORTS_HTTP;
  if (!allowPrivate && !ports.includes(url.port))
    return `its port must be one of ${ports.slice(1).join(", ")}`;
  const host = hostOf(url);
  if (isIP(host) !== 0) {
    const refusal = refusalOf(host, policy);
    return refusal && `its address ${refusal}`;
  }
  return allowPrivate ? undefined : refusalOfName(host);
}

/** The host without brackets and without the dot that ends a full name. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

function refusalOfName(host: string): string | undefined {
  const name = host.toLowerCase();
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(name)) return "its host is no name of the public internet";
  if (INNER_NAMES.some((inner) => name.endsWith(`.${inner}`)))
    return "its host is a name of an inner network";
  return undefined;
}
