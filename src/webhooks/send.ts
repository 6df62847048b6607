/**
 * One request to a receiver: to an address that was judged a moment ago, under the name that its URL has. Redirects
 * are not followed, proxies not used, and neither a slow nor a long answer holds anything up.
 */

import http from "node:http";
import https from "node:https";
import { isIP, type LookupFunction, type TcpNetConnectOpts } from "node:net";
import type { GuardPolicy } from "./address.ts";
import { type Address, judge, type Resolve } from "./resolve.ts";
import { hostOf } from "./url.ts";

/** For everything: names, connection, TLS, request and answer. */
export const TIMEOUT_MS = 15_000;
/** Of the answer, whose content nobody needs. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Where a name has several addresses, how long each may take to connect; the last one has the rest of the time. */
const NEXT_ADDRESS_MS = 2_000;

export interface SendOptions {
  readonly policy: GuardPolicy;
  readonly resolve: Resolve;
  /** Default 15 s. */
  readonly timeoutMs?: number;
  /** Certificates to trust besides the system's, as PEM. */
  readonly ca?: string;
}

/** What is sent. */
export interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came of it. */
export interface Answer {
  /** HTTP status; undefined where there was no answer. */
  readonly status?: number;
  /** The receiver's `retry-after`, as it wrote it. */
  readonly retryAfter?: string;
  /** Why it counts as a failure, in a word; undefined for 2xx. */
  readonly error?: SendError;
}

export type SendError =
  /** The URL may not be used any more, since the rules were others when it was registered. */
  | "url_refused"
  | "name_not_found"
  /** The name leads to an address that may not be connected to. */
  | "address_refused"
  | "connection_failed"
  | "tls_failed"
  | "timeout"
  | "redirect"
  | "status"
  /** Stopped here; no attempt. */
  | "aborted";

/** Sends; never throws. */
export async function send(message: Message, options: SendOptions, stop: AbortSignal): Promise<Answer> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = AbortSignal.any([stop, timeout]);
  const word = (): SendError => (stop.aborted ? "aborted" : "timeout");
  if (!URL.canParse(message.url)) return { error: "url_refused" };
  const url = new URL(message.url);
  const judged = await Promise.race([judge(url, options.policy, options.resolve), aborted(signal)]);
  if (judged === undefined) return { error: word() };
  if ("refused" in judged) return { error: judged.refused };
  return request(url, judged.addresses, { message, signal, ...(options.ca && { ca: options.ca }) }).catch(
    (error: unknown) => ({ error: signal.aborted ? word() : wordOf(error) }),
  );
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

interface Sending {
  readonly message: Message;
  readonly signal: AbortSignal;
  readonly ca?: string;
}

function request(url: URL, addresses: readonly Address[], sending: Sending): Promise<Answer> {
  const { message, signal, ca } = sending;
  const { request: open } = url.protocol === "https:" ? https : http;
  const host = hostOf(url);
  return new Promise((resolve, reject) => {
    let said: Answer | undefined;
    // Once there is a status, it counts, however the rest of the answer ends.
    const end = (error?: unknown) => (said ? resolve(said) : reject(error));
    const options: https.RequestOptions & Pick<TcpNetConnectOpts, "autoSelectFamilyAttemptTimeout"> = {
      method: "POST",
      headers: { ...message.headers, "content-length": Buffer.byteLength(message.body) },
      // An agent of its own: no connection is kept, so none was opened before the address was judged.
      agent: false,
      // Not asked where the host is a literal, which was judged as it stands.
      lookup: answering(addresses),
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
      signal,
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca !== undefined && { ca }),
    };
    const outgoing = open(url, options);
    outgoing.on("error", end);
    outgoing.on("response", (incoming) => {
      said = answerOf(incoming);
      let bytes = 0;
      incoming.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > MAX_ANSWER_BYTES) incoming.destroy();
      });
      incoming.on("error", end);
      incoming.on("close", end);
    });
    outgoing.end(message.body);
  });
}

function answerOf({ statusCode: status = 0, headers }: http.IncomingMessage): Answer {
  const { "retry-after": retryAfter } = headers;
  return { status, ...(retryAfter !== undefined && { retryAfter }), ...failureOf(status) };
}

/** A lookup that knows one answer. */
function answering(addresses: readonly Address[]): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [...addresses]);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  };
}

function failureOf(status: number): Pick<Answer, "error"> {
  if (status >= 200 && status < 300) return {};
  return { error: status >= 300 && status < 400 ? "redirect" : "status" };
}

function wordOf(error: unknown): SendError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /CERT|SSL|TLS|SIGNATURE|ISSUER|EPROTO|ALTNAME/.test(code) ? "tls_failed" : "connection_failed";
}
