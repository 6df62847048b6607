/** What a finished video is downloaded from: its files, and the record of its steps. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { MixcacheError } from "../../errors.ts";
import { RECORD_FORMAT, type StoredObject, type VideoRow } from "../../jobs/index.ts";
import { contentSchema, type Variant } from "../../schemas/query.ts";
import { checked } from "../../schemas/sentence.ts";
import { serveObject } from "../../storage/index.ts";
import { accountOf, authenticated } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { failureOf, respondWith } from "../errors.ts";
import { addOperation } from "../operation.ts";
import { idOf } from "./id.ts";

/** The whole of it is in docs/schema/record-1.schema.json. */
const TraceRecord = z
  .looseObject({
    format: z.literal(RECORD_FORMAT),
    video: z.string(),
    attempt: z.int(),
    outcome: z.enum(["completed", "cancelled", "deadline_exceeded"]),
  })
  .openapi("TraceRecord");

const REDIRECT = "A URL of the file, which needs no key. Clients must not send theirs there.";

/** Adds `/v1/videos/{id}/content` and `/v1/videos/{id}/trace`. GET answers HEAD and ranges too. */
export function addContentRoutes(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  const key = authenticated(options.accounts, "videos:read");
  addOperation(app, {
    method: "get",
    path: "/v1/videos/{id}/content",
    id: "downloadVideo",
    summary: "Download a video, its thumbnail or its spritesheet",
    tag: "Videos",
    query: contentSchema,
    description:
      "The file itself, or a redirect to a URL that is good for an hour at most. After `expires_at` it is gone: 410.",
    success: { content: ["video/mp4", "image/webp"], redirect: REDIRECT },
    failures: [400, 404, 409, 410, 416],
    key,
    handle: async (c) => {
      const { variant = "video" } = checked(contentSchema, c.req.query());
      const row = await options.jobs.get(accountOf(c), idOf(c));
      return serve(c, options, row, variant);
    },
  });
  addOperation(app, {
    method: "get",
    path: "/v1/videos/{id}/trace",
    id: "getTrace",
    summary: "Download the record of every step",
    description: "What was computed and what was reused; the bill can be made again from it.",
    tag: "Videos",
    success: { schema: TraceRecord, redirect: REDIRECT },
    failures: [404, 409, 410, 416],
    key,
    handle: async (c) => serve(c, options, await options.jobs.get(accountOf(c), idOf(c)), "trace"),
  });
}

async function serve(
  c: Context<ApiEnv>,
  { store, delivery, now }: ApiOptions,
  row: VideoRow,
  file: Variant | "trace",
): Promise<Response> {
  const { key, contentType } = stored(row, file);
  const expiresInSeconds = secondsLeft(row, now());
  const ending = key.slice(key.lastIndexOf(".") + 1);
  const filename = file === "video" ? `${row.id}.${ending}` : `${row.id}-${file}.${ending}`;
  // A signed URL is for GET alone, and who asks for the head wants no bytes.
  if (delivery === "redirect" && c.req.method !== "HEAD") {
    const url = await store.signedUrl(key, { expiresInSeconds, filename, contentType });
    c.header("cache-control", "private, no-store");
    return c.redirect(url, 302);
  }
  const response = await serveObject(store, key, c.req.raw, { filename, contentType });
  if (!response)
    throw new MixcacheError("content_missing", `The ${file} of ${row.id} is not in the store any more.`);
  if (response.status !== 416) return response;
  // The one refusal that the store makes itself; the client gets it in the form of all others.
  c.header("content-range", response.headers.get("content-range") ?? "");
  return respondWith(c, { ...failureOf(undefined), ...OUT_OF_RANGE });
}

const OUT_OF_RANGE = {
  status: 416,
  code: "range_not_satisfiable",
  message: "The range lies outside the file. Its size is in content-range.",
  field: "range",
} as const;

/** The longest that a URL of a file is good for. */
const URL_SECONDS = 3600;

/**
 * How long a URL of the video's files may be good for: an hour, and never longer than the files are kept.
 * @throws MixcacheError `video_expired`
 */
function secondsLeft({ id, expiresAt }: VideoRow, now: Date): number {
  if (!expiresAt) return URL_SECONDS;
  const left = Math.floor((expiresAt.getTime() - now.getTime()) / 1000);
  if (left < 1)
    throw new MixcacheError(
      "video_expired",
      `The files of ${id} were kept until ${expiresAt.toISOString()} (expires_at). Create the video again.`,
    );
  return Math.min(left, URL_SECONDS);
}

/** @throws MixcacheError `video_not_ready`, `content_missing` */
function stored(row: VideoRow, file: Variant | "trace"): StoredObject {
  const found = row.result?.[file];
  // A video that was stopped has a trace, and nothing else.
  if (found && (row.status === "completed" || file === "trace")) return found;
  if (row.status === "queued" || row.status === "in_progress")
    throw new MixcacheError(
      "video_not_ready",
      `The video ${row.id} is ${row.status.replace("_", " ")}. Ask for its ${file} when it is completed.`,
    );
  throw new MixcacheError(
    "content_missing",
    row.status === "failed"
      ? `The video ${row.id} failed (${row.error?.code ?? "unknown"}), so it has no ${file}.`
      : `The video ${row.id} has no ${file}.`,
  );
}
