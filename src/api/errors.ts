/** The one place that turns errors into answers of the API. */

import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { type Failure, refusalOf, failureOf as wireFailureOf } from "../wire/failure.ts";
import type { ApiEnv } from "./context.ts";

/** What anything that was thrown is to a client. */
export function failureOf(error: unknown): Failure {
  if (error instanceof HTTPException && error.status < 500) return ofHttpException(error);
  return wireFailureOf(error);
}

function ofHttpException({ status }: HTTPException): Failure {
  const failure = { field: null };
  if (status === 413)
    return { ...failure, status, code: "body_too_large", message: "The body is too large. Send less." };
  if (status === 415)
    return {
      ...failure,
      status,
      code: "media_type_unsupported",
      message: "The body's content-type is not one of application/json and multipart/form-data.",
    };
  return { ...failure, status: 400, code: "invalid_argument", message: "The request can't be read." };
}

/** The answer to a request that failed. */
export function respondWith(c: Context<ApiEnv>, failure: Failure): Response {
  const { status, headers, body } = refusalOf(failure, c.req.path, c.get("requestId"));
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.body(body, status);
}
