/**
 * What errors are in HTTP, for the API and the edge alike: a status, and a body in OpenAI's envelope on its routes, in
 * problem details (RFC 9457) on ours.
 */

import { type ErrorCode, type ErrorKind, MixcacheError } from "../errors.ts";

/** What an error may be answered with. */
export type FailureStatus = keyof typeof TITLES;

const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

const STATUS_OF_KIND: Readonly<Record<ErrorKind, FailureStatus>> = {
  input: 400,
  engine: 503,
  output: 500,
  interrupted: 503,
  fault: 500,
};

/** Where a code's status is not its kind's. */
const STATUS_OF: Readonly<Partial<Record<ErrorCode, FailureStatus>>> = {
  invalid_api_key: 401,
  credit_insufficient: 402,
  scope_missing: 403,
  edge_proof_invalid: 403,
  route_unknown: 404,
  video_not_found: 404,
  key_not_found: 404,
  account_not_found: 404,
  webhook_not_found: 404,
  delivery_not_found: 404,
  content_missing: 404,
  method_not_allowed: 405,
  video_live: 409,
  credit_exists: 409,
  video_not_ready: 409,
  webhook_limit: 409,
  webhook_disabled: 409,
  video_expired: 410,
  body_too_large: 413,
  media_type_unsupported: 415,
  head_too_large: 431,
  idempotency_conflict: 422,
  queue_full: 429,
  streams_full: 429,
  rate_limited: 429,
  spend_cap_reached: 429,
  account_busy: 409,
  database_unavailable: 503,
};

/** Failures that pass: the same request may well succeed later. */
const PASSES = new Set<number>([408, 425, 429, 500, 502, 503, 504]);
/** Whatever their status says: a client that tries again by itself gives up long before. */
const STAYS = new Set<string>(["spend_cap_reached"] satisfies ErrorCode[]);

/** An error in the terms of HTTP. */
export interface Failure {
  readonly status: FailureStatus;
  readonly code: string;
  /** A sentence for people. */
  readonly message: string;
  readonly field: string | null;
  readonly retryAfterSeconds?: number;
}

/** In place of messages that name hosts and folders, which are the operator's affair; the log has them. */
const FOR_CALLERS: Readonly<Partial<Record<ErrorCode, string>>> = {
  database_unavailable: "The database can't be reached just now. Try again in a moment.",
  storage_full: "The disk of this server is full. Try again later.",
  storage_failed: "The storage of this server failed. Try again; if it stays, report it with the request id.",
};

/** What anything that was thrown is to a client. What is not ours to explain is a plain 500. */
export function failureOf(error: unknown): Failure {
  if (error instanceof MixcacheError) {
    const status = STATUS_OF[error.code] ?? STATUS_OF_KIND[error.kind];
    const { code, field = null, retryAfterSeconds } = error;
    const message = FOR_CALLERS[code] ?? error.message;
    return { status, code, message, field, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }
  return {
    status: 500,
    code: "internal_error",
    message: "Something went wrong in the server. Try again; if it stays, report it with the request id.",
    field: null,
  };
}

/** What is said where there is nothing. */
export function noRoute(method: string, path: string): MixcacheError {
  return new MixcacheError(
    "route_unknown",
    `There is nothing at ${method} ${path.slice(0, 200)}; /docs lists the routes.`,
  );
}

/** What is said to who asks too often. */
export function rateLimited(sentence: string, retryAfterSeconds: number): MixcacheError {
  const message = `${sentence} Try again in ${retryAfterSeconds} s.`;
  return new MixcacheError("rate_limited", message, { retryAfterSeconds });
}

/** True for routes whose shape is OpenAI's. */
export function isOpenAiRoute(path: string): boolean {
  return (
    /^\/v1\/(videos|models)(\/|$)/.test(path) &&
    !/^\/v1\/videos\/([^/]+\/(cancel|trace|events|previews\/[^/]+)|quote)$/.test(path)
  );
}

/** An answer to a request that failed. */
export interface Refusal {
  readonly status: FailureStatus;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @param path what was asked for, which decides the form */
export function refusalOf(failure: Failure, path: string, requestId: string): Refusal {
  const { status, code, retryAfterSeconds } = failure;
  const isOpenAi = isOpenAiRoute(path);
  return {
    status,
    headers: {
      ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
      ...((!PASSES.has(status) || STAYS.has(code)) && { "x-should-retry": "false" }),
      ...(status === 401 && { "www-authenticate": 'Bearer realm="mixcache"' }),
      "cache-control": "no-store",
      "content-type": isOpenAi ? "application/json" : "application/problem+json",
    },
    body: JSON.stringify(isOpenAi ? { error: errorOf(failure) } : problemOf(failure, requestId)),
  };
}

/** OpenAI's envelope holds this, and so do problem details. */
function errorOf({ status, code, message, field }: Failure) {
  return { message, type: typeOf(status), param: field, code };
}

/** RFC 9457. */
function problemOf(failure: Failure, requestId: string) {
  const { status, code, message, field } = failure;
  return {
    type: "about:blank",
    title: TITLES[status],
    status,
    detail: message,
    code,
    ...(field !== null && { field }),
    request_id: requestId,
    error: errorOf(failure),
  };
}

/** What is answered where no route is asked: nobody knows yet whose form it should have, so it has both. */
export function plainRefusal(failure: Failure, requestId: string): Response {
  return Response.json(problemOf(failure, requestId), {
    status: failure.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...(PASSES.has(failure.status) ? { "retry-after": "1" } : { "x-should-retry": "false" }),
    },
  });
}

function typeOf(status: number): string {
  if (status >= 500) return "server_error";
  if (status === 429) return "rate_limit_error";
  if (status === 402) return "insufficient_quota";
  return status === 403 ? "permission_error" : "invalid_request_error";
}
