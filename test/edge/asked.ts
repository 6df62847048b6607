/** Asking the edge and its cells, from inside workerd. */

import { exports } from "cloudflare:workers";
import { inject } from "vitest";
import { hexOf, sha256Hex } from "../../src/wire/hex.ts";
import { keyText } from "../../src/wire/key.ts";
import type { Seen } from "./cells.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
/** Of the cells, by label. */
const urls = new Map(
  (inject("cells" as never) as string).split(",").map((one) => one.split("=") as [string, string]),
);

/** A key that is well formed, and never the same. */
export function someKey(cell: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(40));
  return keyText(cell, Array.from(bytes, (byte) => LETTERS[byte % 32]).join(""));
}

/** A key that its cell knows. */
export async function knownKey(cell = "a"): Promise<string> {
  const key = someKey(cell);
  await control(cell, "know", await hashOf(key));
  return key;
}

/** The cell knows a key no more. */
export async function revoke(cell: string, key: string): Promise<void> {
  await control(cell, "forget", await hashOf(key));
}

/** What came to a cell, but for questions for keys. */
export async function seenBy(cell: string): Promise<Seen[]> {
  return (await allSeenBy(cell)).filter(({ path }) => !path.startsWith("/internal/"));
}

/** Questions for keys that came to a cell, by their hash. */
export async function lookUps(cell: string): Promise<string[]> {
  return (await allSeenBy(cell)).flatMap(({ path }) => path.match(/^\/internal\/keys\/(\w+)$/)?.[1] ?? []);
}

/** Both cells forget what they saw. */
export async function clear(): Promise<void> {
  for (const cell of ["a", "b"]) await control(cell, "clear");
}

async function allSeenBy(cell: string): Promise<Seen[]> {
  return JSON.parse(await control(cell, "seen")) as Seen[];
}

async function control(cell: string, what: string, body = ""): Promise<string> {
  const response = await fetch(`${urls.get(cell)}/control/${what}`, { method: "POST", body });
  return response.text();
}

export async function hashOf(key: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(key));
}

/** What is asked of the edge. */
export interface Asked {
  readonly key?: string | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly ip?: string;
}

/** Asks the edge. */
export function ask(
  path: string,
  { key, method = "GET", headers = {}, body, ip }: Asked = {},
): Promise<Response> {
  return exports.default.fetch(
    new Request(`https://edge.example.com${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(ip !== undefined && { "cf-connecting-ip": ip }),
        ...headers,
      },
      ...(body !== undefined && { body }),
    }),
  );
}

/** The error of an answer, in either form. */
export async function errorOf(response: Response) {
  const body = (await response.json()) as { error: { code: string; message: string; param: string | null } };
  return {
    status: response.status,
    code: body.error.code,
    message: body.error.message,
    param: body.error.param,
  };
}

/** Random hexadecimal digits. */
export function randomHex(bytes: number): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(bytes)));
}
