/** Asking a cell: with a proof, without what belongs to the connection before, and not for ever. */

import { MixcacheError } from "../errors.ts";
import { type Claim, PROOF_HEADER, prove } from "../wire/proof.ts";
import type { EdgeConfig } from "./bindings.ts";

/** Of one connection (RFC 9110, 7.6.1), or what others before us say of the client. */
const NOT_PASSED =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|host|content-length|cf-.*|x-forwarded-.*|forwarded|x-real-ip|true-client-ip|mixcache-edge.*)$/;
const RETRY_SECONDS = 5;

/** What is asked of a cell. */
export interface Question extends Pick<Claim, "cell" | "method" | "path" | "query" | "ip"> {
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Until the first byte of the answer; what follows may take as long as it does. */
  readonly patienceMs: number;
}

/** @throws MixcacheError `cell_unavailable` where there is no answer, or none of the API's */
export async function ask({ cells, proofKey }: EdgeConfig, question: Question): Promise<Response> {
  const { cell, method, path, query, body } = question;
  const headers = passedOn(question.headers);
  headers.set(PROOF_HEADER, await prove(proofKey, question, body));
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), question.patienceMs);
  const init = { method, headers, redirect: "manual", cache: "no-store", signal: late.signal } as const;
  const url = `${cells.get(cell)}${path}${query}`;
  const response = await fetch(url, body.byteLength > 0 ? { ...init, body } : init).catch(() => undefined);
  clearTimeout(timer);
  // Every answer of the API has a request id: a failure without one is of something that stands before it.
  if (response && (response.status < 500 || response.headers.has("x-request-id"))) return response;
  throw unavailable(cell);
}

/** It may be back soon. */
export function unavailable(cell: string): MixcacheError {
  const message = `The cell ${cell}, where this account lives, doesn't answer. Try again in ${RETRY_SECONDS} s.`;
  return new MixcacheError("cell_unavailable", message, { retryAfterSeconds: RETRY_SECONDS });
}

/** The answer as the client gets it, while its body is still coming. */
export function passedBack(answer: Response): Response {
  const response = new Response(answer.body, answer);
  const { status, headers } = response;
  for (const name of ["connection", "keep-alive", "transfer-encoding"]) headers.delete(name);
  if (headers.has("location")) headers.set("cache-control", "private, no-store");
  if (status === 503 && !headers.has("retry-after")) headers.set("retry-after", String(RETRY_SECONDS));
  return response;
}

function passedOn(given: Headers): Headers {
  const named = (given.get("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  return new Headers([...given].filter(([name]) => !NOT_PASSED.test(name) && !named.includes(name)));
}
