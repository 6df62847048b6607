/** Requests that no cell should see: without a key, with keys that nobody knows, and invalid ones with one that is good. */

import { randomBytes } from "node:crypto";
import { newKey } from "../../src/jobs/index.ts";

/** A request to the edge. */
export interface Hostile {
  readonly kind: string;
  readonly path: string;
  readonly init: RequestInit;
}

const ULID = "01K7Q9P6VQ0Z5W8N3B4C2D1E0F";
/** Well-formed keys that nobody has; each is sent many times. */
const MADE_UP = 15;

/** So many of them, of every kind in turn. */
export function hostileRequests(count: number, keys: { good: string; revoked: string }): Hostile[] {
  const madeUp = Array.from({ length: MADE_UP }, () => newKey(randomBytes, "a").secret);
  const kinds: ((at: number) => Hostile)[] = [
    () => of("no key", undefined),
    () => of("another scheme", undefined, { headers: { authorization: "Basic eDp5" } }),
    (at) => of("mistyped key", `${keys.good.slice(0, -2)}${at % 10}a`),
    () => of("key of no cell", newKey(randomBytes, "q").secret),
    (at) => of("made-up key", madeUp[Math.floor(at / 12) % MADE_UP]),
    () => of("revoked key", keys.revoked),
    () => of("no prompt", keys.good, posted("{}")),
    () => of("no JSON", keys.good, posted('{"prompt":')),
    () => of("seconds that are none", keys.good, posted('{"prompt":"x","seconds":"long"}')),
    () => of("video of another cell", keys.good, {}, `/v1/videos/video_b${ULID}`),
    () => of("traversal", keys.good, {}, "/v1/videos/..%2f..%2finternal%2fscale"),
    () => of("internal route", keys.good, {}, `/internal/keys/${"0".repeat(64)}`),
    () => of("too large", keys.good, posted("x".repeat(2 ** 20 + 1))),
  ];
  // Every kind once in a round but the largest, which is rare.
  return Array.from({ length: count }, (_, at) => {
    const kind = kinds[at % 200 === 0 ? kinds.length - 1 : at % (kinds.length - 1)];
    if (!kind) throw new Error("There is no such kind.");
    return kind(at);
  });
}

function posted(body: string): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body };
}

function of(kind: string, key: string | undefined, init: RequestInit = {}, path = "/v1/videos"): Hostile {
  const headers = new Headers(init.headers);
  if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
  return { kind, path, init: { ...init, headers } };
}
