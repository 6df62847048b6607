/** One route: what the OpenAPI document says of it, and what answers it. */

import { createRoute, type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { MixcacheError } from "../errors.ts";
import { openAiErrorSchema, problemSchema } from "../schemas/problem.ts";
import { idAsGiven } from "../schemas/text.ts";
import { isOpenAiRoute } from "../wire/failure.ts";
import type { ApiEnv } from "./context.ts";

// `openapi()` comes with the import above: it names schemas in the document.
const OpenAiError = openAiErrorSchema.openapi("Error");
const Problem = problemSchema.openapi("Problem");

/** What can go wrong, by status. */
const REASONS: Readonly<Record<number, string>> = {
  400: "The request can't be done; the message says what can.",
  401: "No API key, or one that is not valid.",
  402: "Not enough credit.",
  403: "The API key lacks a scope.",
  404: "There is no such thing, or it is another account's.",
  409: "Not in this state.",
  410: "It was kept as long as was said, and is gone.",
  413: "The body is too large.",
  415: "The body is neither JSON nor a form.",
  416: "The range lies outside the file.",
  422: "The Idempotency-Key was used for another request.",
  429: "Too many requests of this key, too much of this account at once, or the key's spend cap is reached. See retry-after.",
  503: "Not ready. Try again.",
};

/** A route of the document and of the server. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "delete";
  /** With `{id}` for parameters. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly headers?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Checked by the handler; here for the document. */
  readonly body?: { readonly schema: z.ZodType; readonly form?: boolean };
  readonly success: {
    readonly status?: number;
    readonly schema?: z.ZodType;
    readonly content?: readonly string[];
    /** When there is nothing to answer: then it is 204. */
    readonly none?: string;
    /** What it may be told by a redirect instead, in words. */
    readonly redirect?: string;
    /** Operations that take the id of what was answered as theirs. */
    readonly links?: readonly string[];
  };
  /** Statuses of failures beside 500. */
  readonly failures?: readonly number[];
  /** Undefined where no key is needed. */
  readonly key?: MiddlewareHandler<ApiEnv>;
  readonly handle: (c: Context<ApiEnv>) => Response | Promise<Response>;
}

/** Adds a route. */
export function addOperation(app: OpenAPIHono<ApiEnv>, operation: Operation): void {
  const route = createRoute(configOf(operation));
  app.openAPIRegistry.registerPath(route);
  app.on(
    operation.method,
    [route.getRoutingPath()],
    ...(operation.key ? [operation.key] : []),
    operation.handle,
  );
}

function configOf(operation: Operation): RouteConfig {
  const { method, path, id, summary, description, tag, headers, query, body, success, key } = operation;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const params = z.object(Object.fromEntries(names.map((name) => [name, z.string()])));
  return {
    method,
    path,
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    ...(key && { security: [{ key: [] }] }),
    request: {
      ...(names.length > 0 && { params }),
      ...(headers && { headers }),
      ...(query && { query }),
      ...(body && { body: bodyOf(body) }),
    },
    responses: {
      [success.status ?? 200]: successOf(success),
      ...(success.none !== undefined && { 204: { description: success.none } }),
      ...(success.redirect !== undefined && { 302: redirectOf(success.redirect) }),
      ...failuresOf(operation),
    },
  };
}

function bodyOf({ schema, form }: NonNullable<Operation["body"]>) {
  const content = { schema };
  return {
    required: true,
    content: { "application/json": content, ...(form && { "multipart/form-data": content }) },
  };
}

/** Of events the document has no word for what each one is: whoever reads it takes them apart by SSE's own rules. */
function bodyOfType(type: string) {
  if (type === "text/event-stream") return { schema: {} };
  if (type.startsWith("text/")) return { schema: { type: "string" } as const };
  return { schema: { type: "string", format: "binary" } as const };
}

function successOf({ schema, content, links = [] }: Operation["success"]) {
  const files = Object.fromEntries((content ?? []).map((type) => [type, bodyOfType(type)]));
  return {
    description: "Done.",
    ...(links.length > 0 && { links: Object.fromEntries(links.map((id) => [id, linkTo(id)])) }),
    ...((schema || content) && { content: { ...files, ...(schema && { "application/json": { schema } }) } }),
  };
}

function redirectOf(description: string) {
  const location = { required: true, schema: { type: "string", format: "uri" } as const };
  return { description, headers: { location } };
}

function linkTo(operationId: string) {
  return { operationId, parameters: { id: "$response.body#/id" } };
}

function failuresOf({ path, key, failures = [] }: Operation) {
  const content = isOpenAiRoute(path)
    ? { "application/json": { schema: OpenAiError } }
    : { "application/problem+json": { schema: Problem } };
  const all = [...(key ? [401, 403, 429] : []), ...failures].sort((a, b) => a - b);
  return Object.fromEntries(
    [...new Set(all)].map((status) => [status, { description: REASONS[status] ?? "Failed.", content }]),
  );
}

/** A parameter of the path, which is an id or a number; fit to be looked up. */
export function parameter(c: Context<ApiEnv>, name: string): string {
  const value = c.req.param(name);
  if (value === undefined) throw new MixcacheError("route_unknown", `The path has no ${name}.`);
  return idAsGiven(value);
}
