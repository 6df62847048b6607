/** Answers to requests that no route hears: before the API is there, and where a request can't be read. */

import { type Failure, plainRefusal } from "../wire/failure.ts";
import { newRequestId } from "../wire/request-id.ts";

/** The server listens, and what is behind it is still being opened. */
export function starting(random: () => number): Response {
  const message = "The server is starting. Try again in a moment.";
  return plainRefusal({ status: 503, code: "starting", message, field: null }, newRequestId(random));
}

/** What Node says is wrong with a request, as a status. */
const STATUS_OF: Readonly<Record<string, 408 | 431>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const MESSAGES = {
  400: "The request is no HTTP that can be read. Check its first line, its host and its headers.",
  408: "The request did not come to its end in time. Send it again.",
  431: "The address or the headers are too long. Send shorter ones.",
} as const;

/** @param error what the reader of the request threw */
export function unreadable(error: unknown, random: () => number): Response {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const status: keyof typeof MESSAGES = STATUS_OF[code] ?? 400;
  const failure: Failure = { status, code: "request_unreadable", message: MESSAGES[status], field: null };
  return plainRefusal(failure, newRequestId(random));
}
