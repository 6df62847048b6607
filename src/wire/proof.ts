/**
 * How the edge proves to a cell that a request comes through it: the header `mixcache-edge` with an HMAC-SHA256 over
 * everything that decides what the request does. A proof is good for one request within a minute.
 */

import { hexOf, sha256Hex } from "./hex.ts";

/** Nothing that begins so comes from a client. */
export const PROOF_HEADER = "mixcache-edge";
/** By how much the clocks of edge and cell may differ, and a request be under way, in seconds. */
export const PROOF_SECONDS = 60;
/** What `EDGE_SECRET` may be: a secret, or two with a comma between while one takes the other's place. */
export const EDGE_SECRET = /^[\x21-\x2b\x2d-\x7e]{32,}(,[\x21-\x2b\x2d-\x7e]{32,})?$/;
export const EDGE_SECRET_RULE =
  "it must be a secret of at least 32 visible ASCII characters, or two with a comma between";

const FORM =
  /^v1 t=(\d{1,12}) n=([0-9a-f]{32}) ip=([0-9A-Fa-f.:]{1,45}|-) b=([0-9a-f]{64}) s=([0-9a-f]{64})$/;

/** What is proved of a request. */
export interface Claim {
  readonly method: string;
  /** As it stands in the URL, not decoded. */
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
  /** The cell's label. */
  readonly cell: string;
  /** Seconds since 1970. */
  readonly seconds: number;
  /** 32 hexadecimal digits, for this request alone. */
  readonly nonce: string;
  /** Of the client; `-` where nobody knows. */
  readonly ip: string;
  /** SHA-256 of the body in hex, of an empty one too. */
  readonly bodyDigest: string;
}

/** What a header says of itself, and its signature over all of the claim. */
export type Proof = Pick<Claim, "seconds" | "nonce" | "ip" | "bodyDigest"> & { readonly signature: string };

/** Keys to verify with. @param secrets as `EDGE_SECRET` has them */
export function proofKeys(secrets: string): Promise<CryptoKey[]> {
  return Promise.all(secrets.split(",").map(keyOf));
}

/** The key to sign with, which is the first one's. @param secrets as `EDGE_SECRET` has them */
export function proofKey(secrets: string): Promise<CryptoKey> {
  const [first = ""] = secrets.split(",");
  return keyOf(first);
}

function keyOf(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, [
    "sign",
    "verify",
  ]);
}

/** The header's value for a request of now. */
export async function prove(
  key: CryptoKey,
  request: Pick<Claim, "method" | "path" | "query" | "cell" | "ip">,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const nonce = hexOf(crypto.getRandomValues(new Uint8Array(16)));
  const seconds = Math.floor(Date.now() / 1000);
  return headerOf(key, { ...request, seconds, nonce, bodyDigest: await sha256Hex(body) });
}

/** The header's value. */
export async function headerOf(key: CryptoKey, claim: Claim): Promise<string> {
  const { seconds, nonce, ip, bodyDigest } = claim;
  const signature = hexOf(await crypto.subtle.sign("HMAC", key, signed(claim)));
  return `v1 t=${seconds} n=${nonce} ip=${ip} b=${bodyDigest} s=${signature}`;
}

/** Undefined for what is no proof by its form; two of them are none. */
export function readProof(header: string): Proof | undefined {
  const [, seconds, nonce, ip, bodyDigest, signature] = FORM.exec(header) ?? [];
  if (nonce === undefined || ip === undefined || bodyDigest === undefined || signature === undefined)
    return undefined;
  return { seconds: Number(seconds), nonce, ip, bodyDigest, signature };
}

/** Whether one of the keys made the proof, for this request. Says nothing of its time. */
export async function isProven(
  keys: readonly CryptoKey[],
  { signature, ...said }: Proof,
  request: Pick<Claim, "method" | "path" | "query" | "cell">,
): Promise<boolean> {
  const bytes = Uint8Array.from(signature.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const text = signed({ ...request, ...said });
  const fits = await Promise.all(keys.map((key) => crypto.subtle.verify("HMAC", key, bytes, text)));
  return fits.includes(true);
}

/** A line for each part, none of which can hold a line's end. */
function signed({ method, path, query, cell, seconds, nonce, ip, bodyDigest }: Claim) {
  const lines = [PROOF_HEADER, "v1", method, path, query, cell, seconds, nonce, ip, bodyDigest];
  return new TextEncoder().encode(lines.join("\n"));
}
